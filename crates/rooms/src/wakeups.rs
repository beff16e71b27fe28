//! When rooms that left memory must be woken: one time for each, the earliest that was asked for. Pure.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use videorooms_domain::{RoomId, Timestamp};

/// First pause after a room could not be woken; doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Doublings after which the pause is longest.
const MAX_FAILURES: u32 = 6;

/// At most one entry a room, so no more than there are rooms.
#[derive(Debug, Default)]
pub(crate) struct Wakeups {
    in_order: BTreeSet<(Timestamp, RoomId)>,
    of_room: HashMap<RoomId, (Timestamp, u32)>,
}

/// A room whose time has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) room: RoomId,
    /// How often it could not be woken before.
    pub(crate) failures: u32,
}

impl Wakeups {
    pub(crate) fn at(&mut self, at: Timestamp, room: RoomId) {
        self.insert(at, room, 0);
    }

    /// It could not be woken: once more after a pause that grows.
    pub(crate) fn again(&mut self, now: Timestamp, due: Due) {
        let pause = (FIRST_PAUSE * (1 << due.failures)).min(LONGEST_PAUSE);
        self.insert(now.after(pause), due.room, (due.failures + 1).min(MAX_FAILURES));
    }

    /// Rooms whose time has come, at most `limit`; they are forgotten here.
    pub(crate) fn due(&mut self, now: Timestamp, limit: usize) -> Vec<Due> {
        let mut due = Vec::new();
        while due.len() < limit
            && let Some(&(at, room)) = self.in_order.first()
            && at <= now
        {
            self.in_order.pop_first();
            let failures = self.of_room.remove(&room).map_or(0, |(_, failures)| failures);
            due.push(Due { room, failures });
        }
        due
    }

    fn insert(&mut self, at: Timestamp, room: RoomId, failures: u32) {
        match self.of_room.get(&room) {
            Some((earlier, _)) if *earlier <= at => return,
            Some((later, _)) => drop(self.in_order.remove(&(*later, room))),
            None => {}
        }
        self.of_room.insert(room, (at, failures));
        self.in_order.insert((at, room));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp(seconds * 1000)
    }

    fn due(room: u128, failures: u32) -> Due {
        Due {
            room: RoomId(room),
            failures,
        }
    }

    #[test]
    fn each_room_is_due_once_at_its_earliest_time() {
        let mut wakeups = Wakeups::default();
        for seconds in [9, 5, 7] {
            wakeups.at(at(seconds), RoomId(1));
        }
        wakeups.at(at(6), RoomId(2));
        assert_eq!(wakeups.due(at(4), 9), []);
        assert_eq!(wakeups.due(at(9), 1), [due(1, 0)]);
        assert_eq!(wakeups.due(at(9), 9), [due(2, 0)]);
        assert_eq!(wakeups.due(at(99), 9), []);
    }

    #[test]
    fn a_room_that_cannot_be_woken_comes_again_after_a_pause_that_grows_to_a_minute() {
        let mut wakeups = Wakeups::default();
        let (mut now, mut failed, mut pauses) = (at(0), due(1, 0), Vec::new());
        for _ in 0..8 {
            wakeups.again(now, failed);
            let mut pause = 0;
            failed = loop {
                pause += 1;
                if let [due] = wakeups.due(now.after(Duration::from_secs(pause)), 9)[..] {
                    break due;
                }
            };
            now = now.after(Duration::from_secs(pause));
            pauses.push(pause);
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
    }
}
