//! The rooms of a core: those with peers, and the vacant ones in the order in which they end.
//!
//! Every join of a product's room makes a media room, most of which never see a peer. So a vacant room costs no time, and when the
//! table is full it makes place for the next: whoever holds a credential for it asks for the room again.

use std::collections::{BTreeSet, HashMap};
use std::time::Instant;

use crate::{MediaError, ParticipantKey, PeerKey, RoomKey, RoomRules};

use super::room::Room;

/// All rooms.
#[derive(Debug, Default)]
pub(super) struct Rooms {
    all: HashMap<RoomKey, Room>,
    /// Rooms without peers, by the time of their end.
    vacant: BTreeSet<(Instant, RoomKey)>,
    occupied: BTreeSet<RoomKey>,
}

impl Rooms {
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(super) fn get(&self, key: RoomKey) -> Option<&Room> {
        self.all.get(&key)
    }

    pub(super) fn get_mut(&mut self, key: RoomKey) -> Option<&mut Room> {
        self.all.get_mut(&key)
    }

    pub(super) fn keys(&self) -> Vec<RoomKey> {
        self.all.keys().copied().collect()
    }

    /// Rooms with peers.
    pub(super) fn occupied(&self) -> Vec<RoomKey> {
        self.occupied.iter().copied().collect()
    }

    /// Makes a room, at most `most` at a time: a vacant one gives way.
    pub(super) fn create(
        &mut self,
        now: Instant,
        key: RoomKey,
        rules: RoomRules,
        most: usize,
    ) -> Result<(), MediaError> {
        if self.all.contains_key(&key) {
            return Ok(());
        }
        if self.all.len() >= most {
            let (_, evicted) = self.vacant.pop_first().ok_or(MediaError::Full("rooms"))?;
            self.all.remove(&evicted);
            crate::metrics::room_evicted();
        }
        self.all.insert(key, Room::new(now, rules));
        self.index(key);
        Ok(())
    }

    pub(super) fn remove(&mut self, key: RoomKey) -> Option<Room> {
        self.unindex(key);
        self.all.remove(&key)
    }

    pub(super) fn keep(&mut self, key: RoomKey, until: Instant) -> Result<(), MediaError> {
        self.change(key, |room| room.keep(until))
            .ok_or(MediaError::NoSuchRoom)
    }

    pub(super) fn enter(&mut self, key: RoomKey, participant: ParticipantKey, peer: PeerKey) {
        self.change(key, |room| room.enter(participant, peer));
    }

    /// False when there is no such room.
    pub(super) fn leave(
        &mut self,
        now: Instant,
        key: RoomKey,
        participant: ParticipantKey,
        peer: PeerKey,
    ) -> bool {
        self.change(key, |room| room.leave(now, participant, peer))
            .is_some()
    }

    /// Vacant rooms whose time is over.
    pub(super) fn expired(&self, now: Instant) -> Vec<RoomKey> {
        let due = self.vacant.range(..=(now, RoomKey::MAX));
        due.map(|(_, key)| *key).collect()
    }

    /// The same rooms and rights, after all peers were lost.
    pub(super) fn vacated(self, now: Instant) -> Self {
        let mut rooms = Self {
            all: self.all,
            ..Self::default()
        };
        for room in rooms.all.values_mut() {
            room.vacate(now);
        }
        for key in rooms.keys() {
            rooms.index(key);
        }
        rooms
    }

    /// Changes something that decides where the room is indexed.
    fn change<T>(&mut self, key: RoomKey, change: impl FnOnce(&mut Room) -> T) -> Option<T> {
        self.unindex(key);
        let outcome = self.all.get_mut(&key).map(change);
        self.index(key);
        outcome
    }

    fn index(&mut self, key: RoomKey) {
        match self.all.get(&key).map(Room::ends_at) {
            Some(Some(at)) => drop(self.vacant.insert((at, key))),
            Some(None) => drop(self.occupied.insert(key)),
            None => {}
        }
    }

    fn unindex(&mut self, key: RoomKey) {
        if let Some(at) = self.all.get(&key).and_then(Room::ends_at) {
            self.vacant.remove(&(at, key));
        }
        self.occupied.remove(&key);
    }
}
