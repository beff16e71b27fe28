//! How long a node may speak: the lease that it renews with the store, and what becomes of it when it cannot.
//!
//! ```text
//!            lease past                 majority cannot reach the store either
//!   live ──────────────────► suspended ────────────────────────────────────────► frozen
//!    ▲ ▲                       │  ▲  └──── fence_after without lease or majority    │
//!    │ └────── renewed ────────┤  └─────────────── no majority any more ────────────┤
//!    │                         ▼                                                    │
//!    └─ renewed, no rooms ── fenced              renewed, with rooms ───────────────┘
//! ```
//!
//! The lease only silences output that no commit stands behind. That nothing is written by a deposed owner is the store's work and needs no clock.
//!
//! # Invariants
//! * **L1** Output leaves until `lease` after the *send* of the last renewal that was answered, not after its answer, or while frozen.
//! * **L2** An answer that comes when its own lease is past renews nothing.
//! * **L3** Rooms are dropped once `fence_after` passed since the lease ended or a majority last agreed, whichever is later, and a fenced
//!   node says nothing before a renewal. A pause of that length fences at the first look at the clock.
//! * **L4** A node starts fenced.

use std::time::Duration;

use crate::time::{Instant, Timing};

/// Where a node stands with its lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Commits and speaks.
    Live,
    /// Keeps its rooms and holds all output.
    Suspended,
    /// The store is away for everyone: speaks of what is ephemeral.
    Frozen,
    /// Has dropped its rooms; refuses joins.
    Fenced,
}

impl Standing {
    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Suspended => "suspended",
            Self::Frozen => "frozen",
            Self::Fenced => "fenced",
        }
    }
}

/// The lease of one node.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Lease {
    length: Duration,
    fence_after: Duration,
    standing: Standing,
    /// End of the last lease, or the last moment at which a majority agreed that the store is away.
    sure_until: Instant,
    ends: Instant,
}

impl Lease {
    /// No lease yet.
    #[must_use]
    pub fn new(timing: &Timing) -> Self {
        Self {
            length: timing.lease,
            fence_after: timing.fence_after,
            standing: Standing::Fenced,
            sure_until: Instant::default(),
            ends: Instant::default(),
        }
    }

    /// As of the last input. What speaks checks [`Self::speaks`] as well, since time may have passed unseen.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// May ephemeral output leave at this moment.
    #[must_use]
    pub fn speaks(&self, now: Instant) -> bool {
        match self.standing {
            Standing::Live => now < self.ends,
            Standing::Frozen => now < self.sure_until.after(self.length),
            Standing::Suspended | Standing::Fenced => false,
        }
    }

    /// Is the store known to answer: the lease is neither past nor replaced by a majority's word.
    #[must_use]
    pub fn is_live(&self, now: Instant) -> bool {
        self.standing == Standing::Live && now < self.ends
    }

    /// When the present lease ends.
    #[must_use]
    pub fn ends(&self) -> Instant {
        self.ends
    }

    /// A renewal sent at `sent` was answered. The caller looks at the clock first ([`Self::poll`]), so that a pause is noticed before its end is celebrated.
    pub fn renewed(&mut self, now: Instant, sent: Instant) {
        let ends = sent.after(self.length);
        if now < ends {
            self.ends = self.ends.max(ends);
            self.sure_until = self.ends;
            self.standing = Standing::Live;
        }
    }

    /// Looks at the clock. `agreed`: a majority of the nodes last known, this one counted, say on direct links that they cannot reach the store either.
    pub fn poll(&mut self, now: Instant, agreed: bool) {
        if self.standing == Standing::Fenced || self.is_live(now) {
            return;
        }
        self.standing = if now >= self.sure_until.after(self.fence_after) {
            Standing::Fenced
        } else if agreed {
            self.sure_until = now;
            Standing::Frozen
        } else {
            Standing::Suspended
        };
    }

    /// When [`Self::poll`] changes something if nothing comes in. A frozen node hears from its peers, or polls when their word is old.
    #[must_use]
    pub fn changes_at(&self) -> Option<Instant> {
        match self.standing {
            Standing::Live => Some(self.ends),
            Standing::Suspended => Some(self.sure_until.after(self.fence_after)),
            Standing::Frozen => Some(self.sure_until.after(self.length)),
            Standing::Fenced => None,
        }
    }

    /// See [`Instant::set_back`].
    pub fn set_back(&mut self, by: Duration) {
        self.sure_until.set_back(by);
        self.ends.set_back(by);
    }
}

#[cfg(test)]
mod tests;
