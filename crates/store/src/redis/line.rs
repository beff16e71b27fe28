//! The connection. It never heals behind anyone's back: what fails on it is told to whoever asked, and the next one who asks gets a new
//! connection, with its scripts loaded and its surroundings looked at anew. After a failure the next attempt waits a little.

use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, RedisError, RedisResult};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use super::address::Address;
use super::schema::{FORMAT, Keys};
use super::scripts::Scripts;
use super::surroundings::Surroundings;
use crate::{Durability, StoreError};

/// For all that opening takes.
const CONNECT: Duration = Duration::from_secs(2);
/// For one answer, or for those to one group of commits.
const ANSWER: Duration = Duration::from_secs(2);
const FIRST_REST: Duration = Duration::from_millis(25);
const LONGEST_REST: Duration = Duration::from_millis(200);

pub(super) struct Line {
    address: Address,
    durability: Durability,
    slot: Mutex<Slot>,
}

struct Slot {
    open: Option<Open>,
    opened: u64,
    rest: Duration,
    /// Until then nobody tries again, and hears why.
    resting: Option<(Instant, StoreError)>,
}

/// An open connection.
#[derive(Clone)]
pub(super) struct Open {
    pub(super) connection: MultiplexedConnection,
    pub(super) scripts: Arc<Scripts>,
    number: u64,
}

impl Line {
    pub(super) fn to(address: Address, durability: Durability) -> Self {
        let slot = Slot {
            open: None,
            opened: 0,
            rest: FIRST_REST,
            resting: None,
        };
        Self {
            address,
            durability,
            slot: Mutex::new(slot),
        }
    }

    /// The connection, opened if there is none.
    pub(super) async fn open(&self) -> Result<Open, StoreError> {
        let mut slot = self.slot.lock().await;
        if let Some(open) = &slot.open {
            return Ok(open.clone());
        }
        if let Some((until, why)) = &slot.resting
            && Instant::now() < *until
        {
            return Err(why.clone());
        }
        slot.opened += 1;
        let late = || StoreError::Unavailable("Redis does not answer".to_owned());
        let opening = timeout(CONNECT, self.connect(slot.opened));
        match opening.await.unwrap_or_else(|_| Err(late())) {
            Ok(open) => {
                (slot.rest, slot.resting) = (FIRST_REST, None);
                Ok(slot.open.insert(open).clone())
            }
            Err(why) => {
                slot.resting = Some((Instant::now() + slot.rest, why.clone()));
                slot.rest = (slot.rest * 2).min(LONGEST_REST);
                Err(why)
            }
        }
    }

    /// Asks over the connection; one that fails is given up.
    pub(super) async fn ask<T>(
        &self,
        ask: impl AsyncFnOnce(&mut Open) -> RedisResult<T>,
    ) -> Result<T, StoreError> {
        let mut open = self.open().await?;
        let answer = ask(&mut open).await;
        if answer.is_err() {
            self.lost(&open).await;
        }
        answer.map_err(|error| unavailable(&error))
    }

    /// Gives this connection up, whoever else uses it: the next one who asks gets a new one. One opened since stays.
    pub(super) async fn lost(&self, open: &Open) {
        let mut slot = self.slot.lock().await;
        slot.open.take_if(|current| current.number == open.number);
    }

    async fn connect(&self, number: u64) -> Result<Open, StoreError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(ANSWER));
        let client = &self.address.client;
        let connecting = client.get_multiplexed_async_connection_with_config(&config);
        let mut connection = connecting.await.map_err(|error| unavailable(&error))?;
        let surroundings = Surroundings::look(&mut connection).await;
        surroundings
            .map_err(|error| unavailable(&error))?
            .check(self.durability)?;
        let scripts = Scripts::load(&mut connection)
            .await
            .map_err(|error| unavailable(&error))?;
        let found: u32 = redis::cmd("EVALSHA")
            .arg(&scripts.open)
            .arg(1)
            .arg(Keys::under(&self.address.prefix).meta())
            .arg(FORMAT)
            .query_async(&mut connection)
            .await
            .map_err(|error| unavailable(&error))?;
        if found > FORMAT {
            let supported = FORMAT;
            return Err(StoreError::Newer { found, supported });
        }
        Ok(Open {
            connection,
            scripts: Arc::new(scripts),
            number,
        })
    }
}

/// Errors of the server and of the connection; neither shows the password.
fn unavailable(error: &RedisError) -> StoreError {
    StoreError::Unavailable(format!("Redis: {error}"))
}
