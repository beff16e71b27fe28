//! From a line of configuration to a store.

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::ownership::OwnershipStore;
use crate::{FileStore, MemoryStore, RedisOwnership, RedisStore, RoomStore, SessionTiming, StoreError};

/// What an acknowledgement means, where a store lets one choose. In configuration `strict` and `relaxed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// It is on disk.
    #[default]
    Strict,
    /// It is on disk within a second: a crash of the store loses what came after.
    Relaxed,
}

/// What stands behind one URL.
pub struct Opened {
    /// The rooms.
    pub rooms: Arc<dyn RoomStore>,
    /// The table of owners, where nodes can share one.
    pub ownership: Option<Arc<dyn OwnershipStore>>,
}

/// Opens the store that `url` names: `memory:` (gone with the process), `file:<directory>` or `redis://…`
/// (`rediss://…` over TLS).
///
/// # Errors
/// [`StoreError::Unavailable`] for a scheme that is not known, with those that are; otherwise the adapter's own.
pub async fn open(url: &str, durability: Durability) -> Result<Opened, StoreError> {
    match url.split_once(':') {
        Some(("redis" | "rediss" | "redis+unix", _)) => {
            let timing = SessionTiming::default();
            Ok(Opened {
                rooms: Arc::new(RedisStore::open(url, durability).await?),
                ownership: Some(Arc::new(RedisOwnership::new(url, durability, timing)?)),
            })
        }
        Some(("memory", "")) => Ok(alone(MemoryStore::new())),
        Some(("file", directory)) if !directory.is_empty() => {
            Ok(alone(FileStore::open(Path::new(directory)).await?))
        }
        Some(_) | None => Err(StoreError::Unavailable(format!(
            "no store is called \"{}\"; write memory:, file:<directory> or redis://<host>",
            without_secrets(url)
        ))),
    }
}

fn alone(rooms: impl RoomStore) -> Opened {
    Opened {
        rooms: Arc::new(rooms),
        ownership: None,
    }
}

/// A URL of another scheme may carry a password; an error message must not.
fn without_secrets(url: &str) -> &str {
    url.split_once("//").map_or(url, |(scheme, _)| scheme)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn refusal(url: &str) -> String {
        match open(url, Durability::Strict).await {
            Ok(opened) => panic!("{url} opened {}", opened.rooms.name()),
            Err(error) => error.to_string(),
        }
    }

    #[tokio::test]
    async fn each_scheme_opens_its_store() {
        let directory = tempfile::tempdir().unwrap();
        let open = async |url: &str| open(url, Durability::Strict).await;
        let memory = open("memory:").await.unwrap();
        assert_eq!(
            (memory.rooms.name(), memory.ownership.is_some()),
            ("memory", false)
        );
        let url = format!("file:{}", directory.path().join("rooms").display());
        let file = open(&url).await.unwrap();
        assert_eq!((file.rooms.name(), file.ownership.is_some()), ("file", false));
    }

    #[tokio::test]
    async fn an_unknown_scheme_is_named_without_its_password_and_the_known_ones_are_listed() {
        let message = refusal("mysql://root:hunter2@db/rooms").await;
        assert!(
            message.contains("mysql:") && message.contains("file:<directory>"),
            "{message}"
        );
        assert!(!message.contains("hunter2"), "{message}");
        for url in ["", "file:", "memory", "memory:x"] {
            refusal(url).await;
        }
    }
}
