//! How a connection is opened: the surroundings are looked at, the scripts loaded, and the server's life put on record.

use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, RedisError};
use tokio::time::timeout;
use videorooms_domain::SHARDS;

use super::address::Address;
use super::schema::{FORMAT, Keys};
use super::scripts::Scripts;
use super::surroundings::Surroundings;
use crate::ownership::StoreIncarnation;
use crate::{Durability, StoreError};

/// For all that opening takes.
const CONNECT: Duration = Duration::from_secs(2);

/// A connection that was just opened.
pub(super) struct Connected {
    pub(super) connection: MultiplexedConnection,
    pub(super) scripts: Arc<Scripts>,
    /// The life of the server that it is a connection to.
    pub(super) life: StoreIncarnation,
}

/// Opens a connection on which an answer may take as long as `answer`. Ends within 2 s.
pub(super) async fn connect(
    address: &Address,
    durability: Durability,
    answer: Duration,
) -> Result<Connected, StoreError> {
    let late = || StoreError::Unavailable("Redis does not answer".to_owned());
    let opening = timeout(CONNECT, open(address, durability, answer));
    opening.await.unwrap_or_else(|_| Err(late()))
}

async fn open(address: &Address, durability: Durability, answer: Duration) -> Result<Connected, StoreError> {
    let mut connection = to_safe(address, durability, CONNECT, answer).await?;
    let scripts = Scripts::load(&mut connection)
        .await
        .map_err(|error| unavailable(&error))?;
    let life = put_on_record(&mut connection, &scripts, &Keys::under(&address.prefix)).await?;
    Ok(Connected {
        connection,
        scripts: Arc::new(scripts),
        life,
    })
}

/// A connection to a Redis in which rooms are safe, made within `connect`; an answer on it may take as long as `answer`.
pub(super) async fn to_safe(
    address: &Address,
    durability: Durability,
    connect: Duration,
    answer: Duration,
) -> Result<MultiplexedConnection, StoreError> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(connect))
        .set_response_timeout(Some(answer));
    let connecting = address
        .client
        .get_multiplexed_async_connection_with_config(&config);
    let mut connection = connecting.await.map_err(|error| unavailable(&error))?;
    let surroundings = Surroundings::look(&mut connection).await;
    surroundings
        .map_err(|error| unavailable(&error))?
        .check(durability)?;
    Ok(connection)
}

async fn put_on_record(
    connection: &mut MultiplexedConnection,
    scripts: &Scripts,
    keys: &Keys,
) -> Result<StoreIncarnation, StoreError> {
    let mut asking = redis::cmd("EVALSHA");
    asking
        .arg(&scripts.open)
        .arg(1)
        .arg(keys.meta())
        .arg(FORMAT)
        .arg(SHARDS);
    let (format, shards, life): (u32, u64, String) = asking
        .query_async(connection)
        .await
        .map_err(|error| unavailable(&error))?;
    if format > FORMAT {
        return Err(StoreError::Newer {
            found: format,
            supported: FORMAT,
        });
    }
    if shards != u64::from(SHARDS) {
        return Err(StoreError::OtherShards {
            found: shards,
            ours: SHARDS,
        });
    }
    life.parse()
        .map_err(|_| StoreError::Unavailable(format!("Redis: its run_id is \"{life}\"")))
}

/// Errors of the server and of the connection; neither shows the password.
pub(super) fn unavailable(error: &RedisError) -> StoreError {
    StoreError::Unavailable(format!("Redis: {error}"))
}
