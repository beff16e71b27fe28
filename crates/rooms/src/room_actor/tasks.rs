//! What a room asks of the store, in tasks of their own. The answer comes back as a message; a room that is gone by then does not mind.

use std::sync::Arc;

use tokio::sync::{Mutex, OwnedMutexGuard, TryLockError};
use tokio::time::{Instant, timeout};
use videorooms_store::{Commit, RoomStore, Verdict};

use super::{Envelope, RoomMessage, RoomState};
use crate::metrics as names;

impl RoomState {
    pub(super) fn send_to_store(&self, mut batch: Vec<Commit>) {
        let Ok(fence) = self.services.ownership.fence(self.reign()) else {
            let why = "the reign is not confirmed";
            let unknown = |_: &Commit| Verdict::Unknown {
                reason: why.to_owned(),
            };
            let verdicts = batch.iter().map(unknown).collect();
            drop(self.myself.cast(Envelope::inner(RoomMessage::Verdicts(verdicts))));
            return;
        };
        batch
            .iter_mut()
            .for_each(|commit| commit.fence.clone_from(&fence));
        let (store, gate) = (self.services.store.clone(), self.door.gate.clone());
        let (myself, deadline) = (self.myself.clone(), self.services.config.commit_deadline);
        // Taken before the task runs, so that a successor does not read the log while this batch is on its way.
        let held = Arc::clone(&gate).try_lock_owned();
        let task = async move {
            let sent = Instant::now();
            let verdicts = timeout(deadline, commit(store, batch, held, gate)).await;
            metrics::histogram!(names::COMMIT_SECONDS).record(sent.elapsed().as_secs_f64());
            let verdicts = verdicts.ok().flatten().unwrap_or_else(|| {
                vec![Verdict::Unknown {
                    reason: "no verdict in time".to_owned(),
                }]
            });
            drop(myself.cast(Envelope::inner(RoomMessage::Verdicts(verdicts))));
        };
        drop(tokio::spawn(task));
    }

    pub(super) fn verdicts(&mut self, verdicts: Vec<Verdict>) {
        if verdicts.contains(&Verdict::StoreChanged) {
            self.services.ownership.store_changed(self.reign());
        }
        let outputs = self.pipeline.resolve(verdicts);
        self.carry_out(outputs);
    }

    /// A commit of unknown fate is sent again after a growing pause.
    pub(super) fn retry_later(&mut self) {
        metrics::counter!(names::COMMITS_UNKNOWN).increment(1);
        let wait = self.commit_backoff;
        self.commit_backoff = (wait * 2).min(self.services.config.commit_retry_max);
        drop(
            self.myself
                .send_after(wait, || Envelope::inner(RoomMessage::RetryCommit)),
        );
    }
}

/// Hands the batch to the store. Whoever gives this up leaves the gate held until the store has done with the batch: it may still write it. A
/// batch that was not handed over yet never will be then.
async fn commit(
    store: Arc<dyn RoomStore>,
    batch: Vec<Commit>,
    held: Result<OwnedMutexGuard<()>, TryLockError>,
    gate: Arc<Mutex<()>>,
) -> Option<Vec<Verdict>> {
    let held = match held {
        Ok(held) => held,
        Err(_) => gate.lock_owned().await,
    };
    let handed_over = tokio::spawn(async move {
        let verdicts = store.commit(batch).await;
        // Before the verdicts are known: the next batch takes it again.
        drop(held);
        verdicts
    });
    handed_over.await.ok()
}
