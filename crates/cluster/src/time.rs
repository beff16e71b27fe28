//! Time as the core sees it: an argument, never a call.
//!
//! Two clocks meet in the core and are never compared with each other. [`Instant`] is a node's own; the store's
//! ([`videorooms_store::ownership::StoreTime`]) is the only one by which beats are judged.

use std::time::Duration;

/// Milliseconds on a clock that never goes back and counts while the machine sleeps (`CLOCK_BOOTTIME`). Comparable within one boot of one
/// machine only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Instant(pub u64);

impl Instant {
    /// The moment `duration` later; fractions of a millisecond are cut off.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(millis(duration)))
    }

    /// How long ago `earlier` was; zero if it lies ahead.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// As if the clock had been started `by` later; what lies before its start becomes its start. The behaviour of a state whose instants are all set
    /// back together with the clock is the same, which makes a model check over time finite.
    pub fn set_back(&mut self, by: Duration) {
        self.0 = self.0.saturating_sub(millis(by));
    }
}

/// Every duration of the core in one place. The default is what the promises are made of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Timing {
    /// From the send of one renewal to the next.
    pub renew_every: Duration,
    /// A renewal without an answer for this long has an unknown fate; its connection is given up.
    pub answer_within: Duration,
    /// Most time between two attempts to connect to the store; the first follows at once.
    pub reconnect_within: Duration,
    /// How long output may leave, counted from the send of the last renewal that was answered.
    pub lease: Duration,
    /// How long rooms are kept past the lease without a majority that agrees that the store is away.
    pub fence_after: Duration,
    /// Renewals in a row before a node may judge others.
    pub streak: u32,
    /// Staleness of the beat of a node whose link is closed and refused, or that has a newer boot.
    pub stale_gone: Duration,
    /// Staleness of the beat of a node that says nothing.
    pub stale_silent: Duration,
    /// Staleness of the beat of a node that still answers pings.
    pub stale_answering: Duration,
    /// In the first part of a store incarnation only re-assertions are taken.
    pub settle: Duration,
    /// A node whose runtime has not ticked for this long does not renew.
    pub runtime_stall: Duration,
    /// From one planned hand-off of an idle shard to the next.
    pub hand_off_every: Duration,
    /// From a search for idle shards that belong elsewhere, which found none, to the next; one takes a hash for each shard and node.
    pub look_every: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        let ms = Duration::from_millis;
        Self {
            renew_every: ms(150),
            answer_within: ms(450),
            reconnect_within: ms(200),
            lease: ms(900),
            fence_after: ms(3000),
            streak: 4,
            stale_gone: ms(250),
            stale_silent: ms(450),
            stale_answering: ms(1500),
            settle: ms(1000),
            runtime_stall: ms(2000),
            hand_off_every: ms(50),
            look_every: ms(1000),
        }
    }
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
