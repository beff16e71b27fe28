//! Declaring a node dead: one script fails over everything that it owned.

use std::time::Duration;

use videorooms_domain::{NodeIncarnation, ShardId};

use super::{Caller, Ledger, Refusal};
use crate::ownership::values::{Generation, NodeState, StoreTime};

/// A declaration as its judge computed it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Declaration {
    /// Whom.
    pub dead: NodeIncarnation,
    /// What the judge decided on; nothing may have changed since.
    pub generation: Generation,
    /// How old the beat must be.
    pub limit: Duration,
    /// Who gets each of its shards. Those that are missing, or given to nobody alive, are left for whoever claims them.
    pub heirs: Vec<(ShardId, NodeIncarnation)>,
}

/// Why nobody was declared dead.
#[derive(Debug, Clone, PartialEq, Eq, Hash, thiserror::Error)]
pub enum NotDeclared {
    /// The judge may do nothing.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Another generation: look again.
    #[error("decided on another generation than that of the table")]
    Outdated,
    /// It has renewed in time.
    #[error("the beat is younger than the limit")]
    Alive,
    /// It is dead already, or of another boot.
    #[error("no such living node")]
    Gone,
}

impl Ledger {
    /// Declares a node dead and gives its shards to their heirs, in new reigns. An earlier boot has no row of its own any more; its shards are claimed.
    ///
    /// # Errors
    /// [`NotDeclared`]; then nothing changed.
    pub fn declare_dead(
        &mut self,
        time: StoreTime,
        caller: &Caller,
        declaration: &Declaration,
    ) -> Result<Generation, NotDeclared> {
        let Declaration {
            dead,
            generation,
            limit,
            heirs,
        } = declaration;
        self.check_settled(time, caller)?;
        self.check_alive(caller)?;
        if *generation != self.generation {
            return Err(NotDeclared::Outdated);
        }
        if !self.is_alive(dead) {
            return Err(NotDeclared::Gone);
        }
        let row = self.nodes.get_mut(&dead.node).ok_or(NotDeclared::Gone)?;
        if Duration::from_millis(time.ms.saturating_sub(row.beat_ms)) < *limit {
            return Err(NotDeclared::Alive);
        }
        row.state = NodeState::Dead;
        self.raise_generation(time, caller);
        for (shard, heir) in heirs {
            let owned = self.table.get(shard).filter(|row| row.owner == *dead);
            if let Some(epoch) = owned.map(|row| row.epoch)
                && self.is_alive(heir)
            {
                self.enthrone(time, caller, *shard, heir, epoch);
            }
        }
        Ok(self.generation)
    }
}
