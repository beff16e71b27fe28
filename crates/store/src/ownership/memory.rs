//! `MemoryOwnership`: a [`Ledger`] in the memory of this process, for the tests of those who ask.
//!
//! A clone is another handle to the same table. It has lives as a server has: [`MemoryOwnership::restart`] ends the sessions of the former one.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use videorooms_domain::{Epoch, NodeIncarnation, ShardId};

use super::{
    Caller, Declaration, Fate, Generation, Ledger, NotDeclared, OwnershipSession, OwnershipStore, Profile,
    ReAssertion, Refusal, Reign, Renewed, StoreIncarnation, StoreTime,
};
use crate::{Fence, StoreError};

/// Who is alive and who owns what, in memory; see the module's first lines.
#[derive(Clone)]
pub struct MemoryOwnership {
    shared: Arc<Shared>,
}

struct Shared {
    clock: Box<dyn Fn() -> StoreTime + Send + Sync>,
    state: Mutex<State>,
}

struct State {
    ledger: Ledger,
    lives: u64,
}

impl State {
    fn life(&self) -> StoreIncarnation {
        let mut life = [0; 20];
        life[12..].copy_from_slice(&self.lives.to_be_bytes());
        StoreIncarnation(life)
    }
}

impl MemoryOwnership {
    /// An empty table in its first life; `clock` is the store's.
    #[must_use]
    pub fn new(settle: Duration, clock: impl Fn() -> StoreTime + Send + Sync + 'static) -> Self {
        let ledger = Ledger::new(settle);
        Self {
            shared: Arc::new(Shared {
                clock: Box::new(clock),
                state: Mutex::new(State { ledger, lives: 1 }),
            }),
        }
    }

    /// All that stands in it.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        self.shared.state.lock().ledger.clone()
    }

    /// Begins another life, on what was kept of the former one: [`Self::ledger`] if nothing was lost. Calls of the sessions until now are
    /// [`Fate::Unknown`] and not done.
    pub fn restart(&self, kept: Ledger) {
        let mut state = self.shared.state.lock();
        state.ledger = kept;
        state.lives += 1;
    }

    /// [`Ledger::fence`].
    pub(crate) fn fence(&self, fence: &Fence, reign: Reign) -> Result<(), Refusal> {
        let state = self.shared.state.lock();
        let now = (self.shared.clock)();
        state.ledger.fence(now, &caller(fence), reign)
    }

    /// [`Ledger::restores`].
    pub(crate) fn restores(&self, fence: &Fence, reign: Reign) -> Result<(), Refusal> {
        let state = self.shared.state.lock();
        state.ledger.restores(&caller(fence), reign.shard, reign.epoch)
    }
}

/// A fence asks for nothing that depends on the generation.
fn caller(fence: &Fence) -> Caller {
    Caller {
        node: fence.node.clone(),
        store: fence.life,
        generation: Generation::default(),
    }
}

#[async_trait]
impl OwnershipStore for MemoryOwnership {
    async fn connect(&self) -> Result<Arc<dyn OwnershipSession>, StoreError> {
        let mut state = self.shared.state.lock();
        let now = (self.shared.clock)();
        let life = state.life();
        state.ledger.open(now, life);
        Ok(Arc::new(MemorySession {
            store: self.clone(),
            life,
        }))
    }
}

struct MemorySession {
    store: MemoryOwnership,
    life: StoreIncarnation,
}

impl MemorySession {
    fn ask<T, R>(&self, ask: impl FnOnce(&mut Ledger, StoreTime) -> Result<T, R>) -> Fate<T, R> {
        let mut state = self.store.shared.state.lock();
        let now = (self.store.shared.clock)();
        if state.life() != self.life {
            return Fate::Unknown;
        }
        match ask(&mut state.ledger, now) {
            Ok(done) => Fate::Done(done),
            Err(refused) => Fate::Refused(refused),
        }
    }
}

#[async_trait]
impl OwnershipSession for MemorySession {
    fn life(&self) -> StoreIncarnation {
        self.life
    }

    async fn renew(&self, caller: &Caller, profile: &Profile, cached: Option<Generation>) -> Fate<Renewed> {
        self.ask(|ledger, now| ledger.renew(now, caller, profile, cached))
    }

    async fn declare_dead(
        &self,
        caller: &Caller,
        declaration: &Declaration,
    ) -> Fate<Generation, NotDeclared> {
        self.ask(|ledger, now| ledger.declare_dead(now, caller, declaration))
    }

    async fn claim(&self, caller: &Caller, shard: ShardId, known: Epoch) -> Fate<Epoch> {
        self.ask(|ledger, now| ledger.claim(now, caller, shard, known))
    }

    async fn re_assert(&self, caller: &Caller, claim: ReAssertion) -> Fate<Epoch> {
        self.ask(|ledger, now| ledger.re_assert(now, caller, claim))
    }

    async fn hand_off(&self, caller: &Caller, reign: Reign, to: &NodeIncarnation) -> Fate<Epoch> {
        self.ask(|ledger, now| ledger.hand_off(now, caller, reign, to))
    }
}
