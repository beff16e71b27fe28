//! What every room of a node shares.

use std::sync::Arc;

use videorooms_domain::{Epoch, NodeIncarnation};
use videorooms_store::RoomStore;

use crate::api::Subscribers;
use crate::clock::Clock;
use crate::config::RoomsConfig;
use crate::media_host::MediaHost;

/// What every room of a node shares.
pub(crate) struct Services {
    pub(crate) store: Arc<dyn RoomStore>,
    pub(crate) media: MediaHost,
    pub(crate) subscribers: Arc<dyn Subscribers>,
    pub(crate) clock: Clock,
    pub(crate) config: RoomsConfig,
    /// This boot of this node.
    pub(crate) here: NodeIncarnation,
    /// The reign in which this node owns its rooms.
    pub(crate) epoch: Epoch,
}
