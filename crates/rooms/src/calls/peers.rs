//! What carries envelopes to other nodes.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use videorooms_cluster::ServiceName;
use videorooms_cluster::links::{LinkError, Links};
use videorooms_domain::NodeIncarnation;

/// What carries envelopes to other nodes: their links, or what stands for them in a test. It does not know what is in them.
#[async_trait]
pub trait Peers: Send + Sync + 'static {
    /// Carries a call there and its answer back, within that time. Dropping the future gives the answer up, not the call.
    ///
    /// # Errors
    /// [`LinkError`].
    async fn call(
        &self,
        to: &NodeIncarnation,
        service: ServiceName,
        call: Bytes,
        within: Duration,
    ) -> Result<Bytes, LinkError>;

    /// Sends what is not answered; never waits. Casts to one node arrive in order, or, when the link breaks, the last ones not at all.
    ///
    /// # Errors
    /// [`LinkError`] when it is known here already that it will not arrive.
    fn cast(&self, to: &NodeIncarnation, service: ServiceName, cast: Bytes) -> Result<(), LinkError>;
}

#[async_trait]
impl Peers for Links {
    async fn call(
        &self,
        to: &NodeIncarnation,
        service: ServiceName,
        call: Bytes,
        within: Duration,
    ) -> Result<Bytes, LinkError> {
        Self::call(self, to, service, call, within).await
    }

    fn cast(&self, to: &NodeIncarnation, service: ServiceName, cast: Bytes) -> Result<(), LinkError> {
        Self::cast(self, to, service, cast)
    }
}
