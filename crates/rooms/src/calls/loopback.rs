//! A link for tests that ends where it begins: every call goes through its bytes and back.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use videorooms_cluster::ServiceName;
use videorooms_cluster::links::LinkError;
use videorooms_domain::NodeIncarnation;

use super::Peers;
use crate::rooms::Rooms;

struct Loopback(Rooms);

#[async_trait]
impl Peers for Loopback {
    async fn call(
        &self,
        to: &NodeIncarnation,
        _service: ServiceName,
        call: Bytes,
        _within: Duration,
    ) -> Result<Bytes, LinkError> {
        Ok(self.0.answer(to, &call).await.into())
    }

    fn cast(&self, to: &NodeIncarnation, _service: ServiceName, cast: Bytes) -> Result<(), LinkError> {
        self.0.take_cast(to, &cast).map_err(|_| LinkError::Full)
    }
}

impl Rooms {
    /// The same rooms as if they lived on another node: whatever is asked of them goes through its bytes.
    #[must_use]
    pub fn over_loopback(&self) -> Self {
        self.beyond(Arc::new(Loopback(self.clone())))
    }
}
