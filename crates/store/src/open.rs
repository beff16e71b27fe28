//! From a line of configuration to a store.

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{FileStore, MemoryStore, RedisStore, RoomStore, StoreError};

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

/// Opens the store that `url` names: `memory:` (gone with the process), `file:<directory>` or `redis://…`.
///
/// # Errors
/// [`StoreError::Unavailable`] for a scheme that is not known, with those that are; otherwise the adapter's own.
pub async fn open(url: &str, durability: Durability) -> Result<Arc<dyn RoomStore>, StoreError> {
    match url.split_once(':') {
        Some(("redis" | "redis+unix", _)) => Ok(Arc::new(RedisStore::open(url, durability).await?)),
        Some(("memory", "")) => Ok(Arc::new(MemoryStore::new())),
        Some(("file", directory)) if !directory.is_empty() => {
            Ok(Arc::new(FileStore::open(Path::new(directory)).await?))
        }
        Some(_) | None => Err(StoreError::Unavailable(format!(
            "no store is called \"{}\"; write memory:, file:<directory> or redis://<host>",
            without_secrets(url)
        ))),
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
            Ok(store) => panic!("{url} opened {}", store.name()),
            Err(error) => error.to_string(),
        }
    }

    #[tokio::test]
    async fn each_scheme_opens_its_store() {
        let directory = tempfile::tempdir().unwrap();
        let open = async |url: &str| open(url, Durability::Strict).await;
        assert_eq!(open("memory:").await.unwrap().name(), "memory");
        let url = format!("file:{}", directory.path().join("rooms").display());
        assert_eq!(open(&url).await.unwrap().name(), "file");
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
