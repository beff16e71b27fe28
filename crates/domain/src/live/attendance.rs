//! Sockets of members and of those who knock, and what members' devices do.
//!
//! A member is there by a socket, or by assumption: the log says through which node it came, and that node has not denied it yet. Someone
//! who knocks is there by a socket only.

use std::collections::BTreeMap;

use crate::limits::SOCKETS;
use crate::{ConnectionId, MediaState, NodeIncarnation, ParticipantId};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Attendance {
    members: BTreeMap<ParticipantId, Presence>,
    /// Of members.
    sockets: usize,
    /// Of those who knock; never empty.
    knocking: BTreeMap<ParticipantId, Sockets>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Presence {
    sockets: Sockets,
    /// Only while there is no socket.
    assumed: Option<NodeIncarnation>,
    media: MediaState,
}

/// Oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Sockets(Vec<Socket>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Socket {
    via: NodeIncarnation,
    connection: ConnectionId,
}

impl Presence {
    fn is_there(&self) -> bool {
        !self.sockets.0.is_empty() || self.assumed.is_some()
    }
}

impl Sockets {
    /// Sockets of earlier boots of the same node end with it.
    fn attach(&mut self, via: &NodeIncarnation, connection: ConnectionId) {
        let is_old = |old: &NodeIncarnation| old.node == via.node && old.incarnation < via.incarnation;
        self.0.retain(|socket| !is_old(&socket.via));
        let via = via.clone();
        let socket = Socket { via, connection };
        if !self.0.contains(&socket) {
            if self.0.len() >= SOCKETS {
                self.0.remove(0);
            }
            self.0.push(socket);
        }
    }

    /// Says whether it was there.
    fn detach(&mut self, via: &NodeIncarnation, connection: ConnectionId) -> bool {
        let before = self.0.len();
        self.0
            .retain(|socket| !(socket.connection == connection && socket.via == *via));
        self.0.len() < before
    }

    fn node_died(&mut self, dead: &NodeIncarnation) {
        self.0.retain(|socket| !died_with(&socket.via, dead));
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
            .map_or(0, |gone| gone.sockets.0.len());
        self.let_go(participant);
    }

    /// A socket of someone who knocks.
    pub(super) fn knock(
        &mut self,
        participant: ParticipantId,
        via: &NodeIncarnation,
        connection: ConnectionId,
    ) {
        self.knocking
            .entry(participant)
            .or_default()
            .attach(via, connection);
    }

    /// Nobody knocks under this name any more.
    pub(super) fn let_go(&mut self, participant: ParticipantId) {
        self.knocking.remove(&participant);
    }

    pub(super) fn is_knocking(&self, participant: ParticipantId) -> bool {
        self.knocking.contains_key(&participant)
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

    pub(super) fn attach(
        &mut self,
        participant: ParticipantId,
        via: &NodeIncarnation,
        connection: ConnectionId,
    ) {
        let presence = self.members.entry(participant).or_default();
        let before = presence.sockets.0.len();
        presence.sockets.attach(via, connection);
        presence.assumed = None;
        self.sockets = self.sockets + presence.sockets.0.len() - before;
    }

    /// Says whether this was the last socket.
    pub(super) fn detach(
        &mut self,
        participant: ParticipantId,
        via: &NodeIncarnation,
        connection: ConnectionId,
    ) -> bool {
        if let Some(sockets) = self.knocking.get_mut(&participant) {
            sockets.detach(via, connection);
            let is_last = sockets.0.is_empty();
            if is_last {
                self.let_go(participant);
            }
            return is_last;
        }
        let Some(presence) = self.members.get_mut(&participant) else {
            return false;
        };
        if !presence.sockets.detach(via, connection) {
            return false;
        }
        self.sockets -= 1;
        !presence.is_there()
    }

    /// Who is not there any more.
    pub(super) fn node_died(&mut self, dead: &NodeIncarnation) -> Vec<ParticipantId> {
        let mut lost = Vec::new();
        for (participant, presence) in &mut self.members {
            let (was_there, before) = (presence.is_there(), presence.sockets.0.len());
            presence.sockets.node_died(dead);
            presence.assumed.take_if(|assumed| died_with(assumed, dead));
            self.sockets -= before - presence.sockets.0.len();
            if was_there && !presence.is_there() {
                lost.push(*participant);
            }
        }
        self.knocking.retain(|participant, sockets| {
            sockets.node_died(dead);
            if sockets.0.is_empty() {
                lost.push(*participant);
            }
            !sockets.0.is_empty()
        });
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

    pub(super) fn has_sockets(&self, via: &NodeIncarnation) -> bool {
        let members = self.members.values().map(|presence| &presence.sockets);
        let mut sockets = members
            .chain(self.knocking.values())
            .flat_map(|sockets| &sockets.0);
        sockets.any(|socket| socket.via == *via)
    }

    pub(super) fn sockets_by_node(&self) -> BTreeMap<NodeIncarnation, usize> {
        let members = self.members.values().map(|presence| &presence.sockets);
        let sockets = members
            .chain(self.knocking.values())
            .flat_map(|sockets| &sockets.0);
        let mut counts = BTreeMap::new();
        for socket in sockets {
            *counts.entry(socket.via.clone()).or_default() += 1;
        }
        counts
    }

    pub(super) fn sockets(&self) -> usize {
        self.sockets
    }
}
