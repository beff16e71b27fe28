//! What the store's scripts mean, as functions over a value: the specification of every adapter that keeps ownership.
//!
//! A script is one atomic step. Whatever two nodes believe, their scripts happen one after the other, and this is the only place where ownership
//! changes hands. Answers may be lost: a script that is sent again says the same or refuses, and never does a thing twice.
//!
//! # Invariants
//! * **S1** A shard has one owner, and an epoch is given to one owner of it only: a new one is above what is stored, above what the caller knows,
//!   and not below the store's clock, so that data which the store lost cannot be given out again.
//! * **S2** Nothing is written for a shard but in the name of its owner, in its epoch and in this life of the store ([`Ledger::fence`]).
//! * **S3** In the first part of a life of the store, commits, claims, hand-offs and declarations are put off: who holds a shard says so first, and of two who
//!   do the later reign stays ([`Ledger::re_assert`]).
//! * **S4** The generation rises with every change of a node's state or of an owner. Who decided on another generation is refused.
//! * **S5** Nobody is declared dead whose beat is younger than the limit by the store's own clock, nor by anyone who is not alive.
//! * **S6** A row is of the newest boot of its node; an earlier one may do nothing any more.

mod declare;
mod re_assert;

use std::time::Duration;

use videorooms_domain::{Epoch, NodeIncarnation, ShardId};

pub use declare::{Declaration, NotDeclared};
pub use re_assert::{Lost, ReAssertion};

use crate::ownership::values::{
    Generation, NodeRow, NodeState, NodeView, Nodes, Profile, ShardRow, StoreIncarnation, StoreTime, Table,
};

/// Everything that the scripts read and write.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Ledger {
    /// The life on record; connections of other lives are refused.
    pub incarnation: Option<StoreIncarnation>,
    /// When it was put on record, in the store's milliseconds.
    pub since_ms: u64,
    /// Of nodes and table.
    pub generation: Generation,
    /// By name.
    pub nodes: Nodes,
    /// By shard.
    pub table: Table,
    settle: Duration,
}

/// In whose name a script runs; part of every call.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Caller {
    /// The node's boot.
    pub node: NodeIncarnation,
    /// The life of the store that its connection was opened in.
    pub store: StoreIncarnation,
    /// The highest generation that it has seen in any life.
    pub generation: Generation,
}

/// Why a script did nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// The connection is of an earlier life of the store: open a new one.
    #[error("the store is not the one that the connection was opened to")]
    StoreChanged,
    /// The store has not been in this life for long enough: keep everything and try again.
    #[error("the store is new, its data may be behind")]
    Settling,
    /// The store lost the caller's reign: re-assert it.
    #[error("the store knows of an earlier reign only")]
    Forgotten,
    /// A newer boot of the caller's node has renewed: this one is over.
    #[error("a newer boot of this node is in the table: {0}")]
    Superseded(u64),
    /// The caller has no living row: renew first.
    #[error("this node is not in the table or was declared dead")]
    NotAlive,
    /// It is not the caller's to give or take.
    #[error(transparent)]
    Lost(#[from] Lost),
}

/// The answer to a renewal.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Renewed {
    /// Of what follows.
    pub generation: Generation,
    /// All nodes, by name.
    pub nodes: Vec<NodeView>,
    /// All shards, if the caller does not have this generation.
    pub table: Option<Table>,
}

/// A shard and a reign of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reign {
    /// Which shard.
    pub shard: ShardId,
    /// Which reign.
    pub epoch: Epoch,
}

impl Ledger {
    /// An empty store.
    #[must_use]
    pub fn new(settle: Duration) -> Self {
        Self {
            incarnation: None,
            since_ms: 0,
            generation: Generation::default(),
            nodes: Nodes::default(),
            table: Table::default(),
            settle,
        }
    }

    /// Runs first on every connection: puts the life `run_id` on record, with the time, if it is another one than that on record.
    pub fn open(&mut self, time: StoreTime, run_id: StoreIncarnation) {
        if self.incarnation != Some(run_id) {
            self.incarnation = Some(run_id);
            self.since_ms = time.ms;
        }
    }

    /// Renews the caller's row, or makes it; `cached` is the generation whose table the caller has from this life of the store. Who was declared dead comes
    /// back; what it owned belongs to others.
    ///
    /// # Errors
    /// [`Refusal::StoreChanged`], [`Refusal::Superseded`].
    pub fn renew(
        &mut self,
        time: StoreTime,
        caller: &Caller,
        profile: &Profile,
        cached: Option<Generation>,
    ) -> Result<Renewed, Refusal> {
        self.check_boot(caller)?;
        let row = NodeRow {
            incarnation: caller.node.incarnation,
            profile: profile.clone(),
            state: if profile.draining {
                NodeState::Draining
            } else {
                NodeState::Up
            },
            beat_ms: time.ms,
        };
        let same = |before: &NodeRow| {
            before.incarnation == row.incarnation
                && before.state == row.state
                && before.profile.weight == row.profile.weight
        };
        let changed = !self.nodes.get(&caller.node.node).is_some_and(same);
        self.nodes.insert(caller.node.node.clone(), row);
        if changed {
            self.raise_generation(time, caller);
        }
        Ok(Renewed {
            generation: self.generation,
            nodes: self.views(time),
            table: (cached != Some(self.generation)).then(|| self.table.clone()),
        })
    }

    /// Takes a shard that has no living owner, or begins a new reign of a shard that the caller owns; `known` is the highest epoch of it that the
    /// caller has seen. Sent again it begins one more reign.
    ///
    /// # Errors
    /// Any [`Refusal`].
    pub fn claim(
        &mut self,
        time: StoreTime,
        caller: &Caller,
        shard: ShardId,
        known: Epoch,
    ) -> Result<Epoch, Refusal> {
        self.check_settled(time, caller)?;
        self.check_alive(caller)?;
        if let Some(row) = self.table.get(&shard)
            && row.owner != caller.node
            && self.is_alive(&row.owner)
        {
            return Err(Lost::to(row).into());
        }
        Ok(self.enthrone(time, caller, shard, &caller.node, known))
    }

    /// Gives a shard of the caller's to another node.
    ///
    /// # Errors
    /// Any [`Refusal`]; [`Refusal::NotAlive`] also if `to` is not alive. [`Refusal::Lost`] names `to` if this was done before.
    pub fn hand_off(
        &mut self,
        time: StoreTime,
        caller: &Caller,
        reign: Reign,
        to: &NodeIncarnation,
    ) -> Result<Epoch, Refusal> {
        self.fence(time, caller, reign)?;
        if !self.is_alive(to) {
            return Err(Refusal::NotAlive);
        }
        Ok(self.enthrone(time, caller, reign.shard, to, reign.epoch))
    }

    /// May the caller write in this reign: the check in front of every commit, in one script with the write. A shard that is
    /// behind the caller's epoch was lost by the store: [`Refusal::Forgotten`].
    ///
    /// # Errors
    /// [`Refusal::StoreChanged`], [`Refusal::Settling`], [`Refusal::Forgotten`], [`Refusal::Superseded`], [`Refusal::Lost`].
    pub fn fence(&self, time: StoreTime, caller: &Caller, reign: Reign) -> Result<(), Refusal> {
        self.check_settled(time, caller)?;
        self.check_boot(caller)?;
        match self.table.get(&reign.shard) {
            Some(row) if row.epoch == reign.epoch && row.owner == caller.node => Ok(()),
            Some(row) if row.epoch >= reign.epoch => Err(Lost::to(row).into()),
            Some(_) | None => Err(Refusal::Forgotten),
        }
    }

    /// Is this boot in the table and not declared dead.
    #[must_use]
    pub fn is_alive(&self, node: &NodeIncarnation) -> bool {
        let row = self.nodes.get(&node.node);
        row.is_some_and(|row| row.incarnation == node.incarnation && row.state != NodeState::Dead)
    }

    fn views(&self, time: StoreTime) -> Vec<NodeView> {
        let view = |(node, row): (&_, &NodeRow)| NodeView {
            node: NodeIncarnation {
                node: Clone::clone(node),
                incarnation: row.incarnation,
            },
            profile: row.profile.clone(),
            state: row.state,
            age: Duration::from_millis(time.ms.saturating_sub(row.beat_ms)),
        };
        self.nodes.iter().map(view).collect()
    }

    fn check_connection(&self, caller: &Caller) -> Result<(), Refusal> {
        if self.incarnation == Some(caller.store) {
            Ok(())
        } else {
            Err(Refusal::StoreChanged)
        }
    }

    fn check_boot(&self, caller: &Caller) -> Result<(), Refusal> {
        self.check_connection(caller)?;
        match self.nodes.get(&caller.node.node) {
            Some(row) if row.incarnation > caller.node.incarnation => {
                Err(Refusal::Superseded(row.incarnation))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn check_settled(&self, time: StoreTime, caller: &Caller) -> Result<(), Refusal> {
        self.check_connection(caller)?;
        if self.is_settling(time) {
            Err(Refusal::Settling)
        } else {
            Ok(())
        }
    }

    fn is_settling(&self, time: StoreTime) -> bool {
        Duration::from_millis(time.ms.saturating_sub(self.since_ms)) < self.settle
    }

    fn check_alive(&self, caller: &Caller) -> Result<(), Refusal> {
        self.check_boot(caller)?;
        if self.is_alive(&caller.node) {
            Ok(())
        } else {
            Err(Refusal::NotAlive)
        }
    }

    fn enthrone(
        &mut self,
        time: StoreTime,
        caller: &Caller,
        shard: ShardId,
        owner: &NodeIncarnation,
        known: Epoch,
    ) -> Epoch {
        let stored = self.table.get(&shard).map_or(0, |row| row.epoch.0);
        let epoch = Epoch(fresh(stored, known.0, time));
        let row = ShardRow {
            owner: owner.clone(),
            epoch,
            re_asserted: None,
        };
        self.table.insert(shard, row);
        self.raise_generation(time, caller);
        epoch
    }

    fn raise_generation(&mut self, time: StoreTime, caller: &Caller) {
        self.generation = Generation(fresh(self.generation.0, caller.generation.0, time));
    }
}

/// A number that was never given out: above what is stored and what the caller knows, and not below the clock in case neither knows.
fn fresh(stored: u64, known: u64, time: StoreTime) -> u64 {
    (stored + 1).max(known.saturating_add(1)).max(time.floor)
}

#[cfg(test)]
mod tests;
