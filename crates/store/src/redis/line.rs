//! The connection. It never heals behind anyone's back: what fails on it is told to whoever asked, and the next one who asks gets a new
//! connection, with its scripts loaded and its surroundings looked at anew. After a failure the next attempt waits a little.

use std::sync::Arc;
use std::time::Duration;

use redis::RedisResult;
use redis::aio::MultiplexedConnection;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::address::Address;
use super::connecting::{Connected, connect, unavailable};
use super::index;
use super::schema::Keys;
use super::scripts::Scripts;
use crate::{Durability, StoreError};

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
        match self.connect(slot.opened).await {
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
        let Connected {
            mut connection,
            scripts,
            ..
        } = connect(&self.address, self.durability, ANSWER).await?;
        let keys = Keys::under(&self.address.prefix);
        index::complete(&mut connection, &scripts, &keys)
            .await
            .map_err(|error| unavailable(&error))?;
        Ok(Open {
            connection,
            scripts,
            number,
        })
    }
}
