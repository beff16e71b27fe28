//! A look at a Redis from outside, for whoever sets one up. It leaves one key that is gone a second later.

use std::time::{Duration, Instant};

use redis::RedisResult;
use redis::aio::MultiplexedConnection;
use tokio::time::timeout;

use super::address::Address;
use super::connecting::{to_safe, unavailable};
use super::schema::Keys;
use crate::{Durability, StoreError};

/// For all of it.
const WITHIN: Duration = Duration::from_secs(5);
/// As a commit does: reads, writes what must be on disk before the answer leaves, and answers the time.
const LIKE_A_COMMIT: &str =
    "redis.call('GET', KEYS[1]) redis.call('SET', KEYS[1], ARGV[1], 'PX', 1000) return redis.call('TIME')";

/// What was seen of a Redis in which rooms are safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Examined {
    /// What a script that writes as a commit does took, there and back.
    pub round_trip: Duration,
    /// Its clock in the middle of that, in milliseconds since the Unix epoch.
    pub clock_ms: u64,
}

/// Looks at the Redis that `url` names, within 5 s.
///
/// # Errors
/// [`StoreError::Unavailable`] when it cannot be reached or the user may not do what a node does, [`StoreError::Unsafe`] when rooms are not safe there,
/// with the remedy.
pub async fn examine(url: &str, durability: Durability) -> Result<Examined, StoreError> {
    let address = Address::parse(url)?;
    let late = || StoreError::Unavailable("Redis does not answer".to_owned());
    let looking = timeout(WITHIN, look(&address, durability));
    looking.await.unwrap_or_else(|_| Err(late()))
}

async fn look(address: &Address, durability: Durability) -> Result<Examined, StoreError> {
    let mut connection = to_safe(address, durability, WITHIN, WITHIN).await?;
    let key = Keys::under(&address.prefix).examination();
    // The first time the server reads the script.
    run(&mut connection, &key)
        .await
        .map_err(|error| unavailable(&error))?;
    let since = Instant::now();
    let (seconds, micros) = run(&mut connection, &key)
        .await
        .map_err(|error| unavailable(&error))?;
    Ok(Examined {
        round_trip: since.elapsed(),
        clock_ms: seconds * 1000 + micros / 1000,
    })
}

async fn run(connection: &mut MultiplexedConnection, key: &str) -> RedisResult<(u64, u64)> {
    let mut script = redis::cmd("EVAL");
    script.arg(LIKE_A_COMMIT).arg(1).arg(key).arg("examined");
    script.query_async(connection).await
}
