//! Rooms over several nodes in one process: real lease keepers over a table in memory, and links that are method calls.

#![expect(clippy::unwrap_used, reason = "a test fails by it")]

mod cluster {
    pub(crate) mod failover;
    pub(crate) mod media;
    pub(crate) mod nodes;
}
