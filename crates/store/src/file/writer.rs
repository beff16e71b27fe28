//! The thread that writes: takes what has gathered, writes it as one group, syncs once, answers.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use tokio::sync::mpsc;

use super::keeper::Keeper;
use super::log::Logs;
use crate::group::{Job, Jobs, answer, gather, unknown};
use crate::{StoreError, Verdict, metrics};

/// The way to the thread. Dropping it waits for the jobs in the queue.
#[derive(Debug)]
pub(super) struct Writer {
    // Dropped first: the thread ends with its queue.
    pub(super) jobs: Jobs,
    _thread: Thread,
}

impl Writer {
    pub(super) fn start(keeper: Arc<Keeper>) -> Result<Self, StoreError> {
        let (jobs, queue) = Jobs::queue();
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || run(&keeper, queue))
            .map_err(|error| StoreError::Unavailable(format!("cannot start the writer: {error}")))?;
        Ok(Self {
            jobs,
            _thread: Thread(Some(thread)),
        })
    }
}

/// A thread. Dropping it waits for its end.
#[derive(Debug)]
struct Thread(Option<JoinHandle<()>>);

impl Drop for Thread {
    fn drop(&mut self) {
        if let Some(thread) = self.0.take() {
            // A panic in it was reported by the panic hook.
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
