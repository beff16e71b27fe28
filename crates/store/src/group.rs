//! Group commit: jobs that have gathered while the last group was written go as one. Nobody waits for a group to fill.
//!
//! The queue is bounded; a full one makes callers wait, and their own time-outs decide. A caller that goes away leaves its job behind: it is
//! written all the same, and sending it again is answered as committed.

use tokio::sync::{mpsc, oneshot};

use crate::{Commit, Verdict, metrics};

/// Jobs that may wait while a group is written: more than a node's rooms send at once, small enough that a dead store holds little memory.
const QUEUE_JOBS: usize = 1024;
/// A group takes jobs until it holds this many commits …
const GROUP_COMMITS: usize = 1024;
/// … or payloads of this size: about what a disk writes in the time that a sync takes.
const GROUP_BYTES: usize = 4 << 20;

/// A batch, and who waits for its verdicts.
pub(crate) struct Job {
    pub(crate) batch: Vec<Commit>,
    reply: oneshot::Sender<Vec<Verdict>>,
}

/// The queue to the one who writes. When it is dropped, what waits in it is still written.
#[derive(Debug)]
pub(crate) struct Jobs(mpsc::Sender<Job>);

impl Jobs {
    /// An empty queue, and the end of it from which the one who writes takes.
    pub(crate) fn queue() -> (Self, mpsc::Receiver<Job>) {
        let (jobs, queue) = mpsc::channel(QUEUE_JOBS);
        (Self(jobs), queue)
    }

    /// What [`crate::RoomStore::commit`] promises, as long as whoever writes ends each group in time.
    pub(crate) async fn commit(&self, batch: Vec<Commit>) -> Vec<Verdict> {
        if batch.is_empty() {
            return Vec::new();
        }
        let commits = batch.len();
        let verdicts = self.send(batch).await;
        let verdicts = verdicts.unwrap_or_else(|| unknown(commits, "the writer has ended"));
        verdicts.iter().for_each(metrics::verdict);
        verdicts
    }

    async fn send(&self, batch: Vec<Commit>) -> Option<Vec<Verdict>> {
        let (reply, answer) = oneshot::channel();
        self.0.send(Job { batch, reply }).await.ok()?;
        metrics::queue_free(self.0.capacity());
        answer.await.ok()
    }
}

/// The first job and all that wait behind it, within the bounds of a group. Never waits.
pub(crate) fn gather(first: Job, queue: &mut mpsc::Receiver<Job>) -> Vec<Job> {
    let (mut commits, mut bytes) = (0, 0);
    let mut count = |job: &Job| {
        commits += job.batch.len();
        bytes += job.batch.iter().map(weight).sum::<usize>();
        commits < GROUP_COMMITS && bytes < GROUP_BYTES
    };
    let mut room_left = count(&first);
    let mut group = vec![first];
    while room_left && let Ok(job) = queue.try_recv() {
        room_left = count(&job);
        group.push(job);
    }
    group
}

/// Hands each job's verdicts to whoever waits; it may have given up.
pub(crate) fn answer(group: Vec<Job>, verdicts: impl IntoIterator<Item = Vec<Verdict>>) {
    for (job, verdicts) in group.into_iter().zip(verdicts) {
        let _ = job.reply.send(verdicts);
    }
}

/// So many commits of unknown fate.
pub(crate) fn unknown(commits: usize, reason: &str) -> Vec<Verdict> {
    vec![
        Verdict::Unknown {
            reason: reason.to_owned()
        };
        commits
    ]
}

fn weight(commit: &Commit) -> usize {
    commit.record.len() + commit.snapshot.as_ref().map_or(0, Vec::len)
}
