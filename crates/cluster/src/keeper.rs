//! The LeaseKeeper's mind: when to connect to the store, when to renew, whom to declare dead. It runs on a thread and a connection of its own, so
//! that a busy runtime does not cost a node its life, and a dead one does.
//!
//! # Invariants
//! * **K1** At most one renewal is on its way. One that is not answered within `answer_within` ends its connection: its fate is unknown, and so
//!   is that of everything else sent on it.
//! * **K2** Answers to what was sent on an earlier connection are ignored.
//! * **K3** A node whose runtime has not ticked for `runtime_stall` does not renew, and is not frozen; it stays connected.
//! * **K4** Only a node with a lease judges others, and a node that lost its lease begins a new streak.
//! * **K5** A boot that was superseded does nothing any more.

use std::time::Duration;

use videorooms_domain::NodeIncarnation;
use videorooms_store::ownership::{
    Caller, Declaration, Generation, NotDeclared, Refusal, Renewed, StoreIncarnation,
};

use crate::lease::Lease;
use crate::membership::Membership;
use crate::time::{Instant, Timing};

/// What the thread must do now.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum KeeperAction {
    /// Open a new connection and run the opening script on it.
    Connect,
    /// Close the connection.
    Disconnect,
    /// Renew, and give back the answer with `sent`.
    Renew {
        /// In whose name.
        caller: Caller,
        /// Whose table is known.
        cached: Option<Generation>,
        /// Now.
        sent: Instant,
    },
    /// Declare a node dead.
    Declare(Caller, Declaration),
    /// A newer boot of this node runs: end the process.
    Stop,
}

/// Lease, connection and membership of one boot.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LeaseKeeper {
    me: NodeIncarnation,
    timing: Timing,
    lease: Lease,
    membership: Membership,
    connection: Connection,
    /// Before the next attempt to connect; nothing once a renewal was answered.
    wait: Duration,
    /// The life of the store that was seen last.
    store: Option<StoreIncarnation>,
    generation: Generation,
    runtime_ticked: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Connection {
    Closed { retry: Instant },
    Opening { since: Instant },
    Open { store: StoreIncarnation, renew: Renewal },
    Over,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Renewal {
    Due(Instant),
    Sent(Instant),
}

impl LeaseKeeper {
    /// A keeper that connects at the first poll.
    #[must_use]
    pub fn new(me: NodeIncarnation, timing: Timing, now: Instant) -> Self {
        Self {
            lease: Lease::new(&timing),
            membership: Membership::new(me.clone(), &timing),
            connection: Connection::Closed { retry: now },
            wait: Duration::ZERO,
            store: None,
            generation: Generation::default(),
            runtime_ticked: now,
            me,
            timing,
        }
    }

    /// The lease.
    #[must_use]
    pub fn lease(&self) -> &Lease {
        &self.lease
    }

    /// What is known of the others.
    #[must_use]
    pub fn membership(&self) -> &Membership {
        &self.membership
    }

    /// For what links show.
    pub fn membership_mut(&mut self) -> &mut Membership {
        &mut self.membership
    }

    /// In whose name scripts run on a connection of the present life of the store; none while there is no connection.
    #[must_use]
    pub fn caller(&self) -> Option<Caller> {
        match self.connection {
            Connection::Open { store, .. } => Some(self.caller_in(store)),
            Connection::Closed { .. } | Connection::Opening { .. } | Connection::Over => None,
        }
    }

    /// What this node tells others about the store.
    #[must_use]
    pub fn reaches_store(&self, now: Instant) -> bool {
        self.lease.is_live(now)
    }

    /// The node's runtime lives.
    pub fn runtime_ticked(&mut self, now: Instant) {
        self.runtime_ticked = now;
    }

    /// Looks at the clock; call it at [`Self::wakes_at`] and after every input.
    pub fn poll(&mut self, now: Instant) -> Vec<KeeperAction> {
        self.lease.poll(now, self.agrees_without_store(now));
        if !self.lease.is_live(now) {
            self.membership.interrupted();
        }
        let mut actions = Vec::new();
        actions.extend(self.connect(now));
        actions.extend(self.renew(now));
        if let Some(caller) = self.caller().filter(|_| self.lease.is_live(now)) {
            let due = self.membership.judge(now);
            actions.extend(due.map(|declaration| KeeperAction::Declare(caller, declaration)));
        }
        actions
    }

    /// The connection is open, in this life of the store.
    pub fn connected(&mut self, now: Instant, store: StoreIncarnation) {
        if !matches!(self.connection, Connection::Opening { .. }) {
            return;
        }
        if self.store.replace(store) != Some(store) {
            self.membership.store_changed();
        }
        let renew = Renewal::Due(now);
        self.connection = Connection::Open { store, renew };
    }

    /// The connection broke or could not be made.
    pub fn disconnected(&mut self, now: Instant) {
        if self.connection == Connection::Over {
            return;
        }
        let retry = now.after(self.wait);
        self.connection = Connection::Closed { retry };
        let most = self.timing.reconnect_within;
        self.wait = (self.wait * 2).clamp(most / 8, most);
        self.membership.interrupted();
    }

    /// The renewal sent at `sent` was answered.
    pub fn renewed(
        &mut self,
        now: Instant,
        sent: Instant,
        answer: Result<Renewed, Refusal>,
    ) -> Vec<KeeperAction> {
        let Connection::Open { renew, .. } = &mut self.connection else {
            return Vec::new();
        };
        if *renew != Renewal::Sent(sent) {
            return Vec::new();
        }
        match answer {
            Ok(renewed) => {
                *renew = Renewal::Due(sent.after(self.timing.renew_every));
                self.wait = Duration::ZERO;
                self.generation = self.generation.max(renewed.generation);
                let agreed = self.agrees_without_store(now);
                self.lease.poll(now, agreed);
                self.lease.renewed(now, sent);
                self.membership.renewed(now, sent, renewed);
                Vec::new()
            }
            Err(Refusal::Superseded(_)) => {
                self.connection = Connection::Over;
                vec![KeeperAction::Disconnect, KeeperAction::Stop]
            }
            Err(
                Refusal::StoreChanged
                | Refusal::Settling
                | Refusal::Forgotten
                | Refusal::NotAlive
                | Refusal::Lost(_),
            ) => {
                self.disconnected(now);
                vec![KeeperAction::Disconnect]
            }
        }
    }

    /// What became of a declaration. Whatever it is, the next view is fetched at once.
    pub fn declared(&mut self, now: Instant, answer: &Result<Generation, NotDeclared>) {
        if let Ok(generation) = answer {
            self.generation = self.generation.max(*generation);
        }
        self.refresh(now);
    }

    /// Someone has seen a later table: it is fetched at once, with the next renewal.
    pub fn refresh(&mut self, now: Instant) {
        if let Connection::Open { renew, .. } = &mut self.connection
            && let Renewal::Due(at) = renew
        {
            *at = now.min(*at);
        }
    }

    /// When to poll next if nothing comes in.
    #[must_use]
    pub fn wakes_at(&self, now: Instant) -> Option<Instant> {
        let stalls = self.runtime_ticked.after(self.timing.runtime_stall);
        let next = match self.connection {
            Connection::Closed { retry } => Some(retry),
            Connection::Opening { since } => Some(since.after(self.timing.answer_within)),
            Connection::Open {
                renew: Renewal::Sent(at),
                ..
            } => Some(at.after(self.timing.answer_within)),
            Connection::Open {
                renew: Renewal::Due(at),
                ..
            } => Some(at).filter(|at| *at < stalls),
            Connection::Over => return None,
        };
        let judges = self.membership.judges_at().filter(|_| self.lease.is_live(now));
        let lease = self.lease.changes_at();
        [next, judges, lease].into_iter().flatten().min()
    }

    fn connect(&mut self, now: Instant) -> Option<KeeperAction> {
        match self.connection {
            Connection::Closed { retry } if now >= retry => {
                self.connection = Connection::Opening { since: now };
                Some(KeeperAction::Connect)
            }
            Connection::Opening { since } if self.is_overdue(now, since) => {
                self.disconnected(now);
                Some(KeeperAction::Disconnect)
            }
            Connection::Closed { .. }
            | Connection::Opening { .. }
            | Connection::Open { .. }
            | Connection::Over => None,
        }
    }

    fn renew(&mut self, now: Instant) -> Option<KeeperAction> {
        let Connection::Open { store, renew } = self.connection else {
            return None;
        };
        match renew {
            Renewal::Sent(at) if self.is_overdue(now, at) => {
                self.disconnected(now);
                Some(KeeperAction::Disconnect)
            }
            Renewal::Due(at) if now >= at && !self.is_stalled(now) => {
                let (renew, sent) = (Renewal::Sent(now), now);
                self.connection = Connection::Open { store, renew };
                let (caller, cached) = (self.caller_in(store), self.membership.cached());
                Some(KeeperAction::Renew { caller, cached, sent })
            }
            Renewal::Sent(_) | Renewal::Due(_) => None,
        }
    }

    /// A node that stands still has lost its lease by its own fault, whatever the others say of the store.
    fn agrees_without_store(&self, now: Instant) -> bool {
        !self.is_stalled(now) && self.membership.agrees_without_store(now)
    }

    fn is_stalled(&self, now: Instant) -> bool {
        now.since(self.runtime_ticked) >= self.timing.runtime_stall
    }

    fn is_overdue(&self, now: Instant, sent: Instant) -> bool {
        now.since(sent) >= self.timing.answer_within
    }

    fn caller_in(&self, store: StoreIncarnation) -> Caller {
        Caller {
            node: self.me.clone(),
            store,
            generation: self.generation,
        }
    }

    /// See [`Instant::set_back`].
    pub fn set_back(&mut self, by: Duration) {
        self.lease.set_back(by);
        self.membership.set_back(by);
        self.runtime_ticked.set_back(by);
        match &mut self.connection {
            Connection::Closed { retry: at }
            | Connection::Opening { since: at }
            | Connection::Open {
                renew: Renewal::Due(at) | Renewal::Sent(at),
                ..
            } => at.set_back(by),
            Connection::Over => {}
        }
    }
}

#[cfg(test)]
mod tests;
