//! Requests to the store: what nodes send, how the store executes it, and how its answer is taken.

use std::time::Duration;

use videorooms_cluster::keeper::KeeperAction;
use videorooms_cluster::ownership::OwnershipAction;
use videorooms_cluster::{Instant, NodeAction};
use videorooms_domain::{Epoch, NodeIncarnation, ShardId};
use videorooms_store::ownership::{
    Caller, Declaration, Fate, Generation, NotDeclared, ReAssertion, Refusal, Reign, Renewed,
};

use super::cluster::{Bounds, Entry, NOW, Planted, Running, State, profile};

/// What a node asks of the store.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Request {
    Renew {
        draining: bool,
        caller: Caller,
        cached: Option<Generation>,
        sent: Instant,
    },
    Declare(Caller, Declaration),
    Claim {
        caller: Caller,
        shard: ShardId,
        known: Epoch,
    },
    ReAssert(Caller, ReAssertion),
    HandOff {
        caller: Caller,
        reign: Reign,
        to: NodeIncarnation,
    },
    Restore {
        caller: Caller,
        reign: Reign,
        log: Vec<Entry>,
    },
    Commit {
        caller: Caller,
        reign: Reign,
        expect: usize,
        entry: Entry,
    },
}

/// What the store answered.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    Renewed(Instant, Result<Renewed, Refusal>),
    Declared(Result<Generation, NotDeclared>),
    Claimed(ShardId, Fate<Epoch>),
    ReAsserted(Reign, Fate<Epoch>),
    HandedOff(Reign, Fate<Epoch>),
    Restored(Reign, Result<(), Refusal>),
    Committed(Reign, Result<bool, Refusal>),
}

impl Request {
    pub(crate) fn set_back(&mut self, by: Duration) {
        if let Self::Renew { sent, .. } = self {
            sent.set_back(by);
        }
    }

    /// What the sender takes for an answer when none came in time. A keeper waits on.
    pub(crate) fn unknown(&self) -> Option<Answer> {
        match self {
            Self::Renew { .. } | Self::Declare(..) | Self::Restore { .. } | Self::Commit { .. } => None,
            Self::Claim { shard, .. } => Some(Answer::Claimed(*shard, Fate::Unknown)),
            Self::ReAssert(_, claim) => Some(Answer::ReAsserted(held(claim), Fate::Unknown)),
            Self::HandOff { reign, .. } => Some(Answer::HandedOff(*reign, Fate::Unknown)),
        }
    }

    /// The request for an action, if it is one for the store.
    pub(crate) fn of(action: &NodeAction, caller: Option<Caller>, draining: bool) -> Option<Self> {
        match (action.clone(), caller) {
            (NodeAction::Keeper(KeeperAction::Renew { caller, cached, sent }), _) => Some(Self::Renew {
                draining,
                caller,
                cached,
                sent,
            }),
            (NodeAction::Keeper(KeeperAction::Declare(caller, declaration)), _) => {
                Some(Self::Declare(caller, declaration))
            }
            (NodeAction::Ownership(OwnershipAction::Claim { shard, known }), Some(caller)) => {
                Some(Self::Claim { caller, shard, known })
            }
            (NodeAction::Ownership(OwnershipAction::ReAssert(claim)), Some(caller)) => {
                Some(Self::ReAssert(caller, claim))
            }
            (NodeAction::Ownership(OwnershipAction::HandOff { reign, to }), Some(caller)) => {
                Some(Self::HandOff { caller, reign, to })
            }
            (NodeAction::Keeper(_) | NodeAction::Ownership(_) | NodeAction::Fence, _) => None,
        }
    }
}

fn held(claim: &ReAssertion) -> Reign {
    Reign {
        shard: claim.shard,
        epoch: claim.held,
    }
}

fn fate<T>(result: Result<T, Refusal>) -> Fate<T> {
    result.map_or_else(Fate::Refused, Fate::Done)
}

impl State {
    /// The store executes a request.
    pub(crate) fn execute(&mut self, bounds: &Bounds, request: &Request) -> Answer {
        let time = self.store_time(bounds);
        let before = (self.budget.outages > 0).then(|| self.server.data.clone());
        let data = &mut self.server.data;
        let store = &mut data.store;
        let answer = match request {
            Request::Renew {
                draining,
                caller,
                cached,
                sent,
            } => Answer::Renewed(*sent, store.renew(time, caller, &profile(*draining), *cached)),
            Request::Declare(caller, declaration) => {
                Answer::Declared(store.declare_dead(time, caller, declaration))
            }
            Request::Claim { caller, shard, known } => {
                Answer::Claimed(*shard, fate(store.claim(time, caller, *shard, *known)))
            }
            Request::ReAssert(caller, claim) => {
                Answer::ReAsserted(held(claim), fate(store.re_assert(time, caller, *claim)))
            }
            Request::HandOff { caller, reign, to } => {
                Answer::HandedOff(*reign, fate(store.hand_off(time, caller, *reign, to)))
            }
            Request::Restore { caller, reign, log } => {
                let verdict = store.restores(caller, reign.shard, reign.epoch);
                let stored = data.logs.entry(reign.shard).or_default();
                if verdict.is_ok() && log.len() > stored.len() {
                    stored.clone_from(log);
                }
                Answer::Restored(*reign, verdict)
            }
            Request::Commit {
                caller,
                reign,
                expect,
                entry,
            } => {
                let verdict = self.commit(bounds, caller, *reign, *expect, *entry);
                Answer::Committed(*reign, verdict)
            }
        };
        self.observe();
        self.remember(before);
        answer
    }

    fn commit(
        &mut self,
        bounds: &Bounds,
        caller: &Caller,
        reign: Reign,
        expect: usize,
        entry: Entry,
    ) -> Result<bool, Refusal> {
        let time = self.store_time(bounds);
        let data = &mut self.server.data;
        if bounds.planted != Some(Planted::NoFencing) {
            data.store.fence(time, caller, reign)?;
        }
        let is_owner = data
            .store
            .table
            .get(&reign.shard)
            .is_some_and(|row| row.owner == caller.node && row.epoch == reign.epoch);
        let log = data.logs.entry(reign.shard).or_default();
        if log.get(expect) == Some(&entry) {
            return Ok(true);
        }
        if log.len() != expect {
            return Ok(false);
        }
        log.push(entry);
        if !is_owner {
            self.violate("someone wrote who was not the owner");
        }
        Ok(true)
    }

    fn remember(&mut self, before: Option<super::cluster::Data>) {
        let Some(before) = before else {
            self.server.past.clear();
            return;
        };
        let now = &self.server.data;
        if before.logs != now.logs || before.store.table != now.store.table {
            self.server.past.insert(0, before.aged());
            self.server.past.truncate(self.budget.regress);
        }
    }

    /// A node takes an answer; what it wants done then is answered.
    pub(crate) fn take(&mut self, slot: usize, answer: Answer) -> Vec<NodeAction> {
        let Some(running) = &mut self.slots[slot].running else {
            return Vec::new();
        };
        let node = &mut running.node;
        let ownership =
            |actions: Vec<OwnershipAction>| actions.into_iter().map(NodeAction::Ownership).collect();
        match answer {
            Answer::Renewed(sent, answer) => node.renewed(NOW, sent, answer),
            Answer::Declared(answer) => {
                node.keeper.declared(NOW, &answer);
                Vec::new()
            }
            Answer::Claimed(shard, fate) => ownership(node.ownership.claimed(shard, fate)),
            Answer::ReAsserted(held, fate) => ownership(node.ownership.re_asserted(held, fate)),
            Answer::HandedOff(reign, fate) => ownership(node.ownership.handed_off(NOW, reign, fate)),
            Answer::Restored(reign, answer) => {
                let refused = answer.err();
                if refused.is_none()
                    && let Some(room) = running
                        .rooms
                        .get_mut(&reign.shard)
                        .filter(|room| room.epoch == reign.epoch)
                {
                    room.is_behind = false;
                }
                ownership(refused.map_or_else(Vec::new, |refusal| running.refused(reign, &refusal)))
            }
            Answer::Committed(reign, Err(refusal)) => ownership(running.refused(reign, &refusal)),
            Answer::Committed(reign, Ok(is_committed)) => {
                self.committed(slot, reign, is_committed);
                Vec::new()
            }
        }
    }

    fn committed(&mut self, slot: usize, reign: Reign, is_committed: bool) {
        let stored = self
            .server
            .data
            .logs
            .get(&reign.shard)
            .cloned()
            .unwrap_or_default();
        let Some(running) = &mut self.slots[slot].running else {
            return;
        };
        let speaks = running.node.keeper.lease().is_live(NOW);
        let Some(room) = running
            .rooms
            .get_mut(&reign.shard)
            .filter(|room| room.epoch == reign.epoch)
        else {
            return;
        };
        let Some(entry) = room.pending.take() else {
            return;
        };
        if !is_committed {
            // The log is not where the room left it: load it again, and let the client ask again.
            room.log = stored;
            return;
        }
        room.log.push(entry);
        if speaks {
            self.acknowledge(reign.shard, entry);
        }
    }

    pub(crate) fn acknowledge(&mut self, shard: ShardId, entry: Entry) {
        if !self.history.acknowledged.contains(&(shard, entry)) {
            self.history.acknowledged.push((shard, entry));
        }
    }
}

impl Running {
    fn refused(&mut self, reign: Reign, refusal: &Refusal) -> Vec<OwnershipAction> {
        match refusal {
            Refusal::Lost(_) => self.node.ownership.deposed(reign),
            Refusal::Forgotten => {
                self.node.ownership.store_changed(reign);
                Vec::new()
            }
            Refusal::StoreChanged | Refusal::Settling | Refusal::Superseded(_) | Refusal::NotAlive => {
                Vec::new()
            }
        }
    }
}
