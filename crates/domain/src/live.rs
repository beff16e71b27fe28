//! The ephemeral half of a room: who is attached, what devices do, whose grace runs. Decided on the committed [`Room`] only, never stored;
//! after a restart [`Live::load`] makes it anew from what the log knows.
//!
//! It never takes a member out: what it finds due it asks as a command ([`Live::due`]) and it forgets the member when the event comes back
//! ([`Live::observe`]). Files: `attendance` knows sockets, `deadlines` knows what is due when, `say` judges what members say in passing.

mod attendance;
mod deadlines;
mod say;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::{
    ConnectionState, Event, MediaState, NodeIncarnation, Note, ParticipantId, Rejection, Request, Room,
    Signal, Timestamp,
};
use attendance::Attendance;
use deadlines::Deadlines;
pub use say::check_reaction;

/// How long things wait for someone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grace {
    /// For a member without a socket to come back, and for someone who knocks.
    pub reconnect: Duration,
    /// For anyone to come into a room without members.
    pub empty: Duration,
    /// For a decision on someone in the lobby; a token lives no longer, so an admission would be of no use.
    pub lobby: Duration,
}

impl Default for Grace {
    fn default() -> Self {
        let minutes = |n: u64| Duration::from_secs(60 * n);
        Self {
            reconnect: Duration::from_secs(20),
            empty: minutes(5),
            lobby: minutes(10),
        }
    }
}

/// Ephemeral state of one room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Live {
    grace: Grace,
    attendance: Attendance,
    deadlines: Deadlines,
}

impl Live {
    /// Of a room without members.
    #[must_use]
    pub fn new(config: Grace) -> Self {
        Self {
            grace: config,
            attendance: Attendance::default(),
            deadlines: Deadlines::default(),
        }
    }

    /// Of a room just read from the store. Members attached through another node, or through this boot of this node, count as connected
    /// until that is denied; those of this boot must be confirmed by [`Signal::Attached`] within the reconnect grace, since nobody else will ever deny
    /// them. Members of an earlier boot of this node are reconnecting and have the full grace.
    #[must_use]
    pub fn load(room: &Room, at: Timestamp, here: &NodeIncarnation, grace: Grace) -> Self {
        let mut live = Self::new(grace);
        for member in room.members() {
            let is_dead = member.via.node == here.node && member.via.incarnation < here.incarnation;
            let assumed = (!is_dead).then(|| member.via.clone());
            live.attendance.enter(member.participant, assumed);
            if is_dead || member.via == *here {
                live.deadlines
                    .leave(member.participant, at.after(grace.reconnect));
            }
        }
        for waiting in room.waiting() {
            // Whoever still knocks says so.
            live.await_knock(room, at, waiting.participant_id);
        }
        live.watch_emptiness(room);
        live
    }

    /// Decides a signal. Signals of those who are gone, and of sockets that were replaced, change nothing.
    ///
    /// # Errors
    /// [`Rejection`] for an attachment of someone who is no member and does not wait, or a word of someone who is no member, may not speak, or speaks nonsense; then nothing changed.
    pub fn apply(&mut self, room: &Room, at: Timestamp, signal: &Signal) -> Result<Vec<Note>, Rejection> {
        match signal {
            Signal::Attached {
                participant,
                connection,
                via,
            } => {
                if room.is_waiting(*participant) {
                    self.attendance.knock(*participant, via, *connection);
                    self.await_knock(room, at, *participant);
                    return Ok(Vec::new());
                }
                say::member(room, *participant)?;
                Ok(self.attached(*participant, via, *connection))
            }
            Signal::Detached {
                participant,
                connection,
                via,
            } => {
                let lost = self.attendance.detach(*participant, via, *connection);
                Ok(self.reconnecting(room, at, lost.then_some(*participant)))
            }
            Signal::NodeDied { via } => {
                let lost = self.attendance.node_died(via);
                Ok(self.reconnecting(room, at, lost))
            }
            Signal::Media { participant, media } => {
                say::member(room, *participant)?;
                Ok(self
                    .media_changed(room, *participant, *media)
                    .into_iter()
                    .collect())
            }
            Signal::React { participant, emoji } => {
                say::reaction(room, *participant, emoji).map(|note| vec![note])
            }
            Signal::Data { participant, data } => say::data(room, *participant, data).map(|note| vec![note]),
        }
    }

    /// Takes note of a committed event; `room` holds its whole record already.
    pub fn observe(&mut self, room: &Room, at: Timestamp, event: &Event) -> Vec<Note> {
        let notes = match event {
            Event::MemberJoined { participant, via, .. } => {
                self.attendance.enter(*participant, Some(via.clone()));
                self.deadlines.leave(*participant, at.after(self.grace.reconnect));
                Vec::new()
            }
            Event::MemberAttached { participant, via } => {
                self.attendance.assume(*participant, via);
                Vec::new()
            }
            Event::MemberLeft { participant, .. } => {
                self.attendance.leave(*participant);
                self.deadlines.stay(*participant);
                Vec::new()
            }
            Event::LobbyKnocked { participant, .. } => {
                self.await_knock(room, at, *participant);
                Vec::new()
            }
            Event::LobbyDecided { participant, .. } => {
                self.attendance.let_go(*participant);
                self.deadlines.stay(*participant);
                Vec::new()
            }
            Event::MemberMuted { participant, .. }
            | Event::RightsChanged { participant, .. }
            | Event::RoleChanged { participant, .. } => self
                .media_changed(room, *participant, self.media(*participant))
                .into_iter()
                .collect(),
            Event::Ended { .. } => {
                *self = Self::new(self.grace);
                Vec::new()
            }
            Event::Created { .. }
            | Event::ResumeRotated { .. }
            | Event::MemberRenamed { .. }
            | Event::MemberBanned { .. }
            | Event::MemberUnbanned { .. }
            | Event::MemberUnmuted { .. }
            | Event::SettingsChanged { .. }
            | Event::HandRaised { .. }
            | Event::HandLowered { .. }
            | Event::ChatPosted { .. }
            | Event::MediaNodeSet { .. } => Vec::new(),
        };
        self.watch_emptiness(room);
        notes
    }

    /// Commands that are due by now. Each is due again a second later until its event is observed or its reason is gone.
    pub fn due(&mut self, room: &Room, at: Timestamp) -> Vec<Request> {
        let requests = self.deadlines.due(room, at);
        for request in &requests {
            if let crate::Command::Expire { participant } = request.command {
                // From now on nobody may say that it is there without a socket.
                self.attendance.deny(participant);
            }
        }
        requests
    }

    /// When [`Live::due`] will have something next.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.deadlines.next()
    }

    /// Is this member's connection there.
    #[must_use]
    pub fn connection(&self, participant: ParticipantId) -> ConnectionState {
        if self.attendance.is_there(participant) {
            ConnectionState::Connected
        } else {
            ConnectionState::Reconnecting
        }
    }

    /// What this member's devices do, as far as it may.
    #[must_use]
    pub fn media(&self, participant: ParticipantId) -> MediaState {
        self.attendance.media(participant)
    }

    /// Is anyone, member or not, attached at this node.
    #[must_use]
    pub fn has_sockets(&self, via: &NodeIncarnation) -> bool {
        self.attendance.has_sockets(via)
    }

    /// Sockets of members and of those who knock, by the node that they are at.
    #[must_use]
    pub fn sockets_by_node(&self) -> BTreeMap<NodeIncarnation, usize> {
        self.attendance.sockets_by_node()
    }

    /// Number of attached sockets.
    #[must_use]
    pub fn connected(&self) -> usize {
        self.attendance.sockets()
    }

    fn attached(
        &mut self,
        participant: ParticipantId,
        via: &NodeIncarnation,
        connection: crate::ConnectionId,
    ) -> Vec<Note> {
        let was_there = self.attendance.is_there(participant);
        self.attendance.attach(participant, via, connection);
        self.deadlines.stay(participant);
        let state = ConnectionState::Connected;
        if was_there {
            Vec::new()
        } else {
            vec![Note::ConnectionChanged { participant, state }]
        }
    }

    fn reconnecting(
        &mut self,
        room: &Room,
        at: Timestamp,
        lost: impl IntoIterator<Item = ParticipantId>,
    ) -> Vec<Note> {
        let state = ConnectionState::Reconnecting;
        let mut notes = Vec::new();
        for participant in lost {
            if room.is_waiting(participant) {
                self.await_knock(room, at, participant);
                continue;
            }
            self.deadlines.leave(participant, at.after(self.grace.reconnect));
            notes.push(Note::ConnectionChanged { participant, state });
        }
        notes
    }

    /// The lobby is patient with who is there; who is not is gone after the grace, so that knocks of nobody do not fill it.
    fn await_knock(&mut self, room: &Room, at: Timestamp, participant: ParticipantId) {
        let mut waiting = room.waiting();
        let since = waiting.find(|waiting| waiting.participant_id == participant);
        let patience = since.map_or(at, |waiting| waiting.since).after(self.grace.lobby);
        let deadline = if self.attendance.is_knocking(participant) {
            patience
        } else {
            patience.min(at.after(self.grace.reconnect))
        };
        self.deadlines.leave(participant, deadline);
    }

    /// A claim of what one may not send is masked, not refused: the rest of it is true, and a client may not have heard of its mute yet.
    fn media_changed(&mut self, room: &Room, participant: ParticipantId, media: MediaState) -> Option<Note> {
        let media = say::masked(media, room.publishable(participant));
        let changed = self.attendance.set_media(participant, media);
        changed.then_some(Note::MediaChanged { participant, media })
    }

    /// Counted from the last durable event, so that a room which comes back from the store has waited already.
    fn watch_emptiness(&mut self, room: &Room) {
        let is_empty = room.ended().is_none() && room.members().next().is_none();
        self.deadlines
            .empty(is_empty.then(|| room.changed_at().after(self.grace.empty)));
    }
}

#[cfg(test)]
mod tests;
