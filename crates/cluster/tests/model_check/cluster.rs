//! A cluster small enough to try everything: nodes, a store with the logs of its shards, requests on their way, and faults.
//!
//! Time goes in ticks of one millisecond. After each tick everything is set back by one, so that it is always [`NOW`] and equal situations are
//! equal states. A request and its answer are one step, except where a fault parts them; nodes are polled once a tick in any order.

use std::collections::BTreeMap;
use std::time::Duration;

use videorooms_cluster::{Instant, Node, Timing};
use videorooms_domain::{Epoch, NodeIncarnation, ShardId};
use videorooms_store::ownership::{Ledger, Profile, StoreIncarnation, StoreTime};

use super::requests::Request;

/// The present; more than any limit of [`timing`], so that what lies before the clock's start is as good as infinitely old.
pub(crate) const NOW: Instant = Instant(8);
const TICK: Duration = Duration::from_millis(1);

/// How much may happen.
#[derive(Debug, Clone)]
pub(crate) struct Bounds {
    /// Number of nodes.
    pub(crate) nodes: usize,
    /// Number of shards.
    pub(crate) shards: u16,
    /// What may still go wrong, at first.
    pub(crate) budget: Budget,
    /// Ticks without a fault after which all is well.
    pub(crate) settles_within: usize,
    /// Durations.
    pub(crate) timing: Timing,
    /// Begin with a cluster at rest instead of one that boots.
    pub(crate) is_settled: bool,
    /// What is wrong on purpose.
    pub(crate) planted: Option<Planted>,
}

impl Bounds {
    /// Three nodes, one shard.
    pub(crate) fn of(budget: Budget) -> Self {
        Self {
            nodes: 3,
            shards: 1,
            budget,
            settles_within: 16,
            timing: timing(),
            is_settled: false,
            planted: None,
        }
    }
}

impl Budget {
    /// One command, and nothing goes wrong.
    pub(crate) const CALM: Self = Self {
        commits: 1,
        crashes: 0,
        restarts: 0,
        pauses: 0,
        drains: 0,
        outages: 0,
        regress: 0,
        losses: 0,
    };
}

/// A mistake that the check must find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Planted {
    /// Commits are not checked against the table.
    NoFencing,
    /// A command is acknowledged when its commit is sent.
    EarlyAcknowledgement,
    /// Epochs and generations are counted without the store's clock.
    CountedEpochs,
    /// A lease outlives the patience with nodes that answer.
    LongLease,
}

/// What may still happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Budget {
    /// Commands of clients.
    pub(crate) commits: u8,
    pub(crate) crashes: u8,
    /// New boots after crashes.
    pub(crate) restarts: u8,
    pub(crate) pauses: u8,
    /// Nodes that are told to give everything away.
    pub(crate) drains: u8,
    /// Ends of a life of the store.
    pub(crate) outages: u8,
    /// How many changes such an end may lose.
    pub(crate) regress: usize,
    /// Requests or answers that are lost or late.
    pub(crate) losses: u8,
}

/// Everything.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(crate) server: Server,
    pub(crate) slots: Vec<Slot>,
    /// Sent before, executed at any time: by which slot, of which boot.
    pub(crate) late: Vec<(usize, u64, Request)>,
    pub(crate) budget: Budget,
    pub(crate) history: History,
}

/// The store's process.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Server {
    pub(crate) is_up: bool,
    pub(crate) life: u8,
    pub(crate) data: Data,
    /// As it was before each of the last changes, newest first: what an outage may leave.
    pub(crate) past: Vec<Data>,
}

/// What the store's process keeps.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Data {
    pub(crate) store: Ledger,
    pub(crate) logs: BTreeMap<ShardId, Vec<Entry>>,
}

/// One durable fact: who wrote it in which reign does not matter to it, only that it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Entry(pub u8);

/// A place for a node.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Slot {
    pub(crate) boot: u64,
    pub(crate) is_polled: bool,
    pub(crate) is_paused: bool,
    pub(crate) is_draining: bool,
    pub(crate) running: Option<Running>,
}

/// A node's process.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Running {
    pub(crate) node: Node,
    /// The life of the store that its connection is of.
    pub(crate) life: Option<u8>,
    pub(crate) rooms: BTreeMap<ShardId, Room>,
    /// For the observer.
    pub(crate) was_fenced: bool,
}

/// What lives in a shard.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Room {
    pub(crate) epoch: Epoch,
    pub(crate) log: Vec<Entry>,
    pub(crate) pending: Option<Entry>,
    /// The store lost something, perhaps: it is to be restored before anything else.
    pub(crate) is_behind: bool,
}

/// What an observer outside saw.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct History {
    /// The highest number given out as epoch or generation.
    pub(crate) highest: u64,
    /// Who was ever owner in which reign.
    pub(crate) reigns: BTreeMap<(ShardId, Epoch), NodeIncarnation>,
    pub(crate) acknowledged: Vec<(ShardId, Entry)>,
    /// The store lost something that was acknowledged.
    pub(crate) is_lossy: bool,
    /// Data was lost for good within the limits of what is promised: the store lost it, and so did whoever could restore it.
    pub(crate) is_excused: bool,
    pub(crate) violation: Option<&'static str>,
}

/// All durations one to three ticks.
fn timing() -> Timing {
    let ticks = Duration::from_millis;
    Timing {
        renew_every: ticks(1),
        answer_within: ticks(2),
        reconnect_within: ticks(1),
        lease: ticks(2),
        fence_after: ticks(3),
        streak: 2,
        stale_gone: ticks(2),
        stale_silent: ticks(2),
        stale_answering: ticks(3),
        settle: ticks(2),
        runtime_stall: ticks(3),
        hand_off_every: ticks(1),
        look_every: ticks(2),
    }
}

/// Other relations: a lease that outlives the patience with the silent, judges after one renewal, and a store that settles for longer.
#[cfg_attr(test, expect(dead_code, reason = "the larger bounds alone try it"))]
pub(crate) fn slower(timing: &Timing) -> Timing {
    let ticks = Duration::from_millis;
    Timing {
        lease: ticks(3),
        streak: 1,
        stale_gone: ticks(1),
        settle: ticks(3),
        ..timing.clone()
    }
}

/// The name of a slot's boot.
pub(crate) fn name(slot: usize, incarnation: u64) -> NodeIncarnation {
    const NAMES: [&str; 3] = ["a", "b", "c"];
    let node = NAMES[slot].parse().expect("a letter is a node's name");
    NodeIncarnation { node, incarnation }
}

/// What a node says of itself.
pub(crate) fn profile(draining: bool) -> Profile {
    Profile {
        address: "".into(),
        version: 1,
        load: 0,
        weight: 1,
        draining,
    }
}

/// The run id of a life.
pub(crate) fn run_id(life: u8) -> StoreIncarnation {
    StoreIncarnation([life; 20])
}

impl Running {
    pub(crate) fn new(slot: usize, boot: u64, bounds: &Bounds) -> Self {
        let mut timing = bounds.timing.clone();
        if bounds.planted == Some(Planted::LongLease) {
            timing.lease *= 3;
        }
        Self {
            node: Node::new(name(slot, boot), bounds.shards, timing, NOW),
            life: None,
            rooms: BTreeMap::new(),
            was_fenced: false,
        }
    }
}

impl State {
    /// An empty store, all nodes just started.
    pub(crate) fn new(bounds: &Bounds) -> Self {
        let slot = |slot| Slot {
            boot: 1,
            is_polled: false,
            is_paused: false,
            is_draining: false,
            running: Some(Running::new(slot, 1, bounds)),
        };
        let data = Data {
            store: Ledger::new(bounds.timing.settle),
            logs: BTreeMap::new(),
        };
        Self {
            server: Server {
                is_up: true,
                life: 1,
                data,
                past: Vec::new(),
            },
            slots: (0..bounds.nodes).map(slot).collect(),
            late: Vec::new(),
            budget: bounds.budget,
            history: History {
                highest: 0,
                reigns: BTreeMap::new(),
                acknowledged: Vec::new(),
                is_lossy: false,
                is_excused: false,
                violation: None,
            },
        }
    }

    /// The store's clock: new numbers are above all that were given out before.
    pub(crate) fn store_time(&self, bounds: &Bounds) -> StoreTime {
        let is_counted = bounds.planted == Some(Planted::CountedEpochs);
        StoreTime {
            ms: NOW.0,
            floor: if is_counted { 0 } else { self.history.highest + 1 },
        }
    }

    /// Has everyone who can be polled in this tick been polled.
    pub(crate) fn is_tick_over(&self) -> bool {
        self.slots.iter().all(|slot| slot.is_polled || !slot.may_run())
    }

    /// Has nobody been polled in this tick.
    pub(crate) fn is_tick_new(&self) -> bool {
        self.slots.iter().all(|slot| !slot.is_polled)
    }

    /// One tick passes.
    pub(crate) fn tick(&mut self) {
        self.server.data.tick();
        for slot in &mut self.slots {
            slot.is_polled = false;
            if let Some(running) = &mut slot.running {
                running.node.set_back(TICK);
            }
        }
        for (_, _, request) in &mut self.late {
            request.set_back(TICK);
        }
    }

    /// What was acknowledged and is not in the store.
    pub(crate) fn is_missing_something(&self) -> bool {
        let logs = &self.server.data.logs;
        let is_there =
            |(shard, entry): &(ShardId, Entry)| logs.get(shard).is_some_and(|log| log.contains(entry));
        !self.history.acknowledged.iter().all(is_there)
    }

    /// Can a node that runs, and is not paused, restore everything that is missing.
    pub(crate) fn is_remembered(&self) -> bool {
        let acknowledged = &self.history.acknowledged;
        acknowledged.iter().all(|(shard, entry)| {
            let stored = self.server.data.logs.get(shard);
            let remembers = |slot: &Slot| {
                let running = slot.running.as_ref().filter(|_| !slot.is_paused);
                let room = running.and_then(|running| running.rooms.get(shard));
                room.is_some_and(|room| room.log.contains(entry))
            };
            stored.is_some_and(|log| log.contains(entry)) || self.slots.iter().any(remembers)
        })
    }

    /// A second fault while the store has not been given back what it lost: the loss is outside of what is promised.
    pub(crate) fn excuse_fault(&mut self) {
        self.history.is_excused |= self.history.is_lossy && self.is_missing_something();
    }

    /// Nobody is left who could give the store what it lost.
    pub(crate) fn excuse_forgotten(&mut self) {
        self.history.is_excused |=
            self.history.is_lossy && self.is_missing_something() && !self.is_remembered();
    }

    pub(crate) fn violate(&mut self, what: &'static str) {
        self.history.violation.get_or_insert(what);
    }

    /// Takes note of every owner and number in the table.
    pub(crate) fn observe(&mut self) {
        let store = &self.server.data.store;
        let mut highest = self.history.highest.max(store.generation.0);
        let mut doubled = false;
        for (shard, row) in &store.table {
            highest = highest.max(row.epoch.0);
            let first = self
                .history
                .reigns
                .entry((*shard, row.epoch))
                .or_insert(row.owner.clone());
            doubled |= *first != row.owner;
        }
        self.history.highest = highest;
        if doubled {
            self.violate("an epoch was given to two owners");
        }
    }
}

impl Slot {
    pub(crate) fn may_run(&self) -> bool {
        self.running.is_some() && !self.is_paused
    }
}

impl Data {
    /// With all its times long ago: so old is what an outage leaves, and equal pasts are equal states.
    pub(crate) fn aged(mut self) -> Self {
        self.store.since_ms = 0;
        self.store.nodes.values_mut().for_each(|row| row.beat_ms = 0);
        self
    }

    fn tick(&mut self) {
        self.store.since_ms = self.store.since_ms.saturating_sub(1);
        for row in self.store.nodes.values_mut() {
            row.beat_ms = row.beat_ms.saturating_sub(1);
        }
    }
}
