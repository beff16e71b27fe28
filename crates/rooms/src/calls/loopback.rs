//! A link for tests that ends where it begins: every call goes through its bytes and back.

use std::sync::Arc;

use async_trait::async_trait;

use super::Link;
use crate::api::RoomsError;
use crate::rooms::Rooms;

struct Loopback(Rooms);

#[async_trait]
impl Link for Loopback {
    async fn call(&self, call: Vec<u8>) -> Result<Vec<u8>, RoomsError> {
        Ok(self.0.answer(&call).await)
    }

    fn cast(&self, cast: Vec<u8>) -> Result<(), RoomsError> {
        self.0.take_cast(&cast)
    }
}

impl Rooms {
    /// The same rooms as if they lived on another node: whatever is asked of them goes through its bytes.
    #[must_use]
    pub fn over_loopback(&self) -> Self {
        self.beyond(Arc::new(Loopback(self.clone())))
    }
}
