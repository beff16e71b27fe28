//! A link for tests that ends where it begins: every call goes through its bytes and back.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use videorooms_cluster::ServiceName;
use videorooms_domain::NodeIncarnation;

use super::{PeerError, Peers};
use crate::rooms::Rooms;

struct Loopback(Rooms);

#[async_trait]
impl Peers for Loopback {
    async fn call(
        &self,
        to: &NodeIncarnation,
        _service: ServiceName,
        call: Vec<u8>,
        _within: Duration,
    ) -> Result<Vec<u8>, PeerError> {
        Ok(self.0.answer(to, &call).await)
    }

    fn cast(&self, to: &NodeIncarnation, _service: ServiceName, cast: Vec<u8>) -> Result<(), PeerError> {
        // As on any link, the sender does not hear of what is refused there.
        drop(self.0.take_cast(to, &cast));
        Ok(())
    }
}

impl Rooms {
    /// The same rooms as if they lived on another node: whatever is asked of them goes through its bytes.
    #[must_use]
    pub fn over_loopback(&self) -> Self {
        self.beyond(Arc::new(Loopback(self.clone())))
    }
}
