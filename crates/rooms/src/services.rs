//! What every room of a node shares.

use std::sync::Arc;

use videorooms_domain::{NodeIncarnation, Room, Timestamp};
use videorooms_store::RoomStore;

use crate::api::Subscribers;
use crate::clock::Clock;
use crate::config::RoomsConfig;
use crate::media_host::MediaHost;
use crate::ownership::Ownership;

/// What every room of a node shares.
pub(crate) struct Services {
    pub(crate) store: Arc<dyn RoomStore>,
    pub(crate) media: MediaHost,
    pub(crate) subscribers: Arc<dyn Subscribers>,
    pub(crate) clock: Clock,
    pub(crate) config: RoomsConfig,
    /// This boot of this node.
    pub(crate) here: NodeIncarnation,
    pub(crate) ownership: Ownership,
}

impl Services {
    /// When a room that has ended is to be forgotten.
    pub(crate) fn forget_at(&self, room: &Room) -> Option<Timestamp> {
        room.ended()
            .map(|_| room.changed_at().after(self.config.ended_retention))
    }
}
