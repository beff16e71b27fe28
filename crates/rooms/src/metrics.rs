//! Every metric of this crate by name, with its unit and meaning.

/// Gauge: rooms in memory.
pub const LIVE_ROOMS: &str = "videorooms_rooms_live";
/// Counter: rooms created.
pub const CREATED: &str = "videorooms_rooms_created_total";
/// Counter: ended rooms removed from the store after their retention.
pub const FORGOTTEN: &str = "videorooms_rooms_forgotten_total";
/// Counter: commands by outcome; label `outcome` = `ok`, `rejected`, `unavailable`.
pub const COMMANDS: &str = "videorooms_rooms_commands_total";
/// Counter: ephemeral signals that the rules refused; label `reason` = the rejection's code.
pub const SIGNALS_REFUSED: &str = "videorooms_rooms_signals_refused_total";
/// Counter: batches whose fate was unknown.
pub const COMMITS_UNKNOWN: &str = "videorooms_rooms_commits_unknown_total";
/// Histogram, seconds: from handing a batch to the store to its verdict.
pub const COMMIT_SECONDS: &str = "videorooms_rooms_commit_seconds";
/// Counter: messages refused at the door because a room's queue was full.
pub const QUEUE_FULL: &str = "videorooms_rooms_queue_full_total";
/// Counter: messages of other nodes that were not taken; label `reason` = `too_large`, `version`, `not_understood`, `malformed`, `deposed`.
pub const CALLS_REFUSED: &str = "videorooms_rooms_calls_refused_total";
/// Counter: room actors that ended by a panic or were killed.
pub const CRASHES: &str = "videorooms_rooms_crashes_total";
/// Counter: calls to the media server that failed and will be repeated.
pub const MEDIA_RETRIES: &str = "videorooms_rooms_media_retries_total";

/// Tells the recorder what the metrics mean.
pub fn describe() {
    metrics::describe_gauge!(LIVE_ROOMS, "rooms in memory");
    metrics::describe_counter!(CREATED, "rooms created");
    metrics::describe_counter!(
        FORGOTTEN,
        "ended rooms removed from the store after their retention"
    );
    metrics::describe_counter!(COMMANDS, "durable commands, by outcome");
    metrics::describe_counter!(
        SIGNALS_REFUSED,
        "ephemeral signals refused by the rules, by reason"
    );
    metrics::describe_counter!(COMMITS_UNKNOWN, "commits whose fate was unknown");
    metrics::describe_histogram!(
        COMMIT_SECONDS,
        metrics::Unit::Seconds,
        "from handing a batch to the store to its verdict"
    );
    metrics::describe_counter!(QUEUE_FULL, "messages refused because a room's queue was full");
    metrics::describe_counter!(
        CALLS_REFUSED,
        "messages of other nodes that were not taken, by reason"
    );
    metrics::describe_counter!(CRASHES, "room actors that ended by a panic or were killed");
    metrics::describe_counter!(
        MEDIA_RETRIES,
        "calls to the media server that failed and will be repeated"
    );
}
