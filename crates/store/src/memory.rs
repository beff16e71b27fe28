//! `MemoryStore`: rooms in the memory of this process, for tests and for nodes that may forget.
//!
//! A clone is another handle to the same rooms, so a test restarts a node over it as over a disk. It keeps every rule of
//! [`RoomStore`] but survival of the process.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::ops::Bound;
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use videorooms_domain::{Epoch, NodeIncarnation, RoomId, Seq, ShardId};

use crate::ownership::{MemoryOwnership, Refusal, Reign};
use crate::ruling::{Head, RESEND_TAIL, Ruling, refuse_fenced, rule, rule_restore, verdict_of};
use crate::{Commit, Fence, Restore, RoomStore, StoreError, StoredRoom, Verdict, metrics};

/// Rooms in memory; see the module's first lines.
#[derive(Clone, Default)]
pub struct MemoryStore {
    rooms: Arc<Mutex<Rooms>>,
    owners: Option<MemoryOwnership>,
}

/// The rooms, without anybody who could ask: also the model of adapters that keep a log in their own way.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rooms {
    /// Commits below it are refused.
    reign: Epoch,
    /// Highest epoch ever seen, so that a reign rises above what others committed.
    highest: Epoch,
    logs: BTreeMap<RoomId, Log>,
}

#[derive(Debug, Clone, Default)]
struct Log {
    head: Head,
    snapshot: Option<(Seq, Vec<u8>)>,
    records: BTreeMap<Seq, Stored>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Stored {
    epoch: Epoch,
    expect: Seq,
    record: Vec<u8>,
}

impl MemoryStore {
    /// An empty store of a node that is a cluster of its own.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty store of nodes that share this table of owners.
    #[must_use]
    pub fn under(owners: MemoryOwnership) -> Self {
        Self {
            owners: Some(owners),
            ..Self::default()
        }
    }

    /// What the table of owners says to a write, as `judge` asks it.
    fn check(
        &self,
        fence: Option<&Fence>,
        room: RoomId,
        epoch: Epoch,
        judge: impl FnOnce(&MemoryOwnership, &Fence, Reign) -> Result<(), Refusal>,
    ) -> Result<(), Verdict> {
        let (Some(owners), Some(fence)) = (&self.owners, fence) else {
            return refuse_fenced(fence);
        };
        let shard = room.shard();
        judge(owners, fence, Reign { shard, epoch }).map_err(|refusal| verdict_of(refusal, epoch))
    }

    fn commit_one(&self, rooms: &mut Rooms, commit: Commit) -> Verdict {
        let fence = commit.fence.as_deref();
        match self.check(fence, commit.room, commit.epoch, MemoryOwnership::fence) {
            Ok(()) => rooms.commit(commit),
            Err(verdict) => verdict,
        }
    }
}

#[async_trait]
impl RoomStore for MemoryStore {
    fn name(&self) -> &'static str {
        "memory"
    }

    async fn open_reign(
        &self,
        _node: &NodeIncarnation,
        at_least: Epoch,
        now_ms: u64,
    ) -> Result<Epoch, StoreError> {
        let mut rooms = self.rooms.lock();
        let epoch = Epoch(rooms.highest.0 + 1).max(at_least).max(Epoch(now_ms));
        (rooms.reign, rooms.highest) = (epoch, epoch);
        Ok(epoch)
    }

    async fn commit(&self, batch: Vec<Commit>) -> Vec<Verdict> {
        let mut rooms = self.rooms.lock();
        let each = batch.into_iter();
        let verdicts: Vec<_> = each.map(|commit| self.commit_one(&mut rooms, commit)).collect();
        verdicts.iter().for_each(metrics::verdict);
        verdicts
    }

    async fn restore(&self, restore: Restore) -> Verdict {
        let mut rooms = self.rooms.lock();
        let fence = restore.fence.as_deref();
        let verdict = match self.check(fence, restore.room, restore.epoch, MemoryOwnership::restores) {
            Ok(()) => rooms.restore(restore),
            Err(verdict) => verdict,
        };
        metrics::verdict(&verdict);
        verdict
    }

    async fn load(&self, room: RoomId) -> Result<Option<StoredRoom>, StoreError> {
        Ok(self.rooms.lock().load(room))
    }

    async fn remove(&self, room: RoomId) -> Result<(), StoreError> {
        self.rooms.lock().logs.remove(&room);
        Ok(())
    }

    async fn list(&self, after: Option<RoomId>, limit: usize) -> Result<Vec<RoomId>, StoreError> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        Ok(self
            .rooms
            .lock()
            .logs
            .range((start, Bound::Unbounded))
            .take(limit)
            .map(|(room, _)| *room)
            .collect())
    }

    async fn rooms_of(&self, shard: ShardId) -> Result<Vec<RoomId>, StoreError> {
        let rooms = self.rooms.lock();
        let of_shard = rooms.logs.keys().filter(|room| room.shard() == shard);
        Ok(of_shard.copied().collect())
    }

    async fn health(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

impl Rooms {
    pub(crate) fn load(&self, room: RoomId) -> Option<StoredRoom> {
        self.logs.get(&room).map(Log::read)
    }

    pub(crate) fn commit(&mut self, commit: Commit) -> Verdict {
        let log = self.logs.get(&commit.room);
        let head = log.map(|log| log.head).unwrap_or_default();
        let Ok(ruling) = rule::<Infallible>(self.reign, head, &commit, || {
            Ok(log.is_some_and(|log| log.holds(&commit)))
        });
        match ruling {
            Ruling::Append => {
                self.highest = self.highest.max(commit.epoch);
                self.logs.entry(commit.room).or_default().append(commit);
                Verdict::Committed
            }
            Ruling::Repeat => Verdict::Committed,
            Ruling::Refuse(verdict) => verdict,
        }
    }

    pub(crate) fn restore(&mut self, restore: Restore) -> Verdict {
        let head = self.logs.get(&restore.room).map(|log| log.head);
        match rule_restore(self.reign, head.unwrap_or_default(), &restore) {
            Ruling::Append => {
                self.highest = self.highest.max(restore.epoch);
                self.logs.insert(restore.room, Log::restored(restore));
                Verdict::Committed
            }
            Ruling::Repeat => Verdict::Committed,
            Ruling::Refuse(verdict) => verdict,
        }
    }
}

impl Log {
    fn restored(restore: Restore) -> Self {
        let Restore {
            epoch,
            last,
            snapshot,
            ..
        } = restore;
        Self {
            head: Head { epoch, last },
            snapshot: Some((last, snapshot)),
            records: BTreeMap::new(),
        }
    }

    fn holds(&self, commit: &Commit) -> bool {
        self.records.get(&commit.last).is_some_and(|stored| {
            stored.epoch == commit.epoch && stored.expect == commit.expect && stored.record == commit.record
        })
    }

    fn append(&mut self, commit: Commit) {
        let Commit {
            room: _,
            epoch,
            expect,
            last,
            record,
            snapshot,
            fence: _,
        } = commit;
        self.head = Head { epoch, last };
        self.records.insert(
            last,
            Stored {
                epoch,
                expect,
                record,
            },
        );
        if let Some(snapshot) = snapshot {
            self.snapshot = Some((last, snapshot));
            while self.records.len() > RESEND_TAIL {
                self.records.pop_first();
            }
        }
    }

    fn read(&self) -> StoredRoom {
        let covered = self.snapshot.as_ref().map_or(Seq(0), |(seq, _)| *seq);
        let after = (Bound::Excluded(covered), Bound::Unbounded);
        StoredRoom {
            epoch: self.head.epoch,
            last: self.head.last,
            snapshot: self.snapshot.clone(),
            records: self
                .records
                .range(after)
                .map(|(_, stored)| stored.record.clone())
                .collect(),
        }
    }
}
