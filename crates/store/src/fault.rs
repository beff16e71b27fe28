//! `FaultStore`: any store, made to misbehave by script, for the tests of those who write to one.
//!
//! Each scripted [`Fault`] is spent by one call of [`RoomStore::commit`], in order; without one the call passes through. Beside the
//! script stands a switch: while [`Faults::down`], nothing passes at all. No fault ever breaks the port's promise: what was answered
//! [`Verdict::Committed`] did reach the store below.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore};
use videorooms_domain::{Epoch, NodeIncarnation, RoomId, Seq, ShardId};

use crate::{Commit, Restore, RoomStore, StoreError, StoredRoom, Verdict};

/// What befalls one call of [`RoomStore::commit`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It passes.
    None,
    /// It passes after this long; under paused time without waiting.
    Delay(Duration),
    /// It waits for [`Faults::release`], then passes.
    Hold,
    /// It is done, but nobody hears: every verdict is [`Verdict::Unknown`].
    UnknownButDone,
    /// The first `n` commits of the batch are done, the others not; every verdict is [`Verdict::Unknown`].
    UnknownPartlyDone(usize),
    /// It is not done, and every verdict is [`Verdict::Unknown`].
    UnknownNotDone,
    /// It is not done: every verdict is [`Verdict::Behind`].
    Behind(Seq),
    /// It is not done: every verdict is [`Verdict::Deposed`].
    Deposed(Epoch),
    /// It is not done: every verdict is [`Verdict::StoreChanged`].
    StoreChanged,
}

/// A store whose faults are scripted; see the module's first lines.
#[derive(Debug, Clone)]
pub struct FaultStore<S> {
    inner: S,
    faults: Faults,
}

/// The script of a [`FaultStore`]: keep a clone in the test.
#[derive(Debug, Clone)]
pub struct Faults {
    script: Arc<Mutex<Script>>,
    gate: Arc<Semaphore>,
    /// Told when a call comes to [`Fault::Hold`].
    arrived: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Script {
    next: VecDeque<Fault>,
    down: Option<String>,
    calls: Vec<Vec<Commit>>,
    /// Calls that have come to [`Fault::Hold`], ever.
    held: usize,
}

impl<S: RoomStore> FaultStore<S> {
    /// Wraps `inner`, without faults yet.
    #[must_use]
    pub fn new(inner: S) -> Self {
        Self {
            inner,
            faults: Faults {
                script: Arc::default(),
                gate: Arc::new(Semaphore::new(0)),
                arrived: Arc::default(),
            },
        }
    }

    /// The script.
    #[must_use]
    pub fn faults(&self) -> Faults {
        self.faults.clone()
    }

    /// The store below, past all faults.
    #[must_use]
    pub fn inner(&self) -> &S {
        &self.inner
    }

    fn reachable(&self) -> Result<(), StoreError> {
        self.faults
            .script
            .lock()
            .down
            .clone()
            .map_or(Ok(()), |reason| Err(StoreError::Unavailable(reason)))
    }
}

impl Faults {
    /// Appends faults for the next commits.
    pub fn script(&self, faults: impl IntoIterator<Item = Fault>) {
        self.script.lock().next.extend(faults);
    }

    /// Cuts the store off: commits are unknown and not done, everything else is unavailable.
    pub fn down(&self, reason: &str) {
        self.script.lock().down = Some(reason.to_owned());
    }

    /// Takes [`Self::down`] back.
    pub fn up(&self) {
        self.script.lock().down = None;
    }

    /// Lets one call pass that waits at [`Fault::Hold`], now or later.
    pub fn release(&self) {
        self.gate.add_permits(1);
    }

    /// Waits until `nth` calls, counted from the first ever, have come to [`Fault::Hold`].
    pub async fn held(&self, nth: usize) {
        loop {
            // Made before the look at the count, so that no arrival falls in between.
            let arrived = self.arrived.notified();
            if self.script.lock().held >= nth {
                return;
            }
            arrived.await;
        }
    }

    /// All batches that were asked for, in order, whatever became of them.
    #[must_use]
    pub fn calls(&self) -> Vec<Vec<Commit>> {
        self.script.lock().calls.clone()
    }

    /// Notes the call and says what befalls it.
    fn take(&self, batch: &[Commit]) -> Result<Fault, String> {
        let mut script = self.script.lock();
        script.calls.push(batch.to_vec());
        match &script.down {
            Some(reason) => Err(reason.clone()),
            None => Ok(script.next.pop_front().unwrap_or(Fault::None)),
        }
    }
}

fn each(batch: &[Commit], verdict: Verdict) -> Vec<Verdict> {
    vec![verdict; batch.len()]
}

fn unknown(batch: &[Commit], reason: &str) -> Vec<Verdict> {
    each(
        batch,
        Verdict::Unknown {
            reason: reason.to_owned(),
        },
    )
}

#[async_trait]
impl<S: RoomStore> RoomStore for FaultStore<S> {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    async fn open_reign(
        &self,
        node: &NodeIncarnation,
        at_least: Epoch,
        now_ms: u64,
    ) -> Result<Epoch, StoreError> {
        self.reachable()?;
        self.inner.open_reign(node, at_least, now_ms).await
    }

    async fn commit(&self, batch: Vec<Commit>) -> Vec<Verdict> {
        let fault = match self.faults.take(&batch) {
            Ok(fault) => fault,
            Err(reason) => return unknown(&batch, &reason),
        };
        match fault {
            Fault::None => self.inner.commit(batch).await,
            Fault::Delay(delay) => {
                tokio::time::sleep(delay).await;
                self.inner.commit(batch).await
            }
            Fault::Hold => {
                self.faults.script.lock().held += 1;
                self.faults.arrived.notify_waiters();
                // The gate is never closed, so that an error cannot happen; passing on it is harmless.
                if let Ok(permit) = self.faults.gate.acquire().await {
                    permit.forget();
                }
                self.inner.commit(batch).await
            }
            Fault::UnknownButDone => {
                let verdicts = unknown(&batch, "scripted: done");
                self.inner.commit(batch).await;
                verdicts
            }
            Fault::UnknownPartlyDone(n) => {
                let verdicts = unknown(&batch, "scripted: partly done");
                self.inner.commit(batch.into_iter().take(n).collect()).await;
                verdicts
            }
            Fault::UnknownNotDone => unknown(&batch, "scripted: not done"),
            Fault::Behind(stored) => each(&batch, Verdict::Behind { stored }),
            Fault::Deposed(epoch) => each(&batch, Verdict::Deposed { epoch }),
            Fault::StoreChanged => each(&batch, Verdict::StoreChanged),
        }
    }

    async fn restore(&self, restore: Restore) -> Verdict {
        match self.reachable() {
            Ok(()) => self.inner.restore(restore).await,
            Err(error) => Verdict::Unknown {
                reason: error.to_string(),
            },
        }
    }

    async fn load(&self, room: RoomId) -> Result<Option<StoredRoom>, StoreError> {
        self.reachable()?;
        self.inner.load(room).await
    }

    async fn remove(&self, room: RoomId) -> Result<(), StoreError> {
        self.reachable()?;
        self.inner.remove(room).await
    }

    async fn list(&self, after: Option<RoomId>, limit: usize) -> Result<Vec<RoomId>, StoreError> {
        self.reachable()?;
        self.inner.list(after, limit).await
    }

    async fn rooms_of(&self, shard: ShardId) -> Result<Vec<RoomId>, StoreError> {
        self.reachable()?;
        self.inner.rooms_of(shard).await
    }

    async fn health(&self) -> Result<(), StoreError> {
        self.reachable()?;
        self.inner.health().await
    }
}
