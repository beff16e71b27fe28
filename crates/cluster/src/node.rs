//! One boot of a node: keeper and ownership together, behind one door.
//!
//! The shell runs [`Node::poll`] whenever time passed or something came in, carries out what it answers, and brings the answers back. Invariant: an answer that
//! comes from a connection that is gone is never brought back.

use std::time::Duration;

use videorooms_domain::{Epoch, NodeIncarnation, ShardId};
use videorooms_store::ownership::{Refusal, Renewed, StoreIncarnation};

use crate::keeper::{KeeperAction, LeaseKeeper};
use crate::lease::Standing;
use crate::ownership::{Ownership, OwnershipAction};
use crate::time::{Instant, Timing};

/// What the shell must do now.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum NodeAction {
    /// For the keeper's thread.
    Keeper(KeeperAction),
    /// For the actors.
    Ownership(OwnershipAction),
    /// Close sockets, refuse joins; what lives here is released by the actions that follow.
    Fence,
}

/// One boot of a node.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Node {
    /// Lease, connection, membership.
    pub keeper: LeaseKeeper,
    /// Holdings.
    pub ownership: Ownership,
    is_fenced: bool,
}

impl Node {
    /// A node that knows nothing yet, of a cluster with so many shards.
    #[must_use]
    pub fn new(me: NodeIncarnation, shards: u16, timing: Timing, now: Instant) -> Self {
        Self {
            ownership: Ownership::new(me.clone(), shards, &timing),
            keeper: LeaseKeeper::new(me, timing, now),
            is_fenced: true,
        }
    }

    /// The reign in which the shard may be written now, if it may.
    #[must_use]
    pub fn reign(&self, shard: ShardId) -> Option<Epoch> {
        self.keeper.caller()?;
        self.ownership.reign(shard)
    }

    /// May what is not durable (levels, reactions) be said for the shard at this moment: by a holder with a lease whose reign the store confirmed, or by any holder while
    /// the store is away for a majority.
    #[must_use]
    pub fn speaks(&self, now: Instant, shard: ShardId) -> bool {
        let lease = self.keeper.lease();
        match lease.standing() {
            Standing::Live => lease.speaks(now) && self.ownership.reign(shard).is_some(),
            Standing::Frozen => lease.speaks(now) && self.ownership.holdings().any(|(held, _)| held == shard),
            Standing::Suspended | Standing::Fenced => false,
        }
    }

    /// Looks at the clock.
    pub fn poll(&mut self, now: Instant) -> Vec<NodeAction> {
        let mut actions: Vec<_> = self
            .keeper
            .poll(now)
            .into_iter()
            .map(NodeAction::Keeper)
            .collect();
        if self.keeper.caller().is_none() {
            self.ownership.disconnected();
        }
        actions.extend(self.fence());
        if self.keeper.caller().is_some() {
            let (nodes, lease) = (self.keeper.membership().nodes(), self.keeper.lease().is_live(now));
            let due = self.ownership.poll(now, nodes, lease);
            actions.extend(due.into_iter().map(NodeAction::Ownership));
        }
        actions
    }

    /// The store's connection is open.
    pub fn connected(&mut self, now: Instant, store: StoreIncarnation) {
        self.keeper.connected(now, store);
    }

    /// The store's connection is gone.
    pub fn disconnected(&mut self, now: Instant) {
        self.keeper.disconnected(now);
        self.ownership.disconnected();
    }

    /// A renewal was answered.
    pub fn renewed(
        &mut self,
        now: Instant,
        sent: Instant,
        answer: Result<Renewed, Refusal>,
    ) -> Vec<NodeAction> {
        let taken = self.keeper.renewed(now, sent, answer);
        let mut actions: Vec<_> = taken.into_iter().map(NodeAction::Keeper).collect();
        actions.extend(self.fence());
        let lease = self.keeper.lease().is_live(now);
        if let Some(caller) = self.keeper.caller()
            && let Some(table) = self.keeper.membership().table()
        {
            let seen = self
                .ownership
                .view(caller.store, self.keeper.membership().nodes(), table, lease);
            actions.extend(seen.into_iter().map(NodeAction::Ownership));
        }
        actions
    }

    fn fence(&mut self) -> Vec<NodeAction> {
        let is_fenced = self.keeper.lease().standing() == Standing::Fenced;
        let was_fenced = std::mem::replace(&mut self.is_fenced, is_fenced);
        if was_fenced || !is_fenced {
            return Vec::new();
        }
        let released = self.ownership.fenced().into_iter().map(NodeAction::Ownership);
        std::iter::once(NodeAction::Fence).chain(released).collect()
    }

    /// See [`Instant::set_back`].
    pub fn set_back(&mut self, by: Duration) {
        self.keeper.set_back(by);
        self.ownership.set_back(by);
    }
}
