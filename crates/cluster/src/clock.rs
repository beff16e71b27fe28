//! The one clock of the shell: it never goes back and counts while the machine sleeps, which `std`'s does not.

use rustix::time::{ClockId, clock_gettime};

use crate::time::Instant;

/// `CLOCK_BOOTTIME`.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Clock;

impl Clock {
    pub(crate) fn now(self) -> Instant {
        let now = clock_gettime(ClockId::Boottime);
        Instant(now.tv_sec as u64 * 1000 + now.tv_nsec as u64 / 1_000_000)
    }
}
