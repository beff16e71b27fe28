//! What can go wrong below the port, and what the port calls it.

use std::io;

use redb::{CommitError, DatabaseError, StorageError, TableError, TransactionError};

use crate::StoreError;

/// A failure of the file or of what stands in it.
#[derive(Debug, thiserror::Error)]
pub(super) enum FileError {
    /// redb could not open the file.
    #[error(transparent)]
    Open(#[from] DatabaseError),
    /// redb could not begin.
    #[error(transparent)]
    Begin(#[from] TransactionError),
    /// A table is not there or not of our shape.
    #[error(transparent)]
    Table(#[from] TableError),
    /// redb could not read or write.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// redb could not commit.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The file system refused.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// redb reads it, but it is not what we wrote.
    #[error("{0}")]
    Damaged(String),
    /// A newer version wrote it.
    #[error("format {found} is newer than {supported}")]
    Newer {
        /// Format found.
        found: u32,
        /// Newest format known.
        supported: u32,
    },
}

impl FileError {
    /// Whether the database must be opened anew. Damage found while reading is one room's; the others go on.
    pub(super) fn breaks_database(&self) -> bool {
        !matches!(self, Self::Damaged(_) | Self::Storage(StorageError::Corrupted(_)))
    }
}

impl From<FileError> for StoreError {
    fn from(error: FileError) -> Self {
        let message = error.to_string();
        match error {
            FileError::Damaged(what) => Self::Corrupt(what),
            FileError::Newer { found, supported } => Self::Newer { found, supported },
            FileError::Open(DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch) => {
                Self::InUse
            }
            FileError::Open(DatabaseError::UpgradeRequired(_)) => Self::Corrupt(message),
            FileError::Open(DatabaseError::Storage(storage))
            | FileError::Begin(TransactionError::Storage(storage))
            | FileError::Table(TableError::Storage(storage))
            | FileError::Commit(CommitError::Storage(storage))
            | FileError::Storage(storage) => from_storage(&storage, message),
            FileError::Table(_) => Self::Corrupt(message),
            FileError::Open(_) | FileError::Begin(_) | FileError::Commit(_) | FileError::Io(_) => {
                Self::Unavailable(message)
            }
        }
    }
}

/// redb reports a file that is not its own, or ends too soon, as an I/O error of these kinds.
fn from_storage(storage: &StorageError, message: String) -> StoreError {
    let kind = if let StorageError::Io(error) = storage {
        Some(error.kind())
    } else {
        None
    };
    let corrupt = matches!(storage, StorageError::Corrupted(_))
        || matches!(
            kind,
            Some(io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
        );
    if corrupt {
        StoreError::Corrupt(message)
    } else {
        StoreError::Unavailable(message)
    }
}
