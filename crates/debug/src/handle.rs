//! `DebugLogHandle`: the way to the log, for all who write, ask or follow.
//!
//! The handle outlives the actor: the queue, the numbering and the followers belong to it, so that a restarted actor goes on where the
//! former one ended and nobody has to be told. Offering never waits and never fails; what does not fit is counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use parking_lot::{Mutex, RwLock};
use ractor::rpc::CallResult;
use ractor::{ActorRef, RpcReplyPort};
use tokio::sync::{Semaphore, broadcast, mpsc};

use crate::actor::DebugLogMessage;
use crate::draft::Draft;
use crate::metrics;
use crate::query::{Page, Query};
use crate::record::LogRecord;
use crate::ring::Stats;

/// Records that may wait for the actor, which comes ten times a second …
pub(crate) const QUEUE_RECORDS: usize = 4096;
/// … and what they may weigh together.
const QUEUE_BYTES: usize = 4 << 20;
/// Batches that a follower may be behind: three seconds.
const FOLLOWER_BATCHES: usize = 32;
/// Questions that may be open at once; ractor's mailboxes have no bound of their own.
const OPEN_CALLS: usize = 32;
const CALL_DEADLINE: Duration = Duration::from_secs(2);

/// Why a question was not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DebugLogError {
    /// The actor is being restarted or has too much to do; ask again.
    #[error("the debug log does not answer now")]
    Unavailable,
}

/// The way to the log; clones share it.
#[derive(Debug, Clone)]
pub struct DebugLogHandle(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    queue: mpsc::Sender<Draft>,
    waiting: Mutex<mpsc::Receiver<Draft>>,
    waiting_bytes: AtomicUsize,
    dropped: AtomicU64,
    next_id: AtomicU64,
    actor: RwLock<Option<ActorRef<DebugLogMessage>>>,
    calls: Semaphore,
    followers: broadcast::Sender<Arc<[Arc<LogRecord>]>>,
}

impl DebugLogHandle {
    /// A handle whose actor is not there yet; what is offered meanwhile waits for it.
    #[must_use]
    pub fn new() -> Self {
        // A page that goes on asking after an id of the former process must see this one's records: ids start at the time, with room
        // for a thousand a millisecond, and stay below 2^53 for some two centuries.
        Self::starting_at(now_ms() * 1024)
    }

    /// As [`Self::new`], with the first record's number.
    #[must_use]
    pub fn starting_at(first_id: u64) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE_RECORDS);
        Self(Arc::new(Shared {
            queue,
            waiting: Mutex::new(waiting),
            waiting_bytes: AtomicUsize::new(0),
            dropped: AtomicU64::new(0),
            next_id: AtomicU64::new(first_id.max(1)),
            actor: RwLock::new(None),
            calls: Semaphore::new(OPEN_CALLS),
            followers: broadcast::Sender::new(FOLLOWER_BATCHES),
        }))
    }

    /// Offers a record; answers whether it was taken. Never waits, so that it may be called anywhere.
    pub fn offer(&self, draft: Draft) -> bool {
        let bytes = draft.bytes();
        let before = self.0.waiting_bytes.fetch_add(bytes, Ordering::Relaxed);
        let taken = before + bytes <= QUEUE_BYTES && self.0.queue.try_send(draft).is_ok();
        if !taken {
            self.0.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
            self.count_dropped(1);
        }
        taken
    }

    /// Asks for records. What was offered before is seen.
    ///
    /// # Errors
    /// [`DebugLogError::Unavailable`].
    pub async fn query(&self, query: Query) -> Result<Page, DebugLogError> {
        self.ask(|reply| DebugLogMessage::Query(query, reply)).await
    }

    /// Empties the ring.
    ///
    /// # Errors
    /// [`DebugLogError::Unavailable`].
    pub async fn clear(&self) -> Result<(), DebugLogError> {
        self.ask(DebugLogMessage::Clear).await
    }

    /// Asks what is in the ring.
    ///
    /// # Errors
    /// [`DebugLogError::Unavailable`].
    pub async fn stats(&self) -> Result<Stats, DebugLogError> {
        self.ask(DebugLogMessage::Stats).await
    }

    /// Follows the log from now on.
    #[must_use]
    pub fn follow(&self) -> Follower {
        Follower {
            batches: self.0.followers.subscribe(),
            expected: self.0.next_id.load(Ordering::Acquire),
        }
    }

    /// Records lost so far, since the start of the process.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.0.dropped.load(Ordering::Relaxed)
    }

    async fn ask<T: Send + 'static>(
        &self,
        message: impl FnOnce(RpcReplyPort<T>) -> DebugLogMessage,
    ) -> Result<T, DebugLogError> {
        let _place = self
            .0
            .calls
            .try_acquire()
            .map_err(|_| DebugLogError::Unavailable)?;
        let actor = self.0.actor.read().clone().ok_or(DebugLogError::Unavailable)?;
        match actor.call(message, Some(CALL_DEADLINE)).await {
            Ok(CallResult::Success(answer)) => Ok(answer),
            Ok(CallResult::Timeout | CallResult::SenderError) | Err(_) => Err(DebugLogError::Unavailable),
        }
    }

    pub(crate) fn serve_by(&self, actor: ActorRef<DebugLogMessage>) {
        *self.0.actor.write() = Some(actor);
    }

    /// Takes all that waits, numbered, in order.
    pub(crate) fn take(&self) -> Vec<Arc<LogRecord>> {
        let mut waiting = self.0.waiting.lock();
        let mut records = Vec::new();
        while records.len() < QUEUE_RECORDS
            && let Ok(draft) = waiting.try_recv()
        {
            self.0.waiting_bytes.fetch_sub(draft.bytes(), Ordering::Relaxed);
            let id = self.0.next_id.fetch_add(1, Ordering::AcqRel);
            records.push(Arc::new(draft.numbered(id)));
        }
        records
    }

    pub(crate) fn publish(&self, batch: Arc<[Arc<LogRecord>]>) {
        // Nobody may be following.
        let _ = self.0.followers.send(batch);
    }

    pub(crate) fn followers(&self) -> usize {
        self.0.followers.receiver_count()
    }

    pub(crate) fn count_dropped(&self, records: u64) {
        self.0.dropped.fetch_add(records, Ordering::Relaxed);
        metrics::dropped(records);
    }
}

impl Default for DebugLogHandle {
    fn default() -> Self {
        Self::new()
    }
}

/// What a follower hears at once, at most ten times a second.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Oldest first; never empty.
    pub records: Arc<[Arc<LogRecord>]>,
    /// Records that this follower missed just before these, because it was too slow or they were too many.
    pub dropped: u64,
}

/// A live view of the log. A slow one loses records and is told how many; it holds nobody up.
#[derive(Debug)]
pub struct Follower {
    batches: broadcast::Receiver<Arc<[Arc<LogRecord>]>>,
    expected: u64,
}

impl Follower {
    /// Waits for the next records; `None` when the log is gone for good. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Batch> {
        loop {
            match self.batches.recv().await {
                Ok(records) => {
                    let (Some(first), Some(last)) = (records.first(), records.last()) else {
                        continue;
                    };
                    let dropped = first.id.saturating_sub(self.expected);
                    self.expected = last.id + 1;
                    return Some(Batch { records, dropped });
                }
                // The gap in the ids says how many records that were.
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one clock of this crate")]
pub(crate) fn now_ms() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
}
