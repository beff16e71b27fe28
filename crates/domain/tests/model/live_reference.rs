//! The ephemeral half once more, as plainly as [`super::reference`] has the durable one.

use videorooms_domain::{
    ConnectionId, Grace, MediaState, NodeIncarnation, ParticipantId, Role, Signal, Source, Timestamp,
};

use super::reference::Reference;

type Id = ParticipantId;

/// Sockets, devices and deadlines, as plainly.
#[derive(Debug, Clone, Default)]
pub(crate) struct LiveReference {
    pub(crate) sockets: Vec<(Id, NodeIncarnation, ConnectionId)>,
    pub(crate) assumed: Vec<(Id, NodeIncarnation)>,
    pub(crate) media: Vec<(Id, MediaState)>,
    pub(crate) deadlines: Vec<(Id, Timestamp)>,
    pub(crate) end_again: Timestamp,
    /// Who waits since when.
    knocked: Vec<(Id, Timestamp)>,
    /// Sockets of those who wait.
    knocking: Vec<(Id, NodeIncarnation, ConnectionId)>,
}

impl LiveReference {
    pub(crate) fn load(
        room: &Reference,
        at: Timestamp,
        here: &NodeIncarnation,
        since: &[(Id, Timestamp)],
    ) -> Self {
        let mut live = Self::default();
        for member in &room.members {
            let dead = member.via.node == here.node && member.via.incarnation < here.incarnation;
            if !dead {
                live.assumed.push((member.id, member.via.clone()));
            }
            if dead || member.via == *here {
                live.leave(member.id, at.after(Grace::default().reconnect));
            }
        }
        live.knocked = since.to_vec();
        for (id, _) in since {
            live.await_knock(*id, at);
        }
        live
    }

    pub(crate) fn is_there(&self, id: Id) -> bool {
        self.sockets.iter().any(|(who, ..)| *who == id) || self.assumed.iter().any(|(who, _)| *who == id)
    }

    pub(crate) fn media_of(&self, id: Id) -> MediaState {
        self.media
            .iter()
            .find(|(who, _)| *who == id)
            .map_or_else(MediaState::default, |(_, media)| *media)
    }

    /// Answers whether it is accepted.
    pub(crate) fn apply(&mut self, room: &Reference, at: Timestamp, signal: &Signal) -> bool {
        let there: Vec<Id> = room
            .members
            .iter()
            .map(|member| member.id)
            .filter(|id| self.is_there(*id))
            .collect();
        let knocked: Vec<Id> = self.knocking.iter().map(|(id, ..)| *id).collect();
        match signal {
            Signal::Attached {
                participant,
                connection,
                via,
            } => {
                if room.is_waiting(*participant) {
                    add(&mut self.knocking, *participant, via, *connection);
                    self.await_knock(*participant, at);
                    return true;
                }
                if room.member(*participant).is_none() {
                    return false;
                }
                add(&mut self.sockets, *participant, via, *connection);
                self.assumed.retain(|(who, _)| who != participant);
                self.deadlines.retain(|(who, _)| who != participant);
            }
            Signal::Detached {
                participant,
                connection,
                via,
            } => {
                let other = |socket: &_| *socket != (*participant, via.clone(), *connection);
                self.sockets.retain(other);
                self.knocking.retain(other);
            }
            Signal::NodeDied { via } => {
                let dead = |v: &NodeIncarnation| v.node == via.node && v.incarnation <= via.incarnation;
                self.sockets.retain(|(_, v, _)| !dead(v));
                self.knocking.retain(|(_, v, _)| !dead(v));
                self.assumed.retain(|(_, v)| !dead(v));
            }
            Signal::Media { participant, media } => {
                if room.member(*participant).is_none() {
                    return false;
                }
                self.media.retain(|(who, _)| who != participant);
                self.media.push((*participant, *media));
                self.mask(room);
            }
            Signal::React { participant, emoji } => {
                return room.member(*participant).is_some() && !emoji.is_empty() && emoji.len() <= 16;
            }
            Signal::Data { participant, data } => {
                return room
                    .member(*participant)
                    .is_some_and(|member| member.role != Role::Viewer)
                    && data.len() <= 16384;
            }
        }
        for id in there {
            if !self.is_there(id) {
                self.leave(id, at.after(Grace::default().reconnect));
            }
        }
        for id in knocked {
            if !self.knocking.iter().any(|(who, ..)| *who == id) {
                self.await_knock(id, at);
            }
        }
        true
    }

    /// Looks at what a durable command changed.
    pub(crate) fn observe(&mut self, before: &Reference, after: &Reference, at: Timestamp) {
        let grace = Grace::default();
        for member in &after.members {
            match before.member(member.id) {
                None => {
                    self.forget(member.id);
                    self.assumed.push((member.id, member.via.clone()));
                    self.leave(member.id, at.after(grace.reconnect));
                }
                Some(_) => {
                    let assumed = self.assumed.iter_mut().find(|(who, _)| *who == member.id);
                    if let Some((_, via)) =
                        assumed.filter(|_| before.member(member.id).unwrap().via != member.via)
                    {
                        *via = member.via.clone();
                    }
                }
            }
        }
        for (id, _) in after.waiting.iter().filter(|(id, _)| !before.is_waiting(*id)) {
            self.knocked.push((*id, at));
            self.await_knock(*id, at);
        }
        let was_here = before
            .members
            .iter()
            .map(|member| member.id)
            .chain(before.waiting.iter().map(|(id, _)| *id));
        for id in was_here.filter(|id| after.member(*id).is_none() && !after.is_waiting(*id)) {
            self.forget(id);
        }
        self.mask(after);
    }

    /// Whom to expire, and whether to end the room.
    pub(crate) fn due(&mut self, room: &Reference, now: Timestamp) -> (Vec<Id>, bool) {
        let again = Timestamp(now.0 + 1000);
        let mut expire: Vec<Id> = self
            .deadlines
            .iter()
            .filter(|(_, at)| *at <= now)
            .map(|(id, _)| *id)
            .collect();
        expire.sort();
        for id in &expire {
            self.leave(*id, again);
            self.assumed.retain(|(who, _)| who != id);
        }
        let end = self.end_at(room).is_some_and(|at| at <= now);
        if end {
            self.end_again = again;
        }
        (expire, end)
    }

    pub(crate) fn next_deadline(&self, room: &Reference) -> Option<Timestamp> {
        self.deadlines
            .iter()
            .map(|(_, at)| *at)
            .chain(self.end_at(room))
            .min()
    }

    fn end_at(&self, room: &Reference) -> Option<Timestamp> {
        let is_empty = room.members.is_empty() && room.ended.is_none();
        is_empty.then(|| room.changed_at.after(Grace::default().empty).max(self.end_again))
    }

    fn leave(&mut self, id: Id, at: Timestamp) {
        self.deadlines.retain(|(who, _)| *who != id);
        self.deadlines.push((id, at));
    }

    /// Ten minutes for who is there, the reconnect grace for who is not.
    fn await_knock(&mut self, id: Id, at: Timestamp) {
        let grace = Grace::default();
        let (_, since) = *self.knocked.iter().find(|(who, _)| *who == id).unwrap();
        let patience = since.after(grace.lobby);
        if self.knocking.iter().any(|(who, ..)| *who == id) {
            self.leave(id, patience);
        } else {
            self.leave(id, patience.min(at.after(grace.reconnect)));
        }
    }

    fn forget(&mut self, id: Id) {
        self.knocked.retain(|(who, _)| *who != id);
        self.knocking.retain(|(who, ..)| *who != id);
        self.sockets.retain(|(who, ..)| *who != id);
        self.assumed.retain(|(who, _)| *who != id);
        self.media.retain(|(who, _)| *who != id);
        self.deadlines.retain(|(who, _)| *who != id);
    }

    fn mask(&mut self, room: &Reference) {
        for (id, media) in &mut self.media {
            let may = room.publishable(*id);
            media.microphone &= may.contains(Source::Microphone);
            media.camera &= may.contains(Source::Camera);
            media.screen &= may.contains(Source::Screen);
        }
    }
}

fn add(
    sockets: &mut Vec<(Id, NodeIncarnation, ConnectionId)>,
    participant: Id,
    via: &NodeIncarnation,
    connection: ConnectionId,
) {
    let older = |v: &NodeIncarnation| v.node == via.node && v.incarnation < via.incarnation;
    sockets.retain(|(who, v, _)| *who != participant || !older(v));
    let socket = (participant, via.clone(), connection);
    if !sockets.contains(&socket) {
        let mine = |(who, ..): &(Id, NodeIncarnation, ConnectionId)| *who == participant;
        if sockets.iter().filter(|socket| mine(socket)).count() == 8 {
            let oldest = sockets.iter().position(mine).unwrap();
            sockets.remove(oldest);
        }
        sockets.push(socket);
    }
}
