//! Sockets of members and what their devices do.
//!
//! A member is there by a socket, or by assumption: the log says through which node it came, and that node has not denied it yet.

use std::collections::BTreeMap;

use crate::limits::SOCKETS;
use crate::{ConnectionId, MediaState, NodeIncarnation, ParticipantId};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Attendance {
    members: BTreeMap<ParticipantId, Presence>,
    sockets: usize,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Presence {
    /// Oldest first.
    sockets: Vec<Socket>,
    /// Only while there is no socket.
    assumed: Option<NodeIncarnation>,
    media: MediaState,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Socket {
    via: NodeIncarnation,
    connection: ConnectionId,
}

impl Presence {
    fn is_there(&self) -> bool {
        !self.sockets.is_empty() || self.assumed.is_some()
    }
}

/// A boot's death is the death of the node's earlier boots, too.
fn died_with(via: &NodeIncarnation, dead: &NodeIncarnation) -> bool {
    via.node == dead.node && via.incarnation <= dead.incarnation
}

impl Attendance {
    pub(super) fn enter(&mut self, participant: ParticipantId, assumed: Option<NodeIncarnation>) {
        self.leave(participant);
        self.members.insert(
            participant,
            Presence {
                assumed,
                ..Presence::default()
            },
        );
    }

    pub(super) fn leave(&mut self, participant: ParticipantId) {
        self.sockets -= self
            .members
            .remove(&participant)
            .map_or(0, |gone| gone.sockets.len());
    }

    /// Another node is now the one that may deny.
    pub(super) fn assume(&mut self, participant: ParticipantId, via: &NodeIncarnation) {
        if let Some(assumed) = self
            .members
            .get_mut(&participant)
            .and_then(|presence| presence.assumed.as_mut())
        {
            assumed.clone_from(via);
        }
    }

    pub(super) fn deny(&mut self, participant: ParticipantId) {
        if let Some(presence) = self.members.get_mut(&participant) {
            presence.assumed = None;
        }
    }

    /// Sockets of earlier boots of the same node end with it.
    pub(super) fn attach(
        &mut self,
        participant: ParticipantId,
        via: &NodeIncarnation,
        connection: ConnectionId,
    ) {
        let presence = self.members.entry(participant).or_default();
        let before = presence.sockets.len();
        let is_old = |old: &NodeIncarnation| old.node == via.node && old.incarnation < via.incarnation;
        presence.sockets.retain(|socket| !is_old(&socket.via));
        let socket = Socket {
            via: via.clone(),
            connection,
        };
        if !presence.sockets.contains(&socket) {
            if presence.sockets.len() >= SOCKETS {
                presence.sockets.remove(0);
            }
            presence.sockets.push(socket);
        }
        presence.assumed = None;
        self.sockets = self.sockets + presence.sockets.len() - before;
    }

    /// Says whether this was the last socket.
    pub(super) fn detach(
        &mut self,
        participant: ParticipantId,
        via: &NodeIncarnation,
        connection: ConnectionId,
    ) -> bool {
        let Some(presence) = self.members.get_mut(&participant) else {
            return false;
        };
        let gone = |socket: &Socket| socket.connection == connection && socket.via == *via;
        let Some(place) = presence.sockets.iter().position(gone) else {
            return false;
        };
        presence.sockets.remove(place);
        self.sockets -= 1;
        !presence.is_there()
    }

    /// Who is not there any more.
    pub(super) fn node_died(&mut self, dead: &NodeIncarnation) -> Vec<ParticipantId> {
        let mut lost = Vec::new();
        for (participant, presence) in &mut self.members {
            let (was_there, before) = (presence.is_there(), presence.sockets.len());
            presence.sockets.retain(|socket| !died_with(&socket.via, dead));
            presence.assumed.take_if(|assumed| died_with(assumed, dead));
            self.sockets -= before - presence.sockets.len();
            if was_there && !presence.is_there() {
                lost.push(*participant);
            }
        }
        lost
    }

    /// Says whether that is new.
    pub(super) fn set_media(&mut self, participant: ParticipantId, media: MediaState) -> bool {
        let Some(presence) = self.members.get_mut(&participant) else {
            return false;
        };
        std::mem::replace(&mut presence.media, media) != media
    }

    pub(super) fn is_there(&self, participant: ParticipantId) -> bool {
        self.members.get(&participant).is_some_and(Presence::is_there)
    }

    pub(super) fn media(&self, participant: ParticipantId) -> MediaState {
        self.members
            .get(&participant)
            .map_or_else(MediaState::default, |presence| presence.media)
    }

    pub(super) fn sockets(&self) -> usize {
        self.sockets
    }
}
