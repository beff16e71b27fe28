//! The ring: the newest records within a number and a weight. Pure.
//!
//! Invariant: neither bound is ever exceeded, ids rise, and the counts by level and service are those of the records that are in it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::record::{Level, LogRecord};

/// How much the ring holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Records.
    pub records: usize,
    /// Bytes, by [`LogRecord::bytes`].
    pub bytes: usize,
}

impl Default for Limits {
    /// Some minutes of a busy node, in the memory of a few idle connections.
    fn default() -> Self {
        Self {
            records: 10_000,
            bytes: 8 << 20,
        }
    }
}

/// What is in the ring, and what did not come so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// Records in the ring.
    pub records: usize,
    /// Their weight.
    pub bytes: usize,
    /// Most records it holds.
    pub capacity_records: usize,
    /// Most bytes it holds.
    pub capacity_bytes: usize,
    /// Records that never came into it, since the start of the process: the queue was full, or one weighed more than the ring.
    pub dropped: u64,
    /// Records by level, as a word.
    pub by_level: BTreeMap<String, u64>,
    /// Records by service.
    pub by_service: BTreeMap<String, u64>,
}

/// The newest records.
#[derive(Debug)]
pub(crate) struct Ring {
    records: VecDeque<Arc<LogRecord>>,
    bytes: usize,
    limits: Limits,
    by_level: BTreeMap<Level, u64>,
    by_service: BTreeMap<String, u64>,
}

impl Ring {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            records: VecDeque::new(),
            bytes: 0,
            limits,
            by_level: BTreeMap::new(),
            by_service: BTreeMap::new(),
        }
    }

    /// Takes a record in, letting the oldest go to make room. Answers whether it fits at all.
    pub(crate) fn push(&mut self, record: Arc<LogRecord>) -> bool {
        let bytes = record.bytes();
        if bytes > self.limits.bytes || self.limits.records == 0 {
            return false;
        }
        while self.records.len() >= self.limits.records || self.bytes + bytes > self.limits.bytes {
            self.pop();
        }
        self.bytes += bytes;
        *self.by_level.entry(record.level).or_default() += 1;
        match self.by_service.get_mut(&record.service) {
            Some(count) => *count += 1,
            None => drop(self.by_service.insert(record.service.clone(), 1)),
        }
        self.records.push_back(record);
        true
    }

    /// Empties it.
    pub(crate) fn clear(&mut self) {
        *self = Self::new(self.limits);
    }

    /// Oldest first.
    pub(crate) fn records(&self) -> impl DoubleEndedIterator<Item = &Arc<LogRecord>> {
        self.records.iter()
    }

    /// The records after this id, oldest first, found by bisection.
    pub(crate) fn after(&self, id: u64) -> impl DoubleEndedIterator<Item = &Arc<LogRecord>> {
        let start = self.records.partition_point(|record| record.id <= id);
        self.records.range(start..)
    }

    /// Records and bytes in it.
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.records.len(), self.bytes)
    }

    pub(crate) fn stats(&self, dropped: u64) -> Stats {
        Stats {
            records: self.records.len(),
            bytes: self.bytes,
            capacity_records: self.limits.records,
            capacity_bytes: self.limits.bytes,
            dropped,
            by_level: self
                .by_level
                .iter()
                .map(|(level, count)| (level.to_string(), *count))
                .collect(),
            by_service: self.by_service.clone(),
        }
    }

    fn pop(&mut self) {
        let Some(record) = self.records.pop_front() else {
            return;
        };
        self.bytes -= record.bytes();
        take_one(&mut self.by_level, &record.level);
        take_one(&mut self.by_service, &record.service);
    }
}

fn take_one<K: Ord>(counts: &mut BTreeMap<K, u64>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Map;

    use super::*;

    fn record(id: u64, service: &str, length: usize) -> Arc<LogRecord> {
        Arc::new(LogRecord {
            id,
            at: id,
            level: if id.is_multiple_of(3) {
                Level::Warn
            } else {
                Level::Info
            },
            service: service.to_owned(),
            node: None,
            room: None,
            message: "x".repeat(length),
            fields: Map::new(),
        })
    }

    proptest! {
        #[test]
        fn neither_bound_is_exceeded_and_the_newest_remain(
            records in 0..20usize,
            bytes in 0..10_000usize,
            pushes in proptest::collection::vec(("[a-c]", 0..4000usize), 0..100),
        ) {
            let mut ring = Ring::new(Limits { records, bytes });
            let mut taken = Vec::new();
            for (id, (service, length)) in pushes.iter().enumerate() {
                if ring.push(record(id as u64, service, *length)) {
                    taken.push(id as u64);
                }
                let stats = ring.stats(0);
                prop_assert!(stats.records <= records && stats.bytes <= bytes);
                prop_assert_eq!(stats.bytes, ring.records().map(|record| record.bytes()).sum::<usize>());
                prop_assert_eq!(stats.by_level.values().sum::<u64>(), stats.records as u64);
                prop_assert_eq!(stats.by_service.values().sum::<u64>(), stats.records as u64);
                let ids: Vec<_> = ring.records().map(|record| record.id).collect();
                prop_assert_eq!(&ids[..], &taken[taken.len() - ids.len()..]);
            }
        }
    }

    #[test]
    fn a_record_heavier_than_the_ring_is_refused_and_evicts_nobody() {
        let mut ring = Ring::new(Limits {
            records: 10,
            bytes: 2000,
        });
        assert!(ring.push(record(1, "a", 10)));
        assert!(!ring.push(record(2, "a", 3000)));
        assert_eq!(ring.stats(0).records, 1);
    }

    #[test]
    fn after_an_id_come_only_later_ones() {
        let mut ring = Ring::new(Limits::default());
        [3, 5, 9]
            .into_iter()
            .for_each(|id| assert!(ring.push(record(id, "a", 1))));
        let after = |id| ring.after(id).map(|record| record.id).collect::<Vec<_>>();
        assert_eq!(
            (after(0), after(4), after(5), after(9)),
            (vec![3, 5, 9], vec![5, 9], vec![9], vec![])
        );
    }
}
