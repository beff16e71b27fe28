//! Limits and times of rooms on one node.

use std::time::Duration;

use videorooms_domain::Grace;

/// Limits and times of rooms on one node. Every wait and every queue of this crate is named here.
#[derive(Debug, Clone)]
pub struct RoomsConfig {
    /// Reconnect grace and expiry of empty rooms.
    pub grace: Grace,
    /// Most rooms in memory; past it a room that is not in memory is refused.
    pub max_live_rooms: usize,
    /// Most messages that may wait in one room's mailbox; past it the sender is refused at the door.
    pub max_room_queue: usize,
    /// How long a caller waits for a durable answer: below the 10 s after which phoenix.js gives a push up.
    pub call_deadline: Duration,
    /// A room without connections leaves memory after this long.
    pub idle_unload: Duration,
    /// First wait before a commit of unknown fate is sent again; doubles up to [`Self::commit_retry_max`].
    pub commit_retry: Duration,
    /// Longest wait between two sendings of a commit of unknown fate.
    pub commit_retry_max: Duration,
    /// How long a commit may take before its fate counts as unknown.
    pub commit_deadline: Duration,
    /// How long an ended room can still be asked for; then it is removed from the store.
    pub ended_retention: Duration,
    /// Rooms looked at per second by the sweep after a start, which expires and removes what was forgotten, and as many again of those
    /// whose time has come.
    pub sweep_per_second: u32,
}

impl Default for RoomsConfig {
    fn default() -> Self {
        Self {
            grace: Grace::default(),
            max_live_rooms: 100_000,
            max_room_queue: 1024,
            call_deadline: Duration::from_secs(5),
            idle_unload: Duration::from_secs(60),
            commit_retry: Duration::from_millis(50),
            commit_retry_max: Duration::from_secs(2),
            commit_deadline: Duration::from_secs(4),
            ended_retention: Duration::from_secs(3600),
            sweep_per_second: 100,
        }
    }
}
