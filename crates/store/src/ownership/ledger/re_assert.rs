//! Saying again what the store may have forgotten.
//!
//! A store that comes back may have lost the end of its history: that a shard changed hands, and what was written since. Both the former and the latest owner
//! may then believe, with reason, that the shard is theirs. The one whose reign is later has seen all that the other ever wrote, so it
//! wins, in whatever order they come, as long as nothing was written yet: while the store settles.

use videorooms_domain::{Epoch, NodeIncarnation, ShardId};

use super::{Caller, Ledger, Refusal};
use crate::ownership::values::{ShardRow, StoreIncarnation, StoreTime};

/// What a holder holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ReAssertion {
    /// Which shard.
    pub shard: ShardId,
    /// The reign in which the caller held it.
    pub held: Epoch,
}

/// A shard is another's.
#[derive(Debug, Clone, PartialEq, Eq, Hash, thiserror::Error)]
#[error("the shard is {owner}'s in epoch {}", epoch.0)]
pub struct Lost {
    /// Whose.
    pub owner: NodeIncarnation,
    /// In which reign.
    pub epoch: Epoch,
}

impl Lost {
    pub(super) fn to(row: &ShardRow) -> Self {
        Self {
            owner: row.owner.clone(),
            epoch: row.epoch,
        }
    }
}

impl Ledger {
    /// Takes back a shard that the caller held, in a new reign. Sent again in the same life of the store it answers the same. Afterwards, and before it writes anything
    /// new, the holder restores what the store lost ([`Self::restores`]).
    ///
    /// # Errors
    /// [`Refusal::StoreChanged`], [`Refusal::Superseded`], [`Refusal::NotAlive`], [`Refusal::Lost`].
    pub fn re_assert(
        &mut self,
        time: StoreTime,
        caller: &Caller,
        claim: ReAssertion,
    ) -> Result<Epoch, Refusal> {
        self.check_alive(caller)?;
        let ReAssertion { shard, held } = claim;
        if let Some(row) = self.table.get(&shard) {
            let earlier = re_asserted_in(row, caller.store);
            if row.owner == caller.node && (earlier == Some(held) || earlier.is_some() && row.epoch == held) {
                return Ok(row.epoch);
            }
            if !self.yields(time, row, earlier, caller, held) {
                return Err(Lost::to(row).into());
            }
        }
        let epoch = self.enthrone(time, caller, shard, &caller.node, held);
        if let Some(row) = self.table.get_mut(&shard) {
            row.re_asserted = Some((caller.store, held));
        }
        Ok(epoch)
    }

    /// May the caller write what the store lost: [`Self::fence`] for a reign that was re-asserted in this life, which need not wait for the store to settle.
    ///
    /// # Errors
    /// [`Refusal::StoreChanged`], [`Refusal::Forgotten`], [`Refusal::Superseded`], [`Refusal::Lost`].
    pub fn restores(&self, caller: &Caller, shard: ShardId, epoch: Epoch) -> Result<(), Refusal> {
        self.check_boot(caller)?;
        match self.table.get(&shard) {
            Some(row) if row.owner == caller.node && row.epoch == epoch => Ok(()),
            Some(row) if row.epoch >= epoch => Err(Lost::to(row).into()),
            Some(_) | None => Err(Refusal::Forgotten),
        }
    }

    /// Does the stored reign give way to one in which the caller held the shard at `held`.
    fn yields(
        &self,
        time: StoreTime,
        row: &ShardRow,
        earlier: Option<Epoch>,
        caller: &Caller,
        held: Epoch,
    ) -> bool {
        if row.owner == caller.node {
            return row.epoch <= held;
        }
        if self.is_settling(time) {
            return earlier.unwrap_or(row.epoch) < held;
        }
        row.epoch < held && !self.is_alive(&row.owner)
    }
}

fn re_asserted_in(row: &ShardRow, store: StoreIncarnation) -> Option<Epoch> {
    row.re_asserted
        .filter(|(life, _)| *life == store)
        .map(|(_, held)| held)
}
