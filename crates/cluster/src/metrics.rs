//! Names of this crate's metrics, in one place so that dashboards have something to hold on to.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

pub(crate) const DECLARED_DEAD: &str = "videorooms_cluster_declared_dead_total";
pub(crate) const RENEW_SECONDS: &str = "videorooms_cluster_renew_seconds";
pub(crate) const SHARDS_HELD: &str = "videorooms_cluster_shards_held";
pub(crate) const WORDS_LOST: &str = "videorooms_cluster_words_lost_total";

/// Gives the recorder units and help texts. Call once, after the recorder was installed.
pub fn describe() {
    describe_counter!(DECLARED_DEAD, "Nodes that this node declared dead");
    describe_histogram!(
        RENEW_SECONDS,
        Unit::Seconds,
        "From the send of a renewal to its answer"
    );
    describe_gauge!(SHARDS_HELD, "Shards that this node holds");
    describe_counter!(WORDS_LOST, "Words to the lease keeper that it had no place for");
}
