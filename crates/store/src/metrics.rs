//! Names of this crate's metrics, in one place so that dashboards have something to hold on to.

use std::time::Duration;

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

use crate::Verdict;

const COMMITS: &str = "videorooms_store_commits_total";
const GROUP_COMMITS: &str = "videorooms_store_group_commits";
const GROUP_SECONDS: &str = "videorooms_store_group_seconds";
const QUEUE_FREE: &str = "videorooms_store_queue_free";
const FAILURES: &str = "videorooms_store_failures_total";
const REOPENS: &str = "videorooms_store_reopens_total";
const UP: &str = "videorooms_store_up";

/// Gives the recorder units and help texts. Call once, after the recorder was installed.
pub fn describe() {
    describe_counter!(COMMITS, "Commits by verdict");
    describe_histogram!(GROUP_COMMITS, "Commits that shared one sync");
    describe_histogram!(
        GROUP_SECONDS,
        Unit::Seconds,
        "From the start of a group to its sync's end"
    );
    describe_gauge!(
        QUEUE_FREE,
        "Free places in the queue to the disk; at 0 callers wait"
    );
    describe_counter!(FAILURES, "Times the store fell into doubt");
    describe_counter!(REOPENS, "Times the store came back after a failure");
    describe_gauge!(UP, "1 while commits are taken");
}

pub(crate) fn verdict(verdict: &Verdict) {
    let label = match verdict {
        Verdict::Committed => "committed",
        Verdict::Deposed { .. } => "deposed",
        Verdict::StoreChanged => "store_changed",
        Verdict::Behind { .. } => "behind",
        Verdict::Unknown { .. } => "unknown",
    };
    counter!(COMMITS, "verdict" => label).increment(1);
}

pub(crate) fn group(commits: usize, took: Duration) {
    histogram!(GROUP_COMMITS).record(commits as f64);
    histogram!(GROUP_SECONDS).record(took.as_secs_f64());
}

pub(crate) fn queue_free(places: usize) {
    gauge!(QUEUE_FREE).set(places as f64);
}

pub(crate) fn failed() {
    counter!(FAILURES).increment(1);
    gauge!(UP).set(0.0);
}

pub(crate) fn opened() {
    gauge!(UP).set(1.0);
}

pub(crate) fn reopened() {
    counter!(REOPENS).increment(1);
    gauge!(UP).set(1.0);
}
