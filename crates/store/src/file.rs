//! `FileStore`: rooms in one redb file, for a node that is a cluster of its own.
//!
//! Every commit is on disk before it is answered. One thread writes ([`writer`]): whatever gathered while the last group was being
//! synced becomes the next group, one transaction and one sync, so that a busy node pays for few syncs and an idle one waits for
//! nobody. After an I/O error the outcome is unknown and the database is opened anew ([`keeper`]); the same commits may then be sent
//! again. Damaged or newer data is refused by name and never overwritten.

mod error;
mod fs;
mod keeper;
mod log;
mod schema;
mod writer;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use redb::StorageBackend;
use videorooms_domain::{Epoch, NodeIncarnation, RoomId, ShardId};

use crate::{Commit, Restore, RoomStore, StoreError, StoredRoom, Verdict, metrics};
use keeper::{Keeper, Opener};
use writer::Writer;

/// Rooms in a file. Dropping it waits for the group that is being written, then lets the file go.
#[derive(Debug)]
pub struct FileStore {
    // Dropped first: the thread must have ended when the file is let go.
    writer: Writer,
    keeper: Arc<Keeper>,
}

impl FileStore {
    /// Opens the store in `directory`, which is made when it does not exist, readable by this user only.
    ///
    /// # Errors
    /// [`StoreError::InUse`] when another process has it, [`StoreError::Corrupt`], [`StoreError::Newer`], or
    /// [`StoreError::Unavailable`] when the directory cannot be used.
    pub async fn open(directory: &Path) -> Result<Self, StoreError> {
        let directory = directory.to_owned();
        let home = blocking(move || fs::Home::claim(&directory)).await?;
        Self::start(Box::new(move || home.database())).await
    }

    /// Opens the store on storage of another kind. `backend` is called at the start and again after each failure; all that it answers
    /// must stand for the same bytes. Locking is then the caller's affair.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn with_backend<B: StorageBackend>(
        backend: impl Fn() -> B + Send + Sync + 'static,
    ) -> Result<Self, StoreError> {
        Self::start(Box::new(
            move || Ok(fs::builder().create_with_backend(backend())?),
        ))
        .await
    }

    async fn start(opener: Opener) -> Result<Self, StoreError> {
        let keeper = Arc::new(blocking(move || Keeper::open(opener)).await?);
        let writer = Writer::start(Arc::clone(&keeper))?;
        Ok(Self { writer, keeper })
    }

    /// Runs `work` on the database, away from the async threads, and reports a failure to the keeper.
    async fn with_database<T: Send + 'static>(
        &self,
        work: impl FnOnce(&redb::Database) -> Result<T, error::FileError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let keeper = Arc::clone(&self.keeper);
        blocking(move || keeper.with_database(work)).await
    }
}

#[async_trait]
impl RoomStore for FileStore {
    fn name(&self) -> &'static str {
        "file"
    }

    async fn open_reign(
        &self,
        _node: &NodeIncarnation,
        at_least: Epoch,
        now_ms: u64,
    ) -> Result<Epoch, StoreError> {
        let floor = at_least.max(Epoch(now_ms));
        self.with_database(move |database| log::open_reign(database, floor))
            .await
    }

    async fn commit(&self, batch: Vec<Commit>) -> Vec<Verdict> {
        self.writer.jobs.commit(batch).await
    }

    async fn restore(&self, restore: Restore) -> Verdict {
        let asking = self.with_database(move |database| log::restore(database, &restore));
        let verdict = asking.await.unwrap_or_else(|error| Verdict::Unknown {
            reason: error.to_string(),
        });
        metrics::verdict(&verdict);
        verdict
    }

    async fn load(&self, room: RoomId) -> Result<Option<StoredRoom>, StoreError> {
        self.with_database(move |database| log::load(database, room))
            .await
    }

    async fn remove(&self, room: RoomId) -> Result<(), StoreError> {
        self.with_database(move |database| log::remove(database, room))
            .await
    }

    async fn list(&self, after: Option<RoomId>, limit: usize) -> Result<Vec<RoomId>, StoreError> {
        self.with_database(move |database| log::list(database, after, limit))
            .await
    }

    async fn rooms_of(&self, shard: ShardId) -> Result<Vec<RoomId>, StoreError> {
        self.with_database(move |database| log::rooms_of(database, shard))
            .await
    }

    async fn health(&self) -> Result<(), StoreError> {
        self.with_database(|_| Ok(())).await
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err(StoreError::Unavailable("the node is shutting down".to_owned())))
}
