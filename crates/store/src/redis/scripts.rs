//! The scripts that judge and write, named by version: a node of the next version brings its own beside them, and neither runs the other's.

use redis::RedisResult;
use redis::aio::MultiplexedConnection;

const OPEN: &str = include_str!("scripts/open.v1.lua");
const OPEN_REIGN: &str = include_str!("scripts/open_reign.v1.lua");
const COMMIT: &str = include_str!("scripts/commit.v1.lua");

/// The scripts' names in the server's cache: the SHA-1 that it answered when they were loaded.
#[derive(Debug, Clone)]
pub(super) struct Scripts {
    pub(super) open: String,
    pub(super) open_reign: String,
    pub(super) commit: String,
}

impl Scripts {
    /// Loads them. Done for each connection: a server that was started again has forgotten them.
    pub(super) async fn load(connection: &mut MultiplexedConnection) -> RedisResult<Self> {
        Ok(Self {
            open: load(connection, OPEN).await?,
            open_reign: load(connection, OPEN_REIGN).await?,
            commit: load(connection, COMMIT).await?,
        })
    }
}

async fn load(connection: &mut MultiplexedConnection, script: &str) -> RedisResult<String> {
    let mut loading = redis::cmd("SCRIPT");
    loading.arg("LOAD").arg(script).query_async(connection).await
}
