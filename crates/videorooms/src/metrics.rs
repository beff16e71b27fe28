//! Names of this crate's metrics.

/// Counter: actors of the root and other work of the node that ended and were begun again, by `of`.
pub const RESTARTS: &str = "videorooms_node_restarts_total";

/// Tells the recorder what the metrics mean.
pub fn describe() {
    metrics::describe_counter!(
        RESTARTS,
        "actors of the root and other work of the node that ended and were begun again, by name"
    );
}
