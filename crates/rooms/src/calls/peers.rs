//! What carries envelopes to other nodes.

use std::time::Duration;

use async_trait::async_trait;
use videorooms_cluster::ServiceName;
use videorooms_domain::NodeIncarnation;

/// What carries envelopes to other nodes. It does not know what is in them.
#[async_trait]
pub trait Peers: Send + Sync + 'static {
    /// Carries a call there and its answer back, within that time. Dropping the future gives the answer up, not the call.
    ///
    /// # Errors
    /// [`PeerError`].
    async fn call(
        &self,
        to: &NodeIncarnation,
        service: ServiceName,
        call: Vec<u8>,
        within: Duration,
    ) -> Result<Vec<u8>, PeerError>;

    /// Sends what is not answered; never waits. Casts to one node arrive in order, or, when the link breaks, the last ones not at all.
    ///
    /// # Errors
    /// [`PeerError`] when it is known here already that it will not arrive.
    fn cast(&self, to: &NodeIncarnation, service: ServiceName, cast: Vec<u8>) -> Result<(), PeerError>;
}

/// Why nothing came back, or nothing left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PeerError {
    /// There is no link to that boot of that node; nothing was sent.
    #[error("there is no link to the node")]
    NoLink,
    /// The link broke: whether the call was done is not known.
    #[error("the link to the node broke")]
    Broken,
    /// Too much is on its way to that node already; nothing was sent.
    #[error("too much is on its way to the node")]
    Full,
    /// No answer within the time: whether the call was done is not known.
    #[error("the node did not answer in time")]
    Late,
}
