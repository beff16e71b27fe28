//! A node's right to speak for its shards. It is renewed at the store and counts from the moment at which the renewal was *sent*; it needs no
//! clock but the node's own.
//!
//! The lease makes nothing durable safe: the store checks epochs with each commit. It silences what was never committed, so that a node that
//! was paused or cut off does not go on talking to people as if it still were the owner.
//!
//! ```text
//!            lease past             3 s past, and no majority is cut off
//!   live ──────────────► suspended ──────────────────────────────────────► fenced
//!    ▲  ▲                  │    ▲                                            ▲  │
//!    │  └── renewed ───────┘    │ majority no longer sure                    │  │
//!    │                          ▼                                            │  │
//!    ├───── renewed ───────── frozen ── … and 3 s past the lease ────────────┘  │
//!    └───── renewed, without shards ────────────────────────────────────────────┘
//! ```
//!
//! Invariants, each held by the tests against random histories:
//! 1. Nobody speaks for a shard at or after the end of its lease, but of what is ephemeral while frozen.
//! 2. Frozen is only who knows of a majority of the last known nodes, itself among them, that it cannot reach the store either.
//! 3. What is lost is said to be lost once, by [`Change::Lost`], and before anything new is owned.
//! 4. Without renewals and without a majority, every history ends fenced within [`LeaseTimes::lease`] + [`LeaseTimes::patience`].

use std::collections::BTreeMap;
use std::time::Duration;

use videorooms_domain::NodeId;

use crate::Time;

/// How long things last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseTimes {
    /// From the send of a renewal on.
    pub lease: Duration,
    /// From the end of the lease until the shards are given up.
    pub patience: Duration,
    /// What another node said of the store counts for so long.
    pub word: Duration,
}

impl Default for LeaseTimes {
    fn default() -> Self {
        Self {
            lease: Duration::from_millis(900),
            patience: Duration::from_secs(3),
            word: Duration::from_millis(1000),
        }
    }
}

/// What a node may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LeaseState {
    /// All.
    Live,
    /// Keep its shards, and say nothing for them.
    Suspended,
    /// Say what is ephemeral: nobody else can have taken its shards.
    Frozen,
    /// Nothing: it has no shards.
    Fenced,
}

/// What the store answered to a renewal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewal {
    /// The node's shards are its own still, by their epochs.
    Held,
    /// It was declared dead meanwhile, or the store knows nothing of it: what it had is another's, or nobody's.
    Replaced,
}

/// What has to follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is in this state now; shards stay as they are.
    Now(LeaseState),
    /// The shards are gone: drop what lives in them without a word. In this state the node goes on.
    Lost(LeaseState),
}

/// The lease of one boot of a node.
#[derive(Debug, Clone)]
pub struct Lease {
    times: LeaseTimes,
    state: LeaseState,
    /// Its end, were it not renewed.
    until: Time,
    /// Nodes that said that they cannot reach the store, and when.
    cut_off: BTreeMap<NodeId, Time>,
    /// The last known nodes beside this one.
    others: Vec<NodeId>,
}

impl Lease {
    /// Before the first renewal: nothing is owned.
    #[must_use]
    pub fn new(times: LeaseTimes) -> Self {
        Self {
            times,
            state: LeaseState::Fenced,
            until: Time::default(),
            cut_off: BTreeMap::new(),
            others: Vec::new(),
        }
    }

    /// How it stood when it was last told the time.
    #[must_use]
    pub fn state(&self) -> LeaseState {
        self.state
    }

    /// May the node speak for its shards at this moment. To be asked before each word, not only after a [`Self::tick`]: a process may have been
    /// paused in between.
    #[must_use]
    pub fn speaks(&self, now: Time) -> bool {
        self.state == LeaseState::Live && now < self.until
    }

    /// When something changes by itself, if nothing is heard: [`Self::tick`] has to be called then.
    #[must_use]
    pub fn next(&self) -> Option<Time> {
        match self.state {
            LeaseState::Live => Some(self.until),
            LeaseState::Suspended => Some(self.until + self.times.patience),
            LeaseState::Frozen => self.cut_off.values().min().map(|said| *said + self.times.word),
            LeaseState::Fenced => None,
        }
    }

    /// The store answered a renewal that was sent at `sent`, and told who else there is. Answers that overtake each other do no harm.
    pub fn renewed(
        &mut self,
        now: Time,
        sent: Time,
        renewal: Renewal,
        others: impl IntoIterator<Item = NodeId>,
    ) -> Option<Change> {
        self.others = others.into_iter().collect();
        self.cut_off.clear();
        self.until = self.until.max(sent + self.times.lease);
        let before = self.state;
        if now >= self.until {
            // The answer was too long on its way. What it says of the shards counts all the same.
            let replaced = renewal == Renewal::Replaced && before != LeaseState::Fenced;
            return if replaced {
                self.state = LeaseState::Fenced;
                Some(Change::Lost(LeaseState::Fenced))
            } else {
                self.tick(now)
            };
        }
        self.state = LeaseState::Live;
        match (before, renewal) {
            (LeaseState::Fenced, _) | (LeaseState::Suspended | LeaseState::Frozen, Renewal::Held) => {
                Some(Change::Now(LeaseState::Live))
            }
            (LeaseState::Live, Renewal::Held) => None,
            (LeaseState::Live | LeaseState::Suspended | LeaseState::Frozen, Renewal::Replaced) => {
                Some(Change::Lost(LeaseState::Live))
            }
        }
    }

    /// Another node said on its link whether it reaches the store.
    pub fn heard(&mut self, now: Time, from: NodeId, reaches_store: bool) -> Option<Change> {
        if reaches_store {
            self.cut_off.remove(&from);
        } else if self.others.contains(&from) {
            self.cut_off.insert(from, now);
        }
        self.tick(now)
    }

    /// Time passes.
    pub fn tick(&mut self, now: Time) -> Option<Change> {
        let word = self.times.word;
        self.cut_off.retain(|_, said| now.since(*said) < word);
        if self.state == LeaseState::Fenced || now < self.until {
            return None;
        }
        let state = if self.is_majority_cut_off() {
            LeaseState::Frozen
        } else if now < self.until + self.times.patience {
            LeaseState::Suspended
        } else {
            LeaseState::Fenced
        };
        if state == self.state {
            return None;
        }
        self.state = state;
        Some(match state {
            LeaseState::Fenced => Change::Lost(state),
            LeaseState::Live | LeaseState::Suspended | LeaseState::Frozen => Change::Now(state),
        })
    }

    /// The node itself is one of them: it would not ask otherwise.
    fn is_majority_cut_off(&self) -> bool {
        let (cut_off, all) = (self.cut_off.len() + 1, self.others.len() + 1);
        2 * cut_off > all
    }
}

#[cfg(test)]
mod tests;
