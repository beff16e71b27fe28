//! What a room asks of others, in tasks of their own: the store and the media server. The answer comes back as a message; a room that is gone by
//! then does not mind.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, OwnedMutexGuard, TryLockError};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use videorooms_domain::{ParticipantId, RoomId};
use videorooms_store::{Commit, RoomStore, Verdict};

use super::{Envelope, RoomMessage, RoomState};
use crate::media_host::MediaHost;
use crate::media_plan::{Report, Wish, Work};
use crate::metrics as names;

/// Wait before the media server is asked again after a failure.
const MEDIA_RETRY: Duration = Duration::from_secs(1);

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

    /// What the media server is told follows committed state, so it need not wait for the store.
    pub(super) fn ask_media(&mut self) {
        if self.pipeline.is_over() {
            return;
        }
        let Some(work) = self.media_plan.next() else {
            return;
        };
        let (media, myself, room) = (self.services.media.clone(), self.myself.clone(), self.door.room);
        let gate = Arc::clone(&self.door.media_gate);
        let task = async move {
            // A predecessor's last calls must not come after ours.
            let held = gate.lock().await;
            let report = carry_out(&media, room, work).await;
            drop(held);
            drop(myself.cast(Envelope::inner(RoomMessage::MediaDone(report))));
        };
        drop(tokio::spawn(task));
    }

    pub(super) fn media_done(&mut self, report: Report) {
        if self.media_plan.done(self.pipeline.committed(), report) {
            drop(
                self.myself
                    .send_after(MEDIA_RETRY, || Envelope::inner(RoomMessage::RetryMedia)),
            );
        }
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

async fn carry_out(media: &MediaHost, room: RoomId, work: Work) -> Report {
    match work {
        Work::Survey => match media.present(room).await {
            Ok(present) => Report::Present(present),
            Err(error) => failed(room, &error, Report::Nothing),
        },
        Work::Close => match media.close(room).await {
            Ok(()) => Report::Failed(BTreeSet::new()),
            Err(error) => failed(room, &error, Report::Nothing),
        },
        Work::Participants(wishes) => {
            let mut undone: BTreeSet<ParticipantId> = wishes.keys().copied().collect();
            let mut calls = JoinSet::new();
            for (participant, wish) in wishes {
                let media = media.clone();
                calls.spawn(async move {
                    let done = match wish {
                        Wish::Publish(allowed) => media.set_publishing(room, participant, allowed).await,
                        Wish::Remove => media.remove(room, participant).await,
                    };
                    (participant, done)
                });
            }
            while let Some(call) = calls.join_next().await {
                match call {
                    Ok((participant, Ok(()))) => drop(undone.remove(&participant)),
                    Ok((_, Err(error))) => failed(room, &error, ()),
                    Err(error) => failed(room, &error, ()),
                }
            }
            Report::Failed(undone)
        }
    }
}

fn failed<T>(room: RoomId, error: &dyn std::fmt::Display, report: T) -> T {
    metrics::counter!(names::MEDIA_RETRIES).increment(1);
    tracing::warn!(room.id = %room, %error, "media server did not do what the room asked, will ask again");
    report
}
