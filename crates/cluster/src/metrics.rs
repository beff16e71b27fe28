//! Every metric of this crate by name, with its unit and meaning.

/// Gauge: nodes to which calls go through.
pub const LINKS_UP: &str = "videorooms_cluster_links_up";
/// Counter: calls to other nodes; label `outcome` = `ok`, `not_linked`, `full`, `too_large`, `timed_out`, `closed`, `failed`.
pub const CALLS: &str = "videorooms_cluster_calls_total";
/// Counter: casts to other nodes; label `outcome` = `sent`, `not_linked`, `full`, `too_large`.
pub const CASTS: &str = "videorooms_cluster_casts_total";
/// Histogram, seconds: from sending a call to its answer.
pub const ROUND_TRIP_SECONDS: &str = "videorooms_cluster_round_trip_seconds";
/// Counter, bytes: what other nodes were sent in calls, casts and answers; without frames and encryption.
pub const SENT_BYTES: &str = "videorooms_cluster_sent_bytes_total";
/// Counter, bytes: what other nodes sent, counted likewise.
pub const RECEIVED_BYTES: &str = "videorooms_cluster_received_bytes_total";
/// Counter: connections of other nodes, or to them, that came to nothing; label `reason`, see [`crate::links::Refusal`].
pub const REFUSED: &str = "videorooms_cluster_connections_refused_total";
/// Counter: messages of other nodes that were not taken; label `reason` = `session`, `malformed`, `full`, `too_large`, `panicked`.
pub const DROPPED: &str = "videorooms_cluster_messages_dropped_total";

/// Counter: nodes that this node declared dead.
pub const DECLARED_DEAD: &str = "videorooms_cluster_declared_dead_total";
/// Histogram, seconds: from the send of a renewal to its answer.
pub const RENEW_SECONDS: &str = "videorooms_cluster_renew_seconds";
/// Gauge: shards that this node holds.
pub const SHARDS_HELD: &str = "videorooms_cluster_shards_held";
/// Counter: words to the lease keeper that it had no place for.
pub const WORDS_LOST: &str = "videorooms_cluster_words_lost_total";

/// Tells the recorder what the metrics mean.
pub fn describe() {
    metrics::describe_gauge!(LINKS_UP, "nodes to which calls go through");
    metrics::describe_counter!(CALLS, "calls to other nodes, by outcome");
    metrics::describe_counter!(CASTS, "casts to other nodes, by outcome");
    metrics::describe_histogram!(
        ROUND_TRIP_SECONDS,
        metrics::Unit::Seconds,
        "from sending a call to its answer"
    );
    metrics::describe_counter!(SENT_BYTES, metrics::Unit::Bytes, "sent to other nodes");
    metrics::describe_counter!(RECEIVED_BYTES, metrics::Unit::Bytes, "received from other nodes");
    metrics::describe_counter!(
        REFUSED,
        "connections between nodes that came to nothing, by reason"
    );
    metrics::describe_counter!(DROPPED, "messages of other nodes that were not taken, by reason");
    metrics::describe_counter!(DECLARED_DEAD, "nodes that this node declared dead");
    metrics::describe_histogram!(
        RENEW_SECONDS,
        metrics::Unit::Seconds,
        "from the send of a renewal to its answer"
    );
    metrics::describe_gauge!(SHARDS_HELD, "shards that this node holds");
    metrics::describe_counter!(WORDS_LOST, "words to the lease keeper that it had no place for");
}
