//! Which shards this node holds, and what it does to get, keep and give them. It knows of a shard only its reign and whether anything lives in it.
//!
//! The table is the truth about who owns what; this is what one node makes of the last view of it. Being wrong is harmless: every script and every
//! commit is checked by the store.
//!
//! # Invariants
//! * **O1** A shard is served ([`Ownership::reign`]) only in a reign that the store confirmed in its present life, and by one who holds a lease or
//!   waits for it: a fenced node holds nothing.
//! * **O2** A reign that was released is never served again; who owns such a shard begins a new one.
//! * **O3** After the store began a new life every holding is re-asserted before it is served; what lives in it is kept meanwhile.
//! * **O4** At most one request is on its way for a shard.
//! * **O5** Idle shards that belong elsewhere are handed off one in each `hand_off_every`; one in use never, but to drain ([`Ownership::drain`]).

mod drain;

use std::collections::BTreeMap;
use std::time::Duration;

use videorooms_domain::{Epoch, NodeIncarnation, ShardId};
use videorooms_store::ownership::{
    Fate, NodeState, NodeView, ReAssertion, Refusal, Reign, ShardRow, StoreIncarnation, Table,
};

pub use drain::MAX_MOVING;

use crate::placement;
use crate::time::{Instant, Timing};
use drain::Move;

/// What the node must do now.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum OwnershipAction {
    /// Run the script; `known` is the highest epoch seen.
    Claim {
        /// Which shard.
        shard: ShardId,
        /// Of it.
        known: Epoch,
    },
    /// Run the script.
    ReAssert(ReAssertion),
    /// Run the script.
    HandOff {
        /// What is given.
        reign: Reign,
        /// To whom.
        to: NodeIncarnation,
    },
    /// The shard is ours: its rooms may be loaded and served in this reign.
    Serve(Reign),
    /// The shard goes on in this reign: restore in it what the store lost, then send again what is pending.
    Resume(Reign),
    /// Drop what lives in the shard; it is another's, or nobody knows.
    Release(ShardId),
    /// Have the target load the shard's rooms and tell it what is ephemeral and who listens; answer with [`Ownership::prepared`].
    Prepare {
        /// Which shard.
        shard: ShardId,
        /// The next owner.
        to: NodeIncarnation,
    },
    /// Take no more commands for the shard and finish its commits; answer with [`Ownership::flushed`].
    Flush(ShardId),
    /// Take commands for the shard again: it stays.
    Reopen(ShardId),
    /// The shard is the target's: send it what came since it prepared, then answer all that waits with `moved`, and drop what lived here.
    Tail {
        /// The new reign.
        reign: Reign,
        /// Its owner.
        to: NodeIncarnation,
    },
}

/// The holdings of one boot.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Ownership {
    me: NodeIncarnation,
    shards: u16,
    hand_off_every: Duration,
    look_every: Duration,
    step_within: Duration,
    store: Option<StoreIncarnation>,
    held: BTreeMap<ShardId, Holding>,
    /// Claims on their way.
    claims: BTreeMap<ShardId, ()>,
    /// The highest epoch of a shard that this boot knows of, so that what was released is not served again.
    released: BTreeMap<ShardId, Epoch>,
    next_hand_off: Instant,
    is_draining: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Holding {
    epoch: Epoch,
    /// The life of the store that confirmed it last; another one than the present means that it is to be re-asserted.
    confirmed: Option<StoreIncarnation>,
    is_in_use: bool,
    is_asked: bool,
    moving: Option<Move>,
}

impl Ownership {
    /// Holds nothing; `shards` is the number of shards of the cluster.
    #[must_use]
    pub fn new(me: NodeIncarnation, shards: u16, timing: &Timing) -> Self {
        Self {
            me,
            shards,
            hand_off_every: timing.hand_off_every,
            look_every: timing.look_every,
            step_within: timing.fence_after,
            store: None,
            held: BTreeMap::new(),
            claims: BTreeMap::new(),
            released: BTreeMap::new(),
            next_hand_off: Instant::default(),
            is_draining: false,
        }
    }

    /// The reign in which the shard may be written now, if it may.
    #[must_use]
    pub fn reign(&self, shard: ShardId) -> Option<Epoch> {
        let holding = self.held.get(&shard)?;
        let is_flushed = holding.moving.as_ref().is_some_and(Move::is_closed);
        (self.is_confirmed(holding) && !is_flushed).then_some(holding.epoch)
    }

    /// Everything that is held, confirmed or not, and whether anything lives in it.
    pub fn holdings(&self) -> impl Iterator<Item = (ShardId, bool)> {
        self.held
            .iter()
            .map(|(shard, holding)| (*shard, holding.is_in_use))
    }

    /// Does anything live in the shard.
    pub fn in_use(&mut self, shard: ShardId, is_in_use: bool) {
        if let Some(holding) = self.held.get_mut(&shard) {
            holding.is_in_use = is_in_use;
        }
    }

    /// Every connection to the store is gone: what was sent has an unknown fate.
    pub fn disconnected(&mut self) {
        self.claims.clear();
        self.held
            .values_mut()
            .for_each(|holding| holding.is_asked = false);
    }

    /// The node is fenced: everything is dropped.
    pub fn fenced(&mut self) -> Vec<OwnershipAction> {
        let shards: Vec<_> = self.held.keys().copied().collect();
        shards.into_iter().map(|shard| self.release(shard)).collect()
    }

    /// A renewal was answered in this life of the store; what the table says is taken over. Without a `lease` nothing new is taken.
    pub fn view(
        &mut self,
        store: StoreIncarnation,
        nodes: &[NodeView],
        table: &Table,
        lease: bool,
    ) -> Vec<OwnershipAction> {
        if self.store.replace(store) != Some(store) {
            self.disconnected();
        }
        let mut actions = Vec::new();
        for shard in (0..self.shards).map(ShardId) {
            let row = table.get(&shard);
            if self.held.contains_key(&shard) {
                actions.extend(self.review(shard, row));
            }
            if !self.held.contains_key(&shard) && lease {
                actions.extend(self.take(shard, row, nodes));
            }
        }
        actions
    }

    /// What became of a claim.
    pub fn claimed(&mut self, shard: ShardId, fate: Fate<Epoch>) -> Vec<OwnershipAction> {
        let was_asked = self.claims.remove(&shard).is_some();
        match fate {
            Fate::Done(epoch) if was_asked && !self.held.contains_key(&shard) => {
                self.hold(shard, epoch).into_iter().collect()
            }
            Fate::Done(_) | Fate::Refused(_) | Fate::Unknown => Vec::new(),
        }
    }

    /// What became of a re-assertion of the shard as held in `held`.
    pub fn re_asserted(&mut self, held: Reign, fate: Fate<Epoch>) -> Vec<OwnershipAction> {
        let Reign { shard, epoch } = held;
        let store = self.store;
        let Some(holding) = self.held.get_mut(&shard).filter(|holding| holding.epoch == epoch) else {
            return Vec::new();
        };
        holding.is_asked = false;
        match fate {
            Fate::Done(epoch) => {
                holding.epoch = epoch;
                holding.confirmed = store;
                vec![OwnershipAction::Resume(Reign { shard, epoch })]
            }
            Fate::Refused(Refusal::Lost(_)) => vec![self.release(shard)],
            Fate::Refused(_) | Fate::Unknown => Vec::new(),
        }
    }

    /// A commit in this reign was refused because the shard is another's.
    pub fn deposed(&mut self, reign: Reign) -> Vec<OwnershipAction> {
        let holds = self
            .held
            .get(&reign.shard)
            .is_some_and(|holding| holding.epoch == reign.epoch);
        holds.then(|| self.release(reign.shard)).into_iter().collect()
    }

    /// A commit was told that the store changed: the shard is to be re-asserted.
    pub fn store_changed(&mut self, reign: Reign) {
        if let Some(holding) = self.held.get_mut(&reign.shard)
            && holding.epoch == reign.epoch
        {
            holding.confirmed = None;
        }
    }

    /// What is due: re-assertions, and, with a `lease`, hand-offs.
    pub fn poll(&mut self, now: Instant, nodes: &[NodeView], lease: bool) -> Vec<OwnershipAction> {
        let mut actions = self.re_assertions();
        if lease && self.store.is_some() {
            actions.extend(self.advance_moves(now, nodes));
            actions.extend(self.hand_off_idle(now, nodes));
        }
        actions
    }

    fn re_assertions(&mut self) -> Vec<OwnershipAction> {
        let Some(store) = self.store else {
            return Vec::new();
        };
        let unsure = self
            .held
            .iter_mut()
            .filter(|(_, holding)| holding.confirmed != Some(store) && !holding.is_asked);
        let ask = |(shard, holding): (&ShardId, &mut Holding)| {
            holding.is_asked = true;
            let (shard, held) = (*shard, holding.epoch);
            OwnershipAction::ReAssert(ReAssertion { shard, held })
        };
        unsure.map(ask).collect()
    }

    /// Holds the table against a holding.
    fn review(&mut self, shard: ShardId, row: Option<&ShardRow>) -> Option<OwnershipAction> {
        let store = self.store;
        let me = &self.me;
        let holding = self.held.get_mut(&shard)?;
        if holding.confirmed != store {
            // The table of a store that may have lost its end proves nothing; the re-assertion will.
            return None;
        }
        match row {
            Some(row) if row.epoch == holding.epoch && row.owner == *me => None,
            Some(row) if row.epoch >= holding.epoch => Some(self.release(shard)),
            Some(_) | None => {
                // A view from before the claim was answered shows this, too; to say it once more does no harm.
                holding.confirmed = None;
                None
            }
        }
    }

    /// Takes what the table gives, and asks for what nobody has.
    fn take(
        &mut self,
        shard: ShardId,
        row: Option<&ShardRow>,
        nodes: &[NodeView],
    ) -> Option<OwnershipAction> {
        let released = self.released.get(&shard).copied().unwrap_or_default();
        let stored = row.map_or(Epoch::default(), |row| row.epoch);
        match row {
            Some(row) if row.owner == self.me && row.epoch > released => return self.hold(shard, row.epoch),
            Some(row) if row.owner == self.me => {}
            Some(row) if is_alive(&row.owner, nodes) => return None,
            Some(_) | None if placement::home(shard, nodes) != Some(&self.me) => return None,
            Some(_) | None => {}
        }
        let known = released.max(stored);
        let is_new = self.claims.insert(shard, ()).is_none();
        is_new.then_some(OwnershipAction::Claim { shard, known })
    }

    fn hold(&mut self, shard: ShardId, epoch: Epoch) -> Option<OwnershipAction> {
        if self
            .released
            .get(&shard)
            .is_some_and(|released| *released >= epoch)
        {
            return None;
        }
        let holding = Holding {
            epoch,
            confirmed: self.store,
            is_in_use: false,
            is_asked: false,
            moving: None,
        };
        self.held.insert(shard, holding);
        Some(OwnershipAction::Serve(Reign { shard, epoch }))
    }

    fn release(&mut self, shard: ShardId) -> OwnershipAction {
        if let Some(holding) = self.held.remove(&shard) {
            let released = self.released.entry(shard).or_default();
            *released = holding.epoch.max(*released);
        }
        OwnershipAction::Release(shard)
    }

    fn is_confirmed(&self, holding: &Holding) -> bool {
        holding.confirmed.is_some() && holding.confirmed == self.store
    }

    /// See [`Instant::set_back`].
    pub fn set_back(&mut self, by: Duration) {
        self.next_hand_off.set_back(by);
        let moves = self
            .held
            .values_mut()
            .filter_map(|holding| holding.moving.as_mut());
        moves.for_each(|moving| moving.set_back(by));
    }
}

fn is_alive(node: &NodeIncarnation, nodes: &[NodeView]) -> bool {
    nodes
        .iter()
        .any(|view| view.node == *node && view.state != NodeState::Dead)
}

#[cfg(test)]
mod tests;
