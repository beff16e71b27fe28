//! Is this a Redis in which a room is safe: new enough, never evicting, and with what it acknowledged on disk.

use std::collections::HashMap;

use redis::{InfoDict, RedisResult, aio::MultiplexedConnection};

use crate::{Durability, StoreError};

const OLDEST: u32 = 7;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Surroundings {
    version: String,
    eviction: String,
    has_log: bool,
    sync: Sync,
}

/// When Redis has its log on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Sync {
    Known(String),
    /// The user may not ask.
    Hidden,
}

impl Surroundings {
    pub(super) async fn look(connection: &mut MultiplexedConnection) -> RedisResult<Self> {
        let info: InfoDict = redis::cmd("INFO").query_async(connection).await?;
        let told = |key| info.get::<String>(key).unwrap_or_default();
        let asked: RedisResult<HashMap<String, String>> = redis::cmd("CONFIG")
            .arg("GET")
            .arg("appendfsync")
            .query_async(connection)
            .await;
        let sync = match asked {
            Ok(mut values) => values.remove("appendfsync").map_or(Sync::Hidden, Sync::Known),
            Err(error) if error.is_io_error() => return Err(error),
            Err(_) => Sync::Hidden,
        };
        Ok(Self {
            version: told("redis_version"),
            eviction: told("maxmemory_policy"),
            has_log: told("aof_enabled") == "1",
            sync,
        })
    }

    /// Refuses what could lose an acknowledged event.
    pub(super) fn check(&self, durability: Durability) -> Result<(), StoreError> {
        let refuse = |why: String| Err(StoreError::Unsafe(why));
        let major = self
            .version
            .split('.')
            .next()
            .and_then(|major| major.parse::<u32>().ok());
        if major.is_none_or(|major| major < OLDEST) {
            return refuse(format!(
                "Redis is version {}, and 7.0 is the oldest that will do",
                self.version
            ));
        }
        if self.eviction != "noeviction" {
            return refuse(format!(
                "maxmemory-policy is {}, which may evict rooms: set it to noeviction",
                self.eviction
            ));
        }
        if !self.has_log {
            return refuse("the append-only file is off: set appendonly yes".to_owned());
        }
        match (&self.sync, durability) {
            (Sync::Known(sync), _) if sync == "always" => Ok(()),
            (Sync::Known(sync), Durability::Relaxed) if sync == "everysec" => Ok(()),
            (Sync::Known(sync), Durability::Strict) if sync == "everysec" => refuse(
                "appendfsync is everysec: a crash loses what was acknowledged in the last second; set it to always, or \
                 store.durability to relaxed"
                    .to_owned(),
            ),
            (Sync::Known(sync), _) => refuse(format!("appendfsync is {sync}: set it to always")),
            (Sync::Hidden, _) => {
                refuse("appendfsync cannot be read: allow the user of the store's URL +config|get".to_owned())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Surroundings {
        Surroundings {
            version: "7.0.15".to_owned(),
            eviction: "noeviction".to_owned(),
            has_log: true,
            sync: Sync::Known("always".to_owned()),
        }
    }

    #[test]
    fn a_safe_redis_is_taken() {
        assert_eq!(good().check(Durability::Strict), Ok(()));
        let newer = Surroundings {
            version: "8.2".to_owned(),
            ..good()
        };
        assert_eq!(newer.check(Durability::Relaxed), Ok(()));
    }

    #[test]
    fn each_danger_is_named_with_its_remedy() {
        let sync = |sync: &str| Surroundings {
            sync: Sync::Known(sync.to_owned()),
            ..good()
        };
        let version = |version: &str| Surroundings {
            version: version.to_owned(),
            ..good()
        };
        for (found, named) in [
            (version("6.2.14"), "7.0"),
            (version(""), "7.0"),
            (
                Surroundings {
                    eviction: "allkeys-lru".to_owned(),
                    ..good()
                },
                "noeviction",
            ),
            (
                Surroundings {
                    has_log: false,
                    ..good()
                },
                "appendonly yes",
            ),
            (sync("everysec"), "relaxed"),
            (sync("no"), "always"),
            (
                Surroundings {
                    sync: Sync::Hidden,
                    ..good()
                },
                "+config|get",
            ),
        ] {
            let refused = found.check(Durability::Strict).unwrap_err().to_string();
            assert!(refused.contains(named), "{refused}");
        }
        assert_eq!(sync("everysec").check(Durability::Relaxed), Ok(()));
        assert!(sync("no").check(Durability::Relaxed).is_err());
    }
}
