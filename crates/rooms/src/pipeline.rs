//! The commit pipeline: commands are decided at once on speculative state, and nothing that depends on a decision leaves before the
//! decision is durable. A pure type: no clock, no task, no store; the actor feeds it and carries out what it answers.
//!
//! Two durable states are kept. *Committed* is what the store acknowledged: ephemeral things are decided on it and everyone outside
//! sees only it. *Speculative* is committed plus what is pending: durable commands are decided on it. While nothing is pending they are equal.
//!
//! A commit ends as committed, deposed, behind, store changed or unknown. After the last two the very same batch is sent again, and new commands are
//! refused before they are decided, until the store answers. Invariants (held by `tests/pipeline.rs`): outputs come in order of seq,
//! each once; no answer of success precedes its commit; after *deposed* or *behind* no success is answered any more.

use std::collections::VecDeque;

use videorooms_domain::{
    Actor, Epoch, Position, Record, Rejection, Request, Room, Seq, Timestamp, Transition, encode_record,
};
use videorooms_store::{Commit, Verdict};

/// Most commands that may wait for the store, those that change nothing included; past it commands are refused at the door.
pub const MAX_PENDING: usize = 256;
/// Events after which a snapshot is due.
const SNAPSHOT_EVENTS: u64 = 256;
/// Bytes of records after which a snapshot is due.
const SNAPSHOT_BYTES: usize = 64 * 1024;

/// The pipeline of one room. `W` is whoever waits for an answer.
#[derive(Debug)]
pub struct Pipeline<W> {
    epoch: Epoch,
    committed: Room,
    speculative: Option<Box<Room>>,
    pending: VecDeque<Pending<W>>,
    /// How many of `pending`, from the front, are with the store.
    sent: usize,
    flow: Flow,
    waiting: usize,
    since_snapshot: SinceSnapshot,
}

/// What the log holds beyond its last snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SinceSnapshot {
    /// Seq that the snapshot covers; 0 when there is none.
    pub seq: Seq,
    /// Bytes of the records after it.
    pub bytes: usize,
}

#[derive(Debug)]
struct Pending<W> {
    record: Record,
    by: Actor,
    commit: Commit,
    /// Everyone whose answer depends on this transition and on none after it.
    waiters: Vec<(W, Outcome)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    /// The store answers.
    Open,
    /// The last batch's fate is unknown; it is to be sent again.
    Unknown,
    /// Over: deposed, or the log is not what we know.
    Closed,
}

/// What a command came to.
pub type Outcome = Result<Position, Rejection>;

/// Why a command was not even decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The store's state is unknown.
    StoreUnknown,
    /// Too many wait.
    Full,
    /// The pipeline is over.
    Closed,
}

/// What the actor must do now.
#[derive(Debug, PartialEq, Eq)]
pub enum Output<W> {
    /// Tell this one; its answer depends on nothing that is still pending.
    Answer(W, Outcome),
    /// A transition became durable: publish it, then tell those who waited for it.
    Committed {
        /// The transition.
        record: Record,
        /// Whose command it was.
        by: Actor,
        /// Who waited.
        waiters: Vec<(W, Outcome)>,
    },
    /// Send the batch again, after a while.
    Retry,
    /// Someone else owns the room. These waiters get no answer of success.
    Deposed {
        /// The newest epoch.
        epoch: Epoch,
        /// Who waited.
        waiters: Vec<W>,
    },
    /// The log is not where we left it: load the room again.
    Behind {
        /// Seq of the log's end.
        stored: Seq,
        /// Who waited.
        waiters: Vec<W>,
    },
}

impl<W> Pipeline<W> {
    /// A pipeline over a room as loaded, in the reign `epoch`.
    #[must_use]
    pub fn new(committed: Room, epoch: Epoch, since_snapshot: SinceSnapshot) -> Self {
        Self {
            epoch,
            committed,
            speculative: None,
            pending: VecDeque::new(),
            sent: 0,
            flow: Flow::Open,
            waiting: 0,
            since_snapshot,
        }
    }

    /// What is durable.
    #[must_use]
    pub fn committed(&self) -> &Room {
        &self.committed
    }

    /// What will be durable if all goes well; for decisions only, never for answers.
    #[must_use]
    pub fn speculative(&self) -> &Room {
        self.speculative.as_deref().unwrap_or(&self.committed)
    }

    /// Is nothing waiting for the store.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.pending.is_empty()
    }

    /// Does the store answer, as far as this room knows.
    #[must_use]
    pub fn store_answers(&self) -> bool {
        self.flow == Flow::Open
    }

    /// May one more transition wait for the store.
    #[must_use]
    pub fn has_place(&self) -> bool {
        self.waiting < MAX_PENDING
    }

    /// Was the room deposed, or its log found elsewhere: nothing may be said or done in its name any more.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.flow == Flow::Closed
    }

    /// Gives back the memory of the second state; free while nothing is pending.
    pub fn rest(&mut self) {
        if self.pending.is_empty() {
            self.speculative = None;
        }
    }

    /// Decides a command. The answer, even a refusal by the rules, leaves only when all it was decided on is durable.
    ///
    /// # Errors
    /// [`Refusal`] with the waiter: nothing was decided.
    pub fn submit(
        &mut self,
        at: Timestamp,
        request: &Request,
        waiter: W,
    ) -> Result<Option<Output<W>>, (Refusal, W)> {
        match self.flow {
            Flow::Open if self.has_place() => {}
            Flow::Open => return Err((Refusal::Full, waiter)),
            Flow::Unknown => return Err((Refusal::StoreUnknown, waiter)),
            Flow::Closed => return Err((Refusal::Closed, waiter)),
        }
        let speculative = self
            .speculative
            .get_or_insert_with(|| Box::new(self.committed.clone()));
        match speculative.apply(at, self.epoch, request) {
            Ok(Transition {
                record: Some(record),
                answer,
            }) => {
                self.enqueue(record, request.by, (waiter, Ok(answer)));
                Ok(None)
            }
            Ok(Transition { record: None, answer }) => Ok(self.after_pending(waiter, Ok(answer))),
            Err(rejection) => Ok(self.after_pending(waiter, Err(rejection))),
        }
    }

    /// The next batch for the store, if there is one and none is on its way.
    pub fn next_batch(&mut self) -> Option<Vec<Commit>> {
        if self.flow != Flow::Open || self.sent > 0 || self.pending.is_empty() {
            return None;
        }
        self.sent = self.pending.len();
        Some(self.batch())
    }

    /// The batch of unknown fate again, byte for byte. Called once for each [`Output::Retry`].
    pub fn retry(&mut self) -> Option<Vec<Commit>> {
        (self.flow == Flow::Unknown).then(|| self.batch())
    }

    /// Takes the store's verdicts on the batch that [`Self::next_batch`] gave, in its order. Fewer verdicts than commits mean unknown for the rest.
    pub fn resolve(&mut self, verdicts: Vec<Verdict>) -> Vec<Output<W>> {
        let mut outputs = Vec::with_capacity(self.sent);
        let mut verdicts = verdicts.into_iter();
        while self.sent > 0 {
            match verdicts.next() {
                Some(Verdict::Committed) => outputs.extend(self.commit_front()),
                Some(Verdict::Deposed { epoch }) => {
                    let waiters = self.close();
                    outputs.push(Output::Deposed { epoch, waiters });
                    return outputs;
                }
                Some(Verdict::Behind { stored }) => {
                    let waiters = self.close();
                    outputs.push(Output::Behind { stored, waiters });
                    return outputs;
                }
                // The store keeps nothing of it, and sent again it may: as good as unknown.
                Some(Verdict::StoreChanged | Verdict::Unknown { .. }) | None => {
                    self.flow = Flow::Unknown;
                    outputs.push(Output::Retry);
                    return outputs;
                }
            }
        }
        self.flow = Flow::Open;
        outputs
    }

    fn batch(&self) -> Vec<Commit> {
        self.pending
            .iter()
            .take(self.sent)
            .map(|pending| pending.commit.clone())
            .collect()
    }

    fn enqueue(&mut self, record: Record, by: Actor, waiter: (W, Outcome)) {
        let bytes = encode_record(&record);
        let last = record.last();
        let tail = &mut self.since_snapshot;
        tail.bytes += bytes.len();
        let due = last.0.saturating_sub(tail.seq.0) >= SNAPSHOT_EVENTS || tail.bytes >= SNAPSHOT_BYTES;
        if due {
            *tail = SinceSnapshot { seq: last, bytes: 0 };
        }
        let snapshot = due.then(|| self.speculative().to_snapshot());
        let commit = Commit {
            room: self.committed.id(),
            epoch: self.epoch,
            expect: Seq(record.first.0 - 1),
            last,
            record: bytes,
            snapshot,
            fence: None,
        };
        self.waiting += 1;
        self.pending.push_back(Pending {
            record,
            by,
            commit,
            waiters: vec![waiter],
        });
    }

    fn after_pending(&mut self, waiter: W, outcome: Outcome) -> Option<Output<W>> {
        match self.pending.back_mut() {
            Some(last) => {
                last.waiters.push((waiter, outcome));
                self.waiting += 1;
                None
            }
            None => Some(Output::Answer(waiter, outcome)),
        }
    }

    fn commit_front(&mut self) -> Option<Output<W>> {
        let Pending {
            record, by, waiters, ..
        } = self.pending.pop_front()?;
        self.sent -= 1;
        self.waiting -= waiters.len();
        self.committed
            .fold(&record)
            .expect("speculative state was folded from the same records in the same order");
        Some(Output::Committed { record, by, waiters })
    }

    fn close(&mut self) -> Vec<W> {
        self.flow = Flow::Closed;
        self.sent = 0;
        self.waiting = 0;
        self.speculative = None;
        self.pending
            .drain(..)
            .flat_map(|pending| pending.waiters)
            .map(|(waiter, _)| waiter)
            .collect()
    }
}
