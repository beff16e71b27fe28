//! Names of this crate's metrics.

use metrics::{counter, describe_counter, describe_gauge, gauge};

const DROPPED: &str = "videorooms_debug_dropped_total";
const REFUSED: &str = "videorooms_debug_refused_total";
const RECORDS: &str = "videorooms_debug_ring_records";
const BYTES: &str = "videorooms_debug_ring_bytes";
const FOLLOWERS: &str = "videorooms_debug_followers";

/// Gives the recorder help texts. Call once, after the recorder was installed.
pub fn describe() {
    describe_counter!(
        DROPPED,
        "Records lost because the queue was full or they weighed more than the ring"
    );
    describe_counter!(
        REFUSED,
        "Requests of browsers, and records in them, that were refused, by reason"
    );
    describe_gauge!(RECORDS, "Records in the ring");
    describe_gauge!(BYTES, "Weight of the records in the ring");
    describe_gauge!(FOLLOWERS, "Live views of the log");
}

pub(crate) fn dropped(records: u64) {
    counter!(DROPPED).increment(records);
}

/// Why something of a browser was refused.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Refused {
    /// The address, or all together, sent too much.
    Rate,
    /// The request is larger than any may be.
    TooLarge,
    /// The request is no list of records.
    Invalid,
    /// A record is none, or too large.
    Record,
}

pub(crate) fn refused(why: Refused, times: usize) {
    let why = match why {
        Refused::Rate => "rate",
        Refused::TooLarge => "too_large",
        Refused::Invalid => "invalid",
        Refused::Record => "record",
    };
    counter!(REFUSED, "why" => why).increment(times as u64);
}

pub(crate) fn ring(records: usize, bytes: usize, followers: usize) {
    gauge!(RECORDS).set(records as f64);
    gauge!(BYTES).set(bytes as f64);
    gauge!(FOLLOWERS).set(followers as f64);
}
