//! The way to a room's media: the room says which node carries it.

use videorooms_domain::{NodeIncarnation, ParticipantId, RoomId};
use videorooms_sfu::SfuError;

use super::Rooms;
use crate::api::RoomsError;
use crate::media_host::RoomMedia;
use crate::room_actor::RoomMessage;
use crate::tries::{Owner, Tried, Tries};

impl Rooms {
    /// The room's media, wherever it is now. It may move when its node dies, so ask anew for each admission and each attachment. A room that has
    /// no media node yet, or whose last one has died, is waited for within the call's deadline.
    ///
    /// # Errors
    /// [`SfuError::NoSuchRoom`] for a room that is not there or has ended, [`SfuError::Unavailable`].
    pub async fn media(&self, room: RoomId) -> Result<RoomMedia, SfuError> {
        let host = &self.shared.services.media;
        if host.is_everywhere() {
            return Ok(host.on(room, self.here()));
        }
        match self.media_node(room).await {
            Ok(node) => Ok(host.on(room, &node)),
            Err(RoomsError::NoSuchRoom | RoomsError::Rejected(_)) => Err(SfuError::NoSuchRoom),
            Err(error @ (RoomsError::Unavailable { .. } | RoomsError::TooManyRooms)) => {
                Err(SfuError::Unavailable(error.to_string()))
            }
        }
    }

    /// The node that carries the room's media.
    ///
    /// # Errors
    /// [`RoomsError::Rejected`] for a room that has ended, [`RoomsError::NoSuchRoom`], [`RoomsError::Unavailable`], also when nobody joins it in time: media
    /// begins with the first member.
    pub async fn media_node(&self, room: RoomId) -> Result<NodeIncarnation, RoomsError> {
        let mut tries = Tries::new(self, room, true);
        loop {
            let tried = match tries.owner().await? {
                Owner::Here => self.media_node_here(room).await,
                Owner::There(remote) => Box::pin(remote.media_node(room)).await,
            };
            if let Some(node) = tries.settle(tried).await {
                return node;
            }
        }
    }

    /// The media server gave a participant a credential by rights that may have changed since; the room sets those that hold now. Lost only
    /// with the room's actor or the link to it, whose successor sets everyone's.
    pub fn media_admitted(&self, room: RoomId, participant: ParticipantId) {
        match self.owner_now(room) {
            Some(Owner::Here) => self.media_admitted_here(room, participant),
            Some(Owner::There(remote)) => remote.media_admitted(room, participant),
            None => {}
        }
    }

    pub(crate) async fn media_node_here(&self, room: RoomId) -> Tried<NodeIncarnation> {
        self.call(room, RoomMessage::MediaNode).await
    }

    pub(crate) fn media_admitted_here(&self, room: RoomId, participant: ParticipantId) {
        if let Some(door) = self.shared.directory.existing(room) {
            // Never refused, as a goodbye: a mute must not be lost in a rush.
            drop(door.send(RoomMessage::MediaAdmitted(participant), usize::MAX));
        }
    }
}
