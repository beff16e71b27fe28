//! `RoomStore`: the port through which a room becomes durable.
//!
//! A room is a log of records, each one transition of the room, and now and then a snapshot that makes the records before it
//! superfluous. The port knows neither rules nor events: payloads are bytes. It keeps one promise: **what it answered
//! [`Verdict::Committed`] is read back by every later [`RoomStore::load`]**, and only the holder of the newest epoch can make it say so.
//! The suite in [`crate::contract`] holds all adapters to it.

use std::sync::Arc;

use async_trait::async_trait;
use videorooms_domain::{Epoch, NodeIncarnation, RoomId, Seq, ShardId};

use crate::ownership::StoreIncarnation;

/// Where rooms are kept.
#[async_trait]
pub trait RoomStore: Send + Sync + 'static {
    /// Name for status and logs: `memory`, `file`, `redis`.
    fn name(&self) -> &'static str;

    /// Opens a reign: from now on only commits of an epoch at least as high as the answer are taken. Called once at the start of a node
    /// that is a cluster of its own, and whose commits carry no [`Fence`]. The epoch is
    /// `max(stored + 1, at_least, now in ms)`, so that it rises at each start even over a lost disk.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be opened; the caller refuses to start.
    async fn open_reign(
        &self,
        node: &NodeIncarnation,
        at_least: Epoch,
        now_ms: u64,
    ) -> Result<Epoch, StoreError>;

    /// Commits records of any rooms, one verdict each, in order. The batch is one group commit: it is on disk (or wherever the adapter's
    /// durability lies) before the call returns. Commits of one room within a batch follow each other by `expect`.
    ///
    /// The call ends by itself, within a time that the adapter sets. Dropping the future does not undo it: the outcome is then unknown to
    /// the caller. Sending a commit again with the same
    /// (epoch, expect, bytes) answers [`Verdict::Committed`] again and writes nothing.
    async fn commit(&self, batch: Vec<Commit>) -> Vec<Verdict>;

    /// Writes again what the store lost of a room, in the name of a holder that re-asserted its shard; allowed while the store settles. If the stored
    /// seq is below `last`, the room becomes the snapshot and nothing else, in the new epoch; otherwise nothing is written. Both answer
    /// [`Verdict::Committed`]. Never answers [`Verdict::Behind`].
    ///
    /// The call ends by itself, within a time that the adapter sets. Sent again it does nothing more.
    async fn restore(&self, restore: Restore) -> Verdict;

    /// Reads a room whole: its last snapshot and the records after it. `None` when it was never created or was removed.
    ///
    /// # Errors
    /// [`StoreError`]; corrupt data is named, never repaired in silence.
    async fn load(&self, room: RoomId) -> Result<Option<StoredRoom>, StoreError>;

    /// Forgets a room for good (ended and past its retention). Succeeds when there is none.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn remove(&self, room: RoomId) -> Result<(), StoreError>;

    /// Ids in ascending order after `after`, at most `limit`: a page of all rooms.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn list(&self, after: Option<RoomId>, limit: usize) -> Result<Vec<RoomId>, StoreError>;

    /// Ids of all rooms of a shard, in ascending order.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn rooms_of(&self, shard: ShardId) -> Result<Vec<RoomId>, StoreError>;

    /// Says whether commits would be taken now.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] with the reason, for readiness.
    async fn health(&self) -> Result<(), StoreError>;
}

/// One transition to be made durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// The room.
    pub room: RoomId,
    /// The epoch in which the caller owns the room.
    pub epoch: Epoch,
    /// Seq of the last event the caller knows to be in the log; 0 for a room that is to be created.
    pub expect: Seq,
    /// Seq of this record's last event (`> expect`).
    pub last: Seq,
    /// The record, opaque.
    pub record: Vec<u8>,
    /// A snapshot of the state *after* this record; earlier records may be dropped.
    pub snapshot: Option<Vec<u8>>,
    /// In whose name, for the check against the table of owners. `None` for a node that is a cluster of its own: then [`RoomStore::open_reign`] alone decides.
    /// It is no part of what makes a commit the same when it is sent again.
    pub fence: Option<Arc<Fence>>,
}

/// In whose name one writes, and in which life of the store. Checked together with the write, as
/// [`Ledger::fence`](crate::ownership::Ledger::fence) says. A store that keeps no table of owners answers
/// [`Verdict::StoreChanged`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Fence {
    /// The boot that owns the room's shard.
    pub node: NodeIncarnation,
    /// The life of the store in which it does.
    pub life: StoreIncarnation,
}

/// A room as its holder has it, to be written where the store is behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restore {
    /// The room.
    pub room: RoomId,
    /// The epoch in which the shard was re-asserted.
    pub epoch: Epoch,
    /// As in [`Commit::fence`], but checked as [`Ledger::restores`](crate::ownership::Ledger::restores) says.
    pub fence: Option<Arc<Fence>>,
    /// Seq of the last event that was acknowledged.
    pub last: Seq,
    /// The state at `last`.
    pub snapshot: Vec<u8>,
}

/// How a commit ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is durable.
    Committed,
    /// Whoever asks has been deposed: the epoch is no longer the newest, or the shard is another node's, or a newer boot of the node renewed.
    Deposed {
        /// The newest epoch that is known: the caller's own, if only its boot is over.
        epoch: Epoch,
    },
    /// The store is not the one in which the caller holds the room: it is in another life, has not settled in it, or lost the caller's reign. Nothing was
    /// written. Keep everything, re-assert or wait, and send it again.
    StoreChanged,
    /// The log's end differs from `expect`: the store lost or gained what the caller knows.
    Behind {
        /// Seq of the log's last event.
        stored: Seq,
    },
    /// Nobody knows: time-out, I/O error, full disk. Send the very same commit again.
    Unknown {
        /// For logs and readiness.
        reason: String,
    },
}

/// A room as read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRoom {
    /// Newest epoch in which the room was written.
    pub epoch: Epoch,
    /// Seq of the log's last event.
    pub last: Seq,
    /// State at some seq, with that seq.
    pub snapshot: Option<(Seq, Vec<u8>)>,
    /// Records after the snapshot, oldest first; at most those since the snapshot plus a bounded tail before it is *not* included.
    pub records: Vec<Vec<u8>>,
}

/// Why a store refuses to serve.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It does not answer now; try again.
    #[error("store unavailable: {0}")]
    Unavailable(String),
    /// Its data is damaged, or not ours; a person must look. Nothing was overwritten.
    #[error("store is corrupt: {0}")]
    Corrupt(String),
    /// Written by a newer version of the program. Nothing was overwritten.
    #[error("store has format {found}, this version reads up to {supported}")]
    Newer {
        /// Format found.
        found: u32,
        /// Newest format this version knows.
        supported: u32,
    },
    /// Its rooms are parted into another number of shards than ours. Nothing was written.
    #[error("store has {found} shards, this version {ours}")]
    OtherShards {
        /// Shards found.
        found: u64,
        /// Shards of this version.
        ours: u16,
    },
    /// What it acknowledges could be lost; the text says how to change that. Nothing was written.
    #[error("store is not safe: {0}")]
    Unsafe(String),
    /// Another process has it open.
    #[error("store is in use by another process")]
    InUse,
}
