//! The one place where the cluster's shell reads a clock.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::time::Instant;

/// Since the machine was started, sleep included; never goes back.
pub(crate) fn uptime() -> Duration {
    let time = clock_gettime(ClockId::Boottime);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or(0),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}

/// The same for the core.
pub(crate) fn now() -> Instant {
    Instant::default().after(uptime())
}
