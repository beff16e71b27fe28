//! Group commit: jobs that have gathered while the last group was written go as one. Nobody waits for a group to fill.

use tokio::sync::{mpsc, oneshot};

use crate::{Commit, Verdict};

/// Jobs that may wait while a group is written: more than a node's rooms send at once, small enough that a dead store holds little memory.
pub(crate) const QUEUE_JOBS: usize = 1024;
/// A group takes jobs until it holds this many commits …
const GROUP_COMMITS: usize = 1024;
/// … or payloads of this size: about what a disk writes in the time that a sync takes.
const GROUP_BYTES: usize = 4 << 20;

/// A batch, and who waits for its verdicts.
pub(crate) struct Job {
    pub(crate) batch: Vec<Commit>,
    pub(crate) reply: oneshot::Sender<Vec<Verdict>>,
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
