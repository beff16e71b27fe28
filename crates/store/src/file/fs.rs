//! The directory of a store: who may use it, and how its file comes into being.
//!
//! `lock` is held by the process that has the store; `rooms.redb` is the store. A new file is laid under another name and renamed when
//! it is whole, so that a crash in between never leaves a `rooms.redb` that nobody can read.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use redb::{Builder, Database};
use rustix::fs::Advice;

use super::error::FileError;
use super::schema;
use crate::StoreError;

/// redb's own default is a gigabyte. Rooms are read once, when they wake; the cache need only hold the tree's upper pages.
const CACHE_BYTES: usize = 16 << 20;

/// A directory claimed for this process until dropped.
#[derive(Debug)]
pub(super) struct Home {
    directory: PathBuf,
    /// The store was there: from now on a missing file is a volume that vanished, not a new store.
    was_open: AtomicBool,
    _lock: File,
}

/// redb as we want it.
pub(super) fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE_BYTES);
    builder
}

impl Home {
    /// Makes the directory where it is missing, and locks it.
    pub(super) fn claim(directory: &Path) -> Result<Self, StoreError> {
        let named = |error: io::Error| StoreError::Unavailable(format!("{}: {error}", directory.display()));
        make(directory).map_err(named)?;
        let lock = private()
            .create(true)
            .open(directory.join("lock"))
            .map_err(named)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                directory: directory.to_owned(),
                was_open: AtomicBool::new(false),
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse),
            Err(TryLockError::Error(error)) => Err(named(error)),
        }
    }

    /// Opens the database. The first time it is laid when there is none; later that would take away everything acknowledged.
    pub(super) fn database(&self) -> Result<Database, FileError> {
        let path = self.directory.join("rooms.redb");
        if !self.was_open.load(Ordering::Relaxed) && !path.try_exists()? {
            self.lay(&path)?;
        }
        forget_cached_pages(&path)?;
        let database = builder().open(&path)?;
        self.was_open.store(true, Ordering::Relaxed);
        Ok(database)
    }

    fn lay(&self, path: &Path) -> Result<(), FileError> {
        let new = self.directory.join("rooms.redb.new");
        private().create(true).truncate(true).open(&new)?;
        let database = builder().create(&new)?;
        schema::prepare(&database)?;
        database.close()?;
        std::fs::rename(&new, path)?;
        Ok(sync_directory(&self.directory)?)
    }
}

/// After a failed sync Linux takes the pages for clean although they are not on disk: reading them back would show, and acknowledge, what
/// the next power cut takes away. Dropping them makes the next read come from the disk.
fn forget_cached_pages(path: &Path) -> io::Result<()> {
    let file = File::open(path)?;
    Ok(rustix::fs::fadvise(&file, 0, None, Advice::DontNeed)?)
}

/// Chats and password hashes are this user's alone.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600);
    options
}

/// Makes a directory and its missing ancestors so that they survive a power cut.
fn make(directory: &Path) -> io::Result<()> {
    if directory.as_os_str().is_empty() || directory.is_dir() {
        return Ok(());
    }
    let parent = directory.parent().unwrap_or(Path::new(""));
    make(parent)?;
    match DirBuilder::new().mode(0o700).create(directory) {
        Ok(()) => sync_directory(parent),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

fn sync_directory(directory: &Path) -> io::Result<()> {
    let here = directory.as_os_str().is_empty();
    File::open(if here { Path::new(".") } else { directory })?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_vanished_is_unavailable_and_no_empty_one_is_laid_in_its_place() {
        let directory = tempfile::tempdir().unwrap();
        let home = Home::claim(directory.path()).unwrap();
        let path = directory.path().join("rooms.redb");
        home.database().unwrap();
        let aside = directory.path().join("aside");
        std::fs::rename(&path, &aside).unwrap();
        let refusal = home.database().map(drop).unwrap_err();
        assert!(matches!(StoreError::from(refusal), StoreError::Unavailable(_)));
        assert!(!path.exists());
        std::fs::rename(&aside, &path).unwrap();
        home.database().unwrap();
    }
}
