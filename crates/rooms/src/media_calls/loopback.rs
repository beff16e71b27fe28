//! A link for tests that ends where it begins: media of this node reached as if it were another's.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use videorooms_cluster::ServiceName;
use videorooms_cluster::links::LinkError;
use videorooms_domain::NodeIncarnation;
use videorooms_sfu::SfuProvider;

use super::Remote;
use crate::calls::Peers;
use crate::media_host::{MediaHost, WeakMediaHost};

/// The host has its link, so the link does not hold the host.
struct Loopback(WeakMediaHost);

#[async_trait]
impl Peers for Loopback {
    async fn call(
        &self,
        to: &NodeIncarnation,
        _service: ServiceName,
        call: Bytes,
        _within: Duration,
    ) -> Result<Bytes, LinkError> {
        let host = self.0.upgrade().ok_or(LinkError::NotLinked)?;
        Ok(host.answer(to, &call).await.into())
    }

    fn cast(&self, to: &NodeIncarnation, _service: ServiceName, cast: Bytes) -> Result<(), LinkError> {
        let host = self.0.upgrade().ok_or(LinkError::NotLinked)?;
        host.take_cast(to, &cast).map_err(|_| LinkError::Failed)
    }
}

impl MediaHost {
    /// The same media as if it were on another node: whatever is asked of it goes through its bytes.
    #[must_use]
    pub fn over_loopback(&self) -> Self {
        self.beyond(|host| Arc::new(Loopback(host)))
    }

    /// The media server of that node as a provider, for the port's contract.
    #[must_use]
    pub fn remote(&self, node: &NodeIncarnation) -> Arc<dyn SfuProvider> {
        Arc::new(Remote::new(self.clone(), node.clone()))
    }
}
