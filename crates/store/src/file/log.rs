//! Rooms' logs in the database: appending, reading, forgetting. Blocking; each function is one transaction, but [`Logs`], which lives in
//! the writer's.

use std::ops::Bound;

use redb::{Database, ReadableDatabase, ReadableTable, Table, WriteTransaction};
use videorooms_domain::{Epoch, RoomId, Seq, ShardId};

use super::error::FileError;
use super::schema::{HEADS, META, META_HIGHEST, META_REIGN, RECORDS, SNAPSHOTS, Sealed};
use crate::ruling::{Head, RESEND_TAIL, Ruling, refuse_fenced, rule, rule_restore};
use crate::{Commit, Restore, StoredRoom, Verdict};

/// The tables of a write transaction, and the epochs that hold in it.
pub(super) struct Logs<'txn> {
    meta: Table<'txn, &'static str, u64>,
    heads: Table<'txn, u128, (u64, u64, u64)>,
    records: Table<'txn, (u128, u64), &'static [u8]>,
    snapshots: Table<'txn, u128, &'static [u8]>,
    reign: Epoch,
    highest: Epoch,
}

impl<'txn> Logs<'txn> {
    pub(super) fn of(transaction: &'txn WriteTransaction) -> Result<Self, FileError> {
        let meta = transaction.open_table(META)?;
        let reign = epoch(&meta, META_REIGN)?;
        let highest = epoch(&meta, META_HIGHEST)?;
        let heads = transaction.open_table(HEADS)?;
        let records = transaction.open_table(RECORDS)?;
        let snapshots = transaction.open_table(SNAPSHOTS)?;
        Ok(Self {
            meta,
            heads,
            records,
            snapshots,
            reign,
            highest,
        })
    }

    /// Judges one commit and writes it when it is to be appended. The verdict counts only once the transaction is committed.
    pub(super) fn commit(&mut self, commit: &Commit) -> Result<Verdict, FileError> {
        if let Err(verdict) = refuse_fenced(commit.fence.as_deref()) {
            return Ok(verdict);
        }
        let (head, covered) = self.head(commit.room)?;
        match rule(self.reign, head, commit, || self.holds(commit))? {
            Ruling::Append => {
                self.append(commit, covered)?;
                Ok(Verdict::Committed)
            }
            Ruling::Repeat => Ok(Verdict::Committed),
            Ruling::Refuse(verdict) => Ok(verdict),
        }
    }

    /// Judges a restored room and writes it when the log is behind. The verdict counts only once the transaction is committed.
    fn restore(&mut self, restore: &Restore) -> Result<Verdict, FileError> {
        if let Err(verdict) = refuse_fenced(restore.fence.as_deref()) {
            return Ok(verdict);
        }
        match rule_restore(self.reign, self.head(restore.room)?.0, restore) {
            Ruling::Append => {
                let (room, last) = (restore.room.0, restore.last.0);
                self.see(restore.epoch)?;
                self.records
                    .retain_in((room, 0)..=(room, u64::MAX), |_, _| false)?;
                self.cover(room, restore.epoch, restore.last, &restore.snapshot)?;
                self.heads.insert(room, (restore.epoch.0, last, last))?;
                Ok(Verdict::Committed)
            }
            Ruling::Repeat => Ok(Verdict::Committed),
            Ruling::Refuse(verdict) => Ok(verdict),
        }
    }

    /// The end of a room's log, and the seq that its snapshot covers.
    fn head(&self, room: RoomId) -> Result<(Head, u64), FileError> {
        let stored = self.heads.get(room.0)?.map(|head| head.value());
        let (epoch, last, covered) = stored.unwrap_or_default();
        let head = Head {
            epoch: Epoch(epoch),
            last: Seq(last),
        };
        Ok((head, covered))
    }

    fn see(&mut self, epoch: Epoch) -> Result<(), FileError> {
        if epoch > self.highest {
            self.highest = epoch;
            self.meta.insert(META_HIGHEST, self.highest.0)?;
        }
        Ok(())
    }

    fn cover(&mut self, room: u128, epoch: Epoch, seq: Seq, payload: &[u8]) -> Result<(), FileError> {
        let snapshot = Sealed { epoch, seq, payload };
        self.snapshots.insert(room, snapshot.write().as_slice())?;
        Ok(())
    }

    fn holds(&self, commit: &Commit) -> Result<bool, FileError> {
        let stored = self.records.get((commit.room.0, commit.last.0))?;
        Ok(stored.is_some_and(|stored| Sealed::read(stored.value()) == Some(sealed(commit))))
    }

    fn append(&mut self, commit: &Commit, covered: u64) -> Result<(), FileError> {
        let (room, last) = (commit.room.0, commit.last.0);
        self.see(commit.epoch)?;
        self.records
            .insert((room, last), sealed(commit).write().as_slice())?;
        let covered = match &commit.snapshot {
            Some(snapshot) => {
                self.cover(room, commit.epoch, commit.last, snapshot)?;
                self.trim(room)?;
                last
            }
            None => covered,
        };
        self.heads.insert(room, (commit.epoch.0, last, covered))?;
        Ok(())
    }

    /// Drops records that a snapshot covers, but for the tail by which a commit sent again is recognised.
    fn trim(&mut self, room: u128) -> Result<(), FileError> {
        let oldest_kept = self
            .records
            .range((room, 0)..=(room, u64::MAX))?
            .rev()
            .nth(RESEND_TAIL - 1)
            .transpose()?;
        let Some(oldest_kept) = oldest_kept.map(|(key, _)| key.value()) else {
            return Ok(());
        };
        Ok(self.records.retain_in((room, 0)..oldest_kept, |_, _| false)?)
    }
}

fn sealed(commit: &Commit) -> Sealed<'_> {
    Sealed {
        epoch: commit.epoch,
        seq: commit.expect,
        payload: &commit.record,
    }
}

fn epoch(meta: &impl ReadableTable<&'static str, u64>, key: &str) -> Result<Epoch, FileError> {
    Ok(Epoch(meta.get(key)?.map_or(0, |epoch| epoch.value())))
}

/// Raises the epoch below which commits are refused above all epochs seen, to at least `floor`.
pub(super) fn open_reign(database: &Database, floor: Epoch) -> Result<Epoch, FileError> {
    let transaction = database.begin_write()?;
    let reign = {
        let mut meta = transaction.open_table(META)?;
        let reign = Epoch(epoch(&meta, META_HIGHEST)?.0.saturating_add(1)).max(floor);
        meta.insert(META_REIGN, reign.0)?;
        meta.insert(META_HIGHEST, reign.0)?;
        reign
    };
    transaction.commit()?;
    Ok(reign)
}

/// Writes a room again where the log is behind.
pub(super) fn restore(database: &Database, restore: &Restore) -> Result<Verdict, FileError> {
    let transaction = database.begin_write()?;
    let verdict = Logs::of(&transaction)?.restore(restore)?;
    transaction.commit()?;
    Ok(verdict)
}

/// Reads a room, checking that its records follow each other without a gap up to its head.
pub(super) fn load(database: &Database, room: RoomId) -> Result<Option<StoredRoom>, FileError> {
    let transaction = database.begin_read()?;
    let head = transaction
        .open_table(HEADS)?
        .get(room.0)?
        .map(|head| head.value());
    let Some((epoch, last, covered)) = head else {
        return Ok(None);
    };
    let snapshot = match covered {
        0 => None,
        seq => Some((
            Seq(seq),
            load_snapshot(&transaction.open_table(SNAPSHOTS)?, room, seq)?,
        )),
    };
    let mut records = Vec::new();
    let mut end = covered;
    for entry in transaction
        .open_table(RECORDS)?
        .range((room.0, covered.saturating_add(1))..=(room.0, u64::MAX))?
    {
        let (key, bytes) = entry?;
        let record = Sealed::read(bytes.value()).filter(|record| record.seq.0 == end);
        let Some(record) = record else {
            return Err(damaged(room, "the record after", end));
        };
        records.push(record.payload.to_vec());
        end = key.value().1;
    }
    if end != last {
        return Err(damaged(room, "the record after", end));
    }
    Ok(Some(StoredRoom {
        epoch: Epoch(epoch),
        last: Seq(last),
        snapshot,
        records,
    }))
}

fn load_snapshot(
    snapshots: &impl ReadableTable<u128, &'static [u8]>,
    room: RoomId,
    seq: u64,
) -> Result<Vec<u8>, FileError> {
    let stored = snapshots.get(room.0)?;
    let snapshot = stored
        .as_ref()
        .and_then(|stored| Sealed::read(stored.value()))
        .filter(|it| it.seq.0 == seq);
    snapshot
        .map(|snapshot| snapshot.payload.to_vec())
        .ok_or_else(|| damaged(room, "the snapshot at", seq))
}

fn damaged(room: RoomId, what: &str, seq: u64) -> FileError {
    FileError::Damaged(format!("room {room}: {what} seq {seq} is missing or damaged"))
}

/// Forgets a room.
pub(super) fn remove(database: &Database, room: RoomId) -> Result<(), FileError> {
    let transaction = database.begin_write()?;
    transaction.open_table(HEADS)?.remove(room.0)?;
    transaction.open_table(SNAPSHOTS)?.remove(room.0)?;
    transaction
        .open_table(RECORDS)?
        .retain_in((room.0, 0)..=(room.0, u64::MAX), |_, _| false)?;
    Ok(transaction.commit()?)
}

/// A page of all rooms in ascending order.
pub(super) fn list(
    database: &Database,
    after: Option<RoomId>,
    limit: usize,
) -> Result<Vec<RoomId>, FileError> {
    let transaction = database.begin_read()?;
    let heads = transaction.open_table(HEADS)?;
    let start = after.map_or(Bound::Unbounded, |room| Bound::Excluded(room.0));
    let mut rooms = Vec::new();
    for entry in heads.range::<u128>((start, Bound::Unbounded))?.take(limit) {
        rooms.push(RoomId(entry?.0.value()));
    }
    Ok(rooms)
}

/// All rooms of a shard in ascending order. Looks at every room: a file is one node's, and nobody asks it often.
pub(super) fn rooms_of(database: &Database, shard: ShardId) -> Result<Vec<RoomId>, FileError> {
    let mut rooms = list(database, None, usize::MAX)?;
    rooms.retain(|room| room.shard() == shard);
    Ok(rooms)
}
