//! `RedisOwnership`: who is alive and who owns what, in Redis. Each call is one script, by the server's clock; [`crate::ownership::Ledger`] says what it does.

mod rows;
mod session;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::address::Address;
use super::connecting::connect;
use crate::ownership::{OwnershipSession, OwnershipStore, SETTLE};
use crate::{Durability, StoreError};
use session::RedisSession;

/// For one answer of the opening.
const OPENING: Duration = Duration::from_secs(2);

/// Who is alive and who owns what, in Redis; see the module's first lines.
pub struct RedisOwnership {
    address: Address,
    durability: Durability,
    timing: SessionTiming,
}

/// Durations of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionTiming {
    /// A call without an answer for this long is of unknown fate and ends the session.
    pub answer_within: Duration,
    /// The first part of a life of the store, in which little is taken. One for all nodes.
    pub settle: Duration,
}

impl Default for SessionTiming {
    fn default() -> Self {
        Self {
            answer_within: Duration::from_millis(450),
            settle: SETTLE,
        }
    }
}

impl RedisOwnership {
    /// Knows where Redis is; does not connect.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] for a wrong URL.
    pub fn new(url: &str, durability: Durability, timing: SessionTiming) -> Result<Self, StoreError> {
        let address = Address::parse(url)?;
        Ok(Self {
            address,
            durability,
            timing,
        })
    }

    async fn session(&self) -> Result<RedisSession, StoreError> {
        let connected = connect(&self.address, self.durability, OPENING).await?;
        Ok(RedisSession::over(connected, &self.address.prefix, self.timing))
    }
}

#[async_trait]
impl OwnershipStore for RedisOwnership {
    /// Ends within 2 s.
    async fn connect(&self) -> Result<Arc<dyn OwnershipSession>, StoreError> {
        Ok(Arc::new(self.session().await?))
    }
}
