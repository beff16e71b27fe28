//! Which rooms have a door on this node, and which of those that left memory must be woken when.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use ractor::{ActorCell, ActorId};
use videorooms_domain::{RoomId, SHARDS, ShardId, Timestamp};

use crate::door::Door;
use crate::wakeups::{Due, Wakeups};

/// Parts of the directory, and room supervisors: both by shard, so that a lock or a supervisor's death touches a sixteenth of the rooms.
pub(crate) const PARTS: usize = 16;

pub(crate) fn part_of(room: RoomId) -> usize {
    usize::from(room.shard().0) % PARTS
}

/// All doors of a node.
pub(crate) struct Directory {
    parts: [Mutex<Part>; PARTS],
    wakeups: Mutex<Wakeups>,
    live: AtomicUsize,
    /// Of these, by number of the shard.
    by_shard: Box<[AtomicUsize]>,
    /// Shards whose rooms are all to be looked at once.
    to_sweep: Mutex<BTreeSet<ShardId>>,
}

#[derive(Default)]
struct Part {
    doors: HashMap<RoomId, Arc<Door>>,
    /// Every actor that was started and whose end has not been dealt with.
    actors: HashMap<ActorId, (ActorCell, Arc<Door>)>,
}

impl Directory {
    pub(crate) fn new() -> Self {
        Self {
            parts: std::array::from_fn(|_| Mutex::default()),
            wakeups: Mutex::default(),
            live: AtomicUsize::new(0),
            by_shard: (0..SHARDS).map(|_| AtomicUsize::new(0)).collect(),
            to_sweep: Mutex::default(),
        }
    }

    /// The room's door, made if need be.
    pub(crate) fn door(&self, room: RoomId) -> Arc<Door> {
        let mut part = self.parts[part_of(room)].lock();
        Arc::clone(
            part.doors
                .entry(room)
                .or_insert_with(|| Arc::new(Door::new(room))),
        )
    }

    /// The room's door, if there is one.
    pub(crate) fn existing(&self, room: RoomId) -> Option<Arc<Door>> {
        self.parts[part_of(room)].lock().doors.get(&room).cloned()
    }

    /// Forgets a door; the caller holds its start lock and has marked it retired.
    pub(crate) fn retire(&self, room: RoomId) {
        self.parts[part_of(room)].lock().doors.remove(&room);
    }

    /// Says whether it is the first of its shard.
    pub(crate) fn opened(&self, door: &Arc<Door>, actor: ActorCell) -> bool {
        self.live.fetch_add(1, Ordering::Relaxed);
        let before = self.of_shard(door.room.shard()).fetch_add(1, Ordering::AcqRel);
        self.parts[part_of(door.room)]
            .lock()
            .actors
            .insert(actor.get_id(), (actor, Arc::clone(door)));
        self.report();
        before == 0
    }

    fn of_shard(&self, shard: ShardId) -> &AtomicUsize {
        &self.by_shard[usize::from(shard.0)]
    }

    /// Does anything of the shard live here.
    pub(crate) fn is_in_use(&self, shard: ShardId) -> bool {
        self.of_shard(shard).load(Ordering::Acquire) > 0
    }

    /// Doors of one shard behind which an actor runs.
    pub(crate) fn doors_of(&self, shard: ShardId) -> Vec<Arc<Door>> {
        let part = self.parts[usize::from(shard.0) % PARTS].lock();
        let doors = part.actors.values().map(|(_, door)| door);
        doors.filter(|door| door.room.shard() == shard).cloned().collect()
    }

    /// An actor ended: its door, still open, the first time this is asked.
    pub(crate) fn ended(&self, part: usize, actor: ActorId) -> Option<Arc<Door>> {
        let (_, door) = self.parts[part].lock().actors.remove(&actor)?;
        self.live.fetch_sub(1, Ordering::Relaxed);
        self.of_shard(door.room.shard()).fetch_sub(1, Ordering::AcqRel);
        self.report();
        Some(door)
    }

    /// Actors of this part, for a supervisor that starts anew.
    pub(crate) fn actors(&self, part: usize) -> Vec<ActorCell> {
        self.parts[part]
            .lock()
            .actors
            .values()
            .map(|(actor, _)| actor.clone())
            .collect()
    }

    /// Doors behind which an actor runs.
    pub(crate) fn open_doors(&self) -> Vec<Arc<Door>> {
        let open = |part: &Mutex<Part>| {
            let part = part.lock();
            part.actors
                .values()
                .map(|(_, door)| Arc::clone(door))
                .collect::<Vec<_>>()
        };
        self.parts.iter().flat_map(open).collect()
    }

    pub(crate) fn live(&self) -> usize {
        self.live.load(Ordering::Relaxed)
    }

    /// Doors, open or not.
    #[cfg(any(test, feature = "test-kit"))]
    pub(crate) fn doors(&self) -> usize {
        self.parts.iter().map(|part| part.lock().doors.len()).sum()
    }

    pub(crate) fn wake_at(&self, at: Timestamp, room: RoomId) {
        self.wakeups.lock().at(at, room);
    }

    /// A room that could not be woken.
    pub(crate) fn wake_again(&self, now: Timestamp, due: Due) {
        self.wakeups.lock().again(now, due);
    }

    /// Rooms whose time has come, at most `limit`; they are forgotten here.
    pub(crate) fn due(&self, now: Timestamp, limit: usize) -> Vec<Due> {
        self.wakeups.lock().due(now, limit)
    }

    /// The rooms of this shard are to be looked at.
    pub(crate) fn sweep_later(&self, shard: ShardId) {
        self.to_sweep.lock().insert(shard);
    }

    /// A shard whose rooms are to be looked at; it is forgotten here.
    pub(crate) fn sweep_next(&self) -> Option<ShardId> {
        self.to_sweep.lock().pop_first()
    }

    fn report(&self) {
        metrics::gauge!(crate::metrics::LIVE_ROOMS).set(self.live() as f64);
    }
}
