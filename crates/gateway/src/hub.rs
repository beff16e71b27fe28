//! The hub: who on this node hears which room. It takes each publication once, encodes it once and hands the same bytes to every socket.
//!
//! A socket subscribes *before* it asks its room to attach it; what comes meanwhile is held back and, once the answer's position is known,
//! released without what the answer already holds. So nothing is missed and nothing is heard twice. What a deposed owner still says (a lower
//! epoch) is dropped. The hub lives as long as the node, longer than any gateway actor.

mod presence;
mod room;
mod roster;
mod subscriber;

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::mpsc;
use videorooms_domain::{ConnectionId, ParticipantId, Position, Role, RoomId, ShardId, Snapshot};
use videorooms_rooms::{Publication, RollCall, Subscribers};

use crate::socket::outbox::Outbox;
use room::RoomEntry;
pub(crate) use subscriber::SharedRole;

/// Rooms are spread over this many locks.
const SHARDS: usize = 64;
/// Rooms that may wait for their roster to be asked for again; past it the next join brings it.
const RESYNCS: usize = 4096;

/// Who hears which room.
pub struct Hub {
    shards: [Mutex<HashMap<RoomId, Arc<Mutex<RoomEntry>>>>; SHARDS],
    resync: mpsc::Sender<RoomId>,
    resyncs: Mutex<Option<mpsc::Receiver<RoomId>>>,
}

impl Hub {
    /// An empty one.
    #[must_use]
    pub fn new() -> Arc<Self> {
        let (resync, resyncs) = mpsc::channel(RESYNCS);
        let shards = std::array::from_fn(|_| Mutex::default());
        Arc::new(Self {
            shards,
            resync,
            resyncs: Mutex::new(Some(resyncs)),
        })
    }

    /// Takes a socket in, held back: it hears nothing until [`Self::release`] or [`Self::wait`]. The attachment that it `replaces` hears nothing
    /// from now on, and stays counted until it is unsubscribed. Answers the member's role, which is kept up from the release on.
    pub(crate) fn subscribe(
        &self,
        room: RoomId,
        participant: ParticipantId,
        connection: ConnectionId,
        outbox: Arc<Outbox>,
        replaces: Option<ConnectionId>,
    ) -> SharedRole {
        let mut shard = self.shard(room).lock();
        let entry = shard
            .entry(room)
            .or_insert_with(|| Arc::new(Mutex::new(RoomEntry::new(room))));
        // Under the shard's lock, so that a last unsubscription does not take the entry away in between.
        entry.lock().subscribe(participant, connection, outbox, replaces)
    }

    /// Hands out what was held back after `position`, and everything from now on.
    pub(crate) fn release(&self, room: RoomId, connection: ConnectionId, position: Position, role: Role) {
        self.with(room, |entry| entry.release(connection, position, role));
    }

    /// Puts the socket in front of the door: it hears only what the lobby decides.
    pub(crate) fn wait(&self, room: RoomId, connection: ConnectionId, position: Position) {
        self.with(room, |entry| entry.wait(connection, position));
    }

    /// Lets a socket go.
    pub(crate) fn unsubscribe(&self, room: RoomId, connection: ConnectionId) {
        let mut shard = self.shard(room).lock();
        let Some(entry) = shard.get(&room) else { return };
        let empty = {
            let mut entry = entry.lock();
            entry.unsubscribe(connection);
            entry.is_empty()
        };
        if empty {
            shard.remove(&room);
        }
    }

    /// Does nobody know yet who is in the room.
    pub(crate) fn needs_roster(&self, room: RoomId) -> bool {
        self.entry(room).is_some_and(|entry| entry.lock().needs_roster())
    }

    /// Tells who is in the room at `position`, from which Presence goes on by itself.
    pub(crate) fn seed(&self, room: RoomId, position: Position, snapshot: &Snapshot) {
        let Some(entry) = self.entry(room) else { return };
        if entry.lock().seed(position, snapshot) == room::Roster::Incomplete {
            self.ask_again(room);
        }
        room::keep_presence(&entry);
    }

    /// Sends `presence_state` to one socket, by the frame that `encode` makes of the shared payload.
    pub(crate) fn greet(
        &self,
        room: RoomId,
        encode: impl FnOnce(&serde_json::value::RawValue) -> String,
    ) -> Option<String> {
        let entry = self.entry(room)?;
        let state = entry.lock().presence_state()?;
        Some(encode(&state))
    }

    /// Someone attached here, to ask for the roster by.
    pub(crate) fn anyone(&self, room: RoomId) -> Option<ParticipantId> {
        self.entry(room)?.lock().anyone()
    }

    /// Rooms whose roster has to be asked for again. Only one may listen at a time; give it back by [`Self::return_resyncs`].
    pub(crate) fn take_resyncs(&self) -> Option<mpsc::Receiver<RoomId>> {
        self.resyncs.lock().take()
    }

    /// So that the next gateway actor listens.
    pub(crate) fn return_resyncs(&self, resyncs: mpsc::Receiver<RoomId>) {
        *self.resyncs.lock() = Some(resyncs);
    }

    fn ask_again(&self, room: RoomId) {
        // When it is full, the next join brings the roster.
        let _ = self.resync.try_send(room);
    }

    fn shard(&self, room: RoomId) -> &Mutex<HashMap<RoomId, Arc<Mutex<RoomEntry>>>> {
        self.part(room.shard())
    }

    fn part(&self, shard: ShardId) -> &Mutex<HashMap<RoomId, Arc<Mutex<RoomEntry>>>> {
        &self.shards[usize::from(shard.0) % SHARDS]
    }

    fn entry(&self, room: RoomId) -> Option<Arc<Mutex<RoomEntry>>> {
        self.shard(room).lock().get(&room).cloned()
    }

    fn with(&self, room: RoomId, act: impl FnOnce(&mut RoomEntry)) {
        if let Some(entry) = self.entry(room) {
            act(&mut entry.lock());
        }
    }
}

impl Subscribers for Hub {
    fn publish(&self, publication: Publication) {
        let room = publication.room;
        let Some(entry) = self.entry(room) else { return };
        let roster = entry.lock().publish(publication);
        if roster == room::Roster::Incomplete {
            self.ask_again(room);
        }
        room::keep_presence(&entry);
    }

    fn rooms(&self, shard: ShardId) -> Vec<RoomId> {
        let part = self.part(shard).lock();
        part.keys()
            .filter(|room| room.shard() == shard)
            .copied()
            .collect()
    }

    fn roll_call(&self, room: RoomId) -> RollCall {
        self.entry(room)
            .map(|entry| entry.lock().roll_call())
            .unwrap_or_default()
    }
}
