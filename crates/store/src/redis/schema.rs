//! Keys and entries: how rooms lie in Redis.
//!
//! | key | type | what |
//! |---|---|---|
//! | `<prefix>:meta` | hash | `format`, `shards`; `reign`, `highest`; `incarnation`, `since`, `generation` |
//! | `<prefix>:nodes` | hash | by name: boot, state, beat, weight, version, load, draining, address, with spaces between |
//! | `<prefix>:table` | hash | by shard: owner, its boot, epoch; if it was re-asserted, life and held epoch |
//! | `<prefix>:rooms` | sorted set, all scores 0 | ids of rooms as 32 hexadecimal digits |
//! | `<prefix>:rooms_by_shard` | sorted set, shards as scores | the same |
//! | `<prefix>:room:<id>` | hash | `epoch`, `last`; `covered` and `snapshot` once there is one |
//! | `<prefix>:examination` | string | whoever looked at this Redis a second ago |
//! | `<prefix>:log:<id>` | list | entries, oldest first |
//!
//! An entry is epoch, expected seq and last seq, each of 8 bytes, big end first, and then the record.

use std::time::Duration;

use videorooms_domain::{Epoch, RoomId, Seq};

use crate::{Commit, StoreError, StoredRoom};

/// Newest format that this version reads, and the one that it writes.
pub(super) const FORMAT: u32 = 1;

const HEADER: usize = 24;

/// The keys under one prefix.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    prefix: String,
}

impl Keys {
    pub(super) fn under(prefix: &str) -> Self {
        Self {
            prefix: prefix.to_owned(),
        }
    }

    pub(super) fn meta(&self) -> String {
        format!("{}:meta", self.prefix)
    }

    /// Of no meaning; see [`super::examine`].
    pub(super) fn examination(&self) -> String {
        format!("{}:examination", self.prefix)
    }

    pub(super) fn nodes(&self) -> String {
        format!("{}:nodes", self.prefix)
    }

    pub(super) fn table(&self) -> String {
        format!("{}:table", self.prefix)
    }

    pub(super) fn rooms_by_shard(&self) -> String {
        format!("{}:rooms_by_shard", self.prefix)
    }

    pub(super) fn rooms(&self) -> String {
        format!("{}:rooms", self.prefix)
    }

    pub(super) fn room(&self, room: RoomId) -> String {
        format!("{}:room:{}", self.prefix, name(room))
    }

    pub(super) fn log(&self, room: RoomId) -> String {
        format!("{}:log:{}", self.prefix, name(room))
    }

    /// What the scripts about rooms work on, in their order.
    pub(super) fn of_room(&self, room: RoomId) -> [String; 7] {
        [
            self.meta(),
            self.nodes(),
            self.table(),
            self.rooms(),
            self.rooms_by_shard(),
            self.room(room),
            self.log(room),
        ]
    }
}

/// Milliseconds for a script that compares them with whole ones: a part of one counts as one.
pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

/// A room in the index, whose order is that of the ids.
pub(super) fn name(room: RoomId) -> String {
    format!("{:032x}", room.0)
}

pub(super) fn room_of(name: &str) -> Result<RoomId, StoreError> {
    u128::from_str_radix(name, 16)
        .map(RoomId)
        .map_err(|_| corrupt(format!("\"{name}\" in the index is no room")))
}

/// The entry of a commit.
pub(super) fn entry(commit: &Commit) -> Vec<u8> {
    let mut entry = Vec::with_capacity(HEADER + commit.record.len());
    for number in [commit.epoch.0, commit.expect.0, commit.last.0] {
        entry.extend(number.to_be_bytes());
    }
    entry.extend(&commit.record);
    entry
}

/// What the server holds of a room: `epoch`, `last`, `covered`, `snapshot` of its head.
pub(super) type Head = (Option<u64>, Option<u64>, Option<u64>, Option<Vec<u8>>);

/// A room from its head and its log; none when it has neither.
pub(super) fn stored(room: RoomId, head: Head, log: Vec<Vec<u8>>) -> Result<Option<StoredRoom>, StoreError> {
    let broken = |what: &str| corrupt(format!("{what} of room {room}"));
    let (epoch, last, covered, snapshot) = match head {
        (None, None, None, None) if log.is_empty() => return Ok(None),
        (Some(epoch), Some(last), covered, snapshot) => (epoch, last, covered, snapshot),
        _ => return Err(broken("the head")),
    };
    let snapshot = match (covered, snapshot) {
        (None, None) => None,
        (Some(covered), Some(snapshot)) => Some((Seq(covered), snapshot)),
        _ => return Err(broken("the snapshot")),
    };
    let (mut at, mut records) = (covered.unwrap_or_default(), Vec::new());
    for entry in log {
        let (expect, end) = seqs(&entry).ok_or_else(|| broken("an entry"))?;
        if end <= covered.unwrap_or_default() {
            continue;
        }
        if expect != at {
            return Err(broken(&format!("after seq {at} the log")));
        }
        at = end;
        records.push(entry[HEADER..].to_vec());
    }
    if at != last {
        return Err(broken(&format!("after seq {at} the end of the log")));
    }
    Ok(Some(StoredRoom {
        epoch: Epoch(epoch),
        last: Seq(last),
        snapshot,
        records,
    }))
}

fn seqs(entry: &[u8]) -> Option<(u64, u64)> {
    let number = |at: usize| entry.get(at..at + 8)?.try_into().ok().map(u64::from_be_bytes);
    Some((number(8)?, number(16)?))
}

fn corrupt(what: String) -> StoreError {
    StoreError::Corrupt(format!("{what} is damaged"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logged(expect: u64, last: u64) -> Vec<u8> {
        entry(&Commit {
            room: RoomId(1),
            epoch: Epoch(7),
            expect: Seq(expect),
            last: Seq(last),
            record: vec![last as u8],
            snapshot: None,
            fence: None,
        })
    }

    #[test]
    fn a_room_reads_back_from_the_records_behind_its_snapshot() {
        let head = (Some(7), Some(4), Some(2), Some(b"at 2".to_vec()));
        let log = vec![logged(0, 1), logged(1, 2), logged(2, 4)];
        let read = stored(RoomId(1), head, log).unwrap().unwrap();
        assert_eq!(read.snapshot, Some((Seq(2), b"at 2".to_vec())));
        assert_eq!((read.last, read.records), (Seq(4), vec![vec![4]]));
    }

    #[test]
    fn what_does_not_fit_together_is_named_and_never_read() {
        let whole = (Some(7), Some(2), None, None);
        for (head, log) in [
            (whole.clone(), vec![logged(0, 1)]),
            (whole.clone(), vec![logged(1, 2)]),
            (whole.clone(), vec![b"short".to_vec()]),
            (whole, vec![]),
            ((None, Some(1), None, None), vec![logged(0, 1)]),
            ((None, None, None, None), vec![logged(0, 1)]),
            ((Some(7), Some(1), Some(1), None), vec![logged(0, 1)]),
        ] {
            let read = stored(RoomId(1), head.clone(), log);
            assert!(matches!(read, Err(StoreError::Corrupt(_))), "{head:?}: {read:?}");
        }
    }

    #[test]
    fn names_are_in_the_order_of_the_ids() {
        let ids = [0, 1, 9, 10, 255, 256, u128::MAX].map(RoomId);
        assert!(ids.map(name).is_sorted());
        assert_eq!(ids.map(|id| room_of(&name(id)).unwrap()), ids);
        assert!(room_of("x").is_err());
    }
}
