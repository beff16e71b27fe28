//! The clock of a node: wall time at the start, monotonic from then on, so that a room's time never runs backwards while it lives. It follows
//! tokio's paused clock in tests.

use std::time::{SystemTime, UNIX_EPOCH};

use tokio::time::Instant;
use videorooms_domain::Timestamp;

/// Reads the time. Copied into every actor.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    base_ms: u64,
    started: Instant,
}

impl Clock {
    /// Starts from the system's wall clock.
    #[expect(clippy::disallowed_methods, reason = "the one wall clock of this crate")]
    #[must_use]
    pub(crate) fn start() -> Self {
        let base_ms = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_millis() as u64);
        Self {
            base_ms,
            started: Instant::now(),
        }
    }

    /// Now.
    #[must_use]
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp(self.base_ms + self.started.elapsed().as_millis() as u64)
    }
}
