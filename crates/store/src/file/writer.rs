//! The thread that writes: takes what has gathered, writes it as one group, syncs once, answers.
//!
//! The queue is bounded; a full one makes callers wait, and their own time-outs decide. A caller that goes away leaves its job behind: it is
//! written all the same, and sending it again is answered as committed.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use tokio::sync::{mpsc, oneshot};

use super::keeper::Keeper;
use super::log::Logs;
use crate::group::{Job, QUEUE_JOBS, answer, gather, unknown};
use crate::{Commit, StoreError, Verdict, metrics};

/// The way to the thread. Dropping it waits for the jobs in the queue.
#[derive(Debug)]
pub(super) struct Writer {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(keeper: Arc<Keeper>) -> Result<Self, StoreError> {
        let (jobs, queue) = mpsc::channel(QUEUE_JOBS);
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || run(&keeper, queue))
            .map_err(|error| StoreError::Unavailable(format!("cannot start the writer: {error}")))?;
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread),
        })
    }

    pub(super) async fn commit(&self, batch: Vec<Commit>) -> Vec<Verdict> {
        if batch.is_empty() {
            return Vec::new();
        }
        let commits = batch.len();
        let verdicts = self
            .send(batch)
            .await
            .unwrap_or_else(|| unknown(commits, "the writer has ended"));
        verdicts.iter().for_each(metrics::verdict);
        verdicts
    }

    async fn send(&self, batch: Vec<Commit>) -> Option<Vec<Verdict>> {
        let (reply, answer) = oneshot::channel();
        let jobs = self.jobs.as_ref()?;
        jobs.send(Job { batch, reply }).await.ok()?;
        metrics::queue_free(jobs.capacity());
        answer.await.ok()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // It ends by itself once the queue is closed; a panic in it was reported by the panic hook.
            let _ = thread.join();
        }
    }
}

fn run(keeper: &Keeper, mut queue: mpsc::Receiver<Job>) {
    while let Some(first) = queue.blocking_recv() {
        let group = gather(first, &mut queue);
        let started = Instant::now();
        let verdicts = write(keeper, &group);
        metrics::group(group.iter().map(|job| job.batch.len()).sum(), started.elapsed());
        answer(group, verdicts);
    }
}

/// Writes a group in one transaction: all of it is on disk, or all of it is unknown.
fn write(keeper: &Keeper, group: &[Job]) -> Vec<Vec<Verdict>> {
    let outcome = keeper.with_database(|database| {
        let transaction = database.begin_write()?;
        let verdicts = {
            let mut logs = Logs::of(&transaction)?;
            let each = |job: &Job| job.batch.iter().map(|commit| logs.commit(commit)).collect();
            group.iter().map(each).collect::<Result<Vec<Vec<_>>, _>>()?
        };
        transaction.commit()?;
        Ok(verdicts)
    });
    outcome.unwrap_or_else(|error| {
        let reason = error.to_string();
        group
            .iter()
            .map(|job| unknown(job.batch.len(), &reason))
            .collect()
    })
}
