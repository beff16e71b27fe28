//! One room in the hub: its sockets on this node, and the order in which they hear.

use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::value::RawValue;
use videorooms_domain::{
    ConnectionId, Epoch, Event, Note, ParticipantId, Position, Role, RoomId, Seq, Snapshot, Timestamp,
};
use videorooms_protocol::room::RoomResumed;
use videorooms_protocol::{Topic, frame, presence};
use videorooms_rooms::{Body, CloseReason, Fact, Publication, RollCall};

use super::presence::Presence;
use super::roster::Members;
use super::subscriber::{Kind, SharedRole, Subscriber};
use crate::channels::translate::{self, Hearing};
use crate::metrics as names;
use crate::socket::outbox::{Class, Item, Notice, Outbox};

/// Is what is known of the members enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Roster {
    Complete,
    /// A snapshot has to be asked for.
    Incomplete,
}

pub(super) struct RoomEntry {
    room: RoomId,
    topic: String,
    created_at: Timestamp,
    epoch: Epoch,
    last: Option<Position>,
    subscribers: Vec<Subscriber>,
    members: Members,
    presence: Presence,
}

impl RoomEntry {
    pub(super) fn new(room: RoomId) -> Self {
        Self {
            room,
            topic: Topic::Room(&room.to_string()).to_string(),
            created_at: Timestamp::default(),
            epoch: Epoch::default(),
            last: None,
            subscribers: Vec::new(),
            members: Members::unknown(),
            presence: Presence::default(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.subscribers.is_empty()
    }

    pub(super) fn subscribe(
        &mut self,
        participant: ParticipantId,
        connection: ConnectionId,
        outbox: Arc<Outbox>,
        replaces: Option<ConnectionId>,
    ) -> SharedRole {
        let former = replaces.and_then(|former| self.subscriber(former));
        let replaces = former.map(Subscriber::mute).is_some();
        let subscriber = Subscriber::new(participant, connection, outbox, replaces);
        let role = subscriber.role();
        self.subscribers.push(subscriber);
        role
    }

    pub(super) fn unsubscribe(&mut self, connection: ConnectionId) {
        self.subscribers
            .retain(|subscriber| subscriber.connection != connection);
    }

    pub(super) fn release(&mut self, connection: ConnectionId, position: Position, role: Role) {
        self.last.get_or_insert(position);
        if let Some(subscriber) = self.subscriber(connection)
            && subscriber.release(position.seq, role).is_over()
        {
            self.unsubscribe(connection);
        }
    }

    pub(super) fn wait(&mut self, connection: ConnectionId, position: Position) {
        if let Some(subscriber) = self.subscriber(connection)
            && subscriber.wait(position.seq).is_over()
        {
            self.unsubscribe(connection);
        }
    }

    pub(super) fn anyone(&self) -> Option<ParticipantId> {
        self.subscribers
            .iter()
            .find(|subscriber| subscriber.is_attached())
            .map(|subscriber| subscriber.participant)
    }

    pub(super) fn roll_call(&self) -> RollCall {
        let answered = self.subscribers.iter().filter(|subscriber| !subscriber.is_held());
        let connections: Vec<_> = answered
            .map(|subscriber| (subscriber.participant, subscriber.connection))
            .collect();
        let last = self.last.filter(|_| !connections.is_empty());
        RollCall { connections, last }
    }

    pub(super) fn needs_roster(&self) -> bool {
        self.members.need_snapshot()
    }

    pub(super) fn seed(&mut self, position: Position, snapshot: &Snapshot) -> Roster {
        self.created_at = snapshot.room.created_at;
        if !self.members.need_snapshot() {
            return Roster::Complete;
        }
        let complete = self.members.seed(position, snapshot);
        self.presence.compare_all(&self.members);
        if complete {
            Roster::Complete
        } else {
            Roster::Incomplete
        }
    }

    pub(super) fn presence_state(&mut self) -> Option<Arc<RawValue>> {
        Some(self.presence.state())
    }

    pub(super) fn publish(&mut self, publication: Publication) -> Roster {
        if publication.epoch < self.epoch {
            metrics::counter!(names::STALE).increment(1);
            return Roster::Complete;
        }
        self.epoch = publication.epoch;
        match publication.body {
            Body::Durable(fact) => self.durable(&fact),
            Body::Ephemeral(note) => self.ephemeral(&note),
            Body::Moving => self.tell_all("room_moving", &frame::Empty {}),
            Body::Resumed { node, seq } => {
                let resumed = RoomResumed {
                    epoch: self.epoch.0,
                    node,
                    seq: seq.0,
                };
                self.tell_all("room_resumed", &resumed);
                // Who was connected where may have changed without a word while the room was away.
                self.members.doubt();
                return Roster::Incomplete;
            }
            Body::Closed { participant, why } => self.closed(participant, why),
            Body::LobbyDecided {
                participant,
                admitted,
            } => {
                let notice = Notice::Lobby { admitted };
                self.notice(|subscriber| subscriber.participant == participant, notice);
            }
            Body::ResumeRotated {
                participant,
                connection,
            } => {
                let is_theirs = |subscriber: &Subscriber| {
                    subscriber.participant == participant && subscriber.connection == connection
                };
                self.notice(is_theirs, Notice::ResumeRotated);
            }
        }
        Roster::Complete
    }

    fn durable(&mut self, fact: &Arc<Fact>) {
        self.last = Some(self.last.map_or(fact.position, |last| last.max(fact.position)));
        if let Event::RoleChanged {
            participant, role, ..
        } = &fact.event
        {
            let theirs = self
                .subscribers
                .iter_mut()
                .filter(|subscriber| subscriber.participant == *participant);
            theirs.for_each(|subscriber| subscriber.role_changed(fact.position.seq, *role));
        }
        if let Some(participant) = self.members.fact(fact) {
            self.presence.changed(participant);
        }
        let encode = |hearing| {
            let heard = translate::durable(self.room, self.created_at, fact, hearing);
            Item::text(frame::broadcast(&self.topic, heard.event.name(), &heard))
        };
        let everything = encode(Hearing::Everything);
        let public = if fact.event.is_for_moderators() {
            encode(Hearing::Public)
        } else {
            everything.clone()
        };
        self.deliver(Kind::Durable, [everything, public]);
    }

    fn ephemeral(&mut self, note: &Note) {
        if let Some(participant) = self.members.note(note) {
            self.presence.changed(participant);
        }
        let class = match note {
            Note::Data { .. } | Note::Reaction { .. } => Class::Passing,
            Note::ConnectionChanged { .. } | Note::MediaChanged { .. } => Class::Needed,
        };
        let item = Item::text(translate::note(&self.topic, note));
        self.deliver(Kind::Ephemeral(class), [item.clone(), item]);
    }

    fn tell_all(&mut self, event: &str, payload: &impl serde::Serialize) {
        let item = Item::text(frame::broadcast(&self.topic, event, payload));
        self.deliver(Kind::Ephemeral(Class::Needed), [item.clone(), item]);
    }

    fn closed(&mut self, participant: Option<ParticipantId>, why: CloseReason) {
        let theirs =
            |subscriber: &Subscriber| participant.is_none_or(|whose| subscriber.participant == whose);
        self.notice(theirs, Notice::Closed(why));
        // A socket that is being attached hears of it when it is released, if it happened after its attachment.
        self.subscribers
            .retain(|subscriber| subscriber.is_held() || !theirs(subscriber));
    }

    fn notice(&mut self, whom: impl Fn(&Subscriber) -> bool, notice: Notice) {
        let after = self.last_seq();
        let whom = self.subscribers.iter_mut().filter(|subscriber| whom(subscriber));
        whom.for_each(|subscriber| subscriber.notice(after, notice));
    }

    fn deliver(&mut self, kind: Kind, items: [Item; 2]) {
        let after = self.last_seq();
        let heard = self
            .subscribers
            .iter_mut()
            .filter_map(|subscriber| subscriber.hear(after, kind, &items).then_some(()));
        let deliveries = heard.count();
        metrics::counter!(names::DELIVERIES).increment(deliveries as u64);
    }

    fn last_seq(&self) -> Option<Seq> {
        self.last.map(|last| last.seq)
    }

    fn subscriber(&mut self, connection: ConnectionId) -> Option<&mut Subscriber> {
        self.subscribers
            .iter_mut()
            .find(|subscriber| subscriber.connection == connection)
    }
}

/// Starts a window when something changed; at its end everyone hears the diff.
pub(super) fn keep_presence(entry: &Arc<Mutex<RoomEntry>>) {
    let window = {
        let mut entry = entry.lock();
        if !entry.presence.schedule() {
            return;
        }
        Presence::window(entry.subscribers.len())
    };
    let entry = Arc::downgrade(entry);
    drop(tokio::spawn(async move {
        tokio::time::sleep(window).await;
        let Some(entry) = entry.upgrade() else { return };
        let mut entry = entry.lock();
        let RoomEntry {
            presence, members, ..
        } = &mut *entry;
        if let Some(diff) = presence.diff(members) {
            entry.tell_all(presence::DIFF, &diff);
        }
    }));
}

#[cfg(test)]
mod tests;
