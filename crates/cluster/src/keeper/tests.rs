use proptest::prelude::*;

use videorooms_store::ownership::{Ledger, Profile, StoreIncarnation, StoreTime};

use super::*;
use crate::lease::Standing;

const LIFE: StoreIncarnation = StoreIncarnation([1; 20]);

fn boot(name: &str, incarnation: u64) -> NodeIncarnation {
    let node = name.parse().unwrap();
    NodeIncarnation { node, incarnation }
}

fn profile() -> Profile {
    Profile {
        address: "".into(),
        version: 1,
        load: 0,
        weight: 1,
        draining: false,
    }
}

/// A keeper and the store it talks to; both clocks show the same.
struct Pair {
    keeper: LeaseKeeper,
    store: Ledger,
    sent: Vec<Instant>,
    connects: Vec<Instant>,
    stopped: bool,
}

impl Pair {
    /// With a row of another node in the store, so that one alone is no majority. Its beat lies ahead, so that nobody judges it.
    fn new() -> Self {
        let mut store = Ledger::new(Timing::default().settle);
        store.open(StoreTime::from_ms(0), LIFE);
        let generation = Generation(0);
        let other = Caller {
            node: boot("c", 1),
            store: LIFE,
            generation,
        };
        store
            .renew(StoreTime::from_ms(1_000_000), &other, &profile(), None)
            .unwrap();
        Self {
            keeper: LeaseKeeper::new(boot("a", 1), Timing::default(), Instant(0)),
            store,
            sent: Vec::new(),
            connects: Vec::new(),
            stopped: false,
        }
    }

    /// Until `end`, with the store answering at once or not at all; the runtime ticks if it `lives`.
    fn run(&mut self, start: u64, end: u64, answers: bool, lives: bool) {
        for now in (start..end).map(Instant) {
            if lives {
                self.keeper.runtime_ticked(now);
            }
            let mut actions = self.keeper.poll(now);
            while let Some(action) = actions.pop() {
                actions.extend(self.perform(now, action, answers));
                actions.extend(self.keeper.poll(now));
            }
            assert!(
                self.keeper.wakes_at(now).is_none_or(|at| at > now),
                "nothing is left to do at {now:?}"
            );
        }
    }

    fn perform(&mut self, now: Instant, action: KeeperAction, answers: bool) -> Vec<KeeperAction> {
        match action {
            KeeperAction::Connect if answers => {
                self.connects.push(now);
                self.store.open(StoreTime::from_ms(now.0), LIFE);
                self.keeper.connected(now, LIFE);
            }
            KeeperAction::Connect => {
                self.connects.push(now);
                self.keeper.disconnected(now);
            }
            KeeperAction::Renew { caller, cached, sent } => {
                self.sent.push(sent);
                if answers {
                    let answer = self
                        .store
                        .renew(StoreTime::from_ms(now.0), &caller, &profile(), cached);
                    return self.keeper.renewed(now, sent, answer);
                }
            }
            KeeperAction::Declare(caller, declaration) => {
                let answer = self
                    .store
                    .declare_dead(StoreTime::from_ms(now.0), &caller, &declaration);
                self.keeper.declared(now, &answer);
            }
            KeeperAction::Disconnect => {}
            KeeperAction::Stop => self.stopped = true,
        }
        Vec::new()
    }
}

#[test]
fn a_node_renews_each_150_ms_and_is_live() {
    let mut pair = Pair::new();
    pair.run(0, 1000, true, true);
    let expected: Vec<_> = (0..7).map(|n| Instant(n * 150)).collect();
    assert_eq!(pair.sent, expected);
    assert_eq!(pair.keeper.lease().standing(), Standing::Live);
}

#[test]
fn without_a_store_a_node_falls_silent_after_its_lease_and_tries_to_connect_five_times_a_second() {
    let mut pair = Pair::new();
    pair.run(0, 151, true, true);
    pair.run(151, 1199, false, true);
    assert_eq!(
        pair.keeper.lease().standing(),
        Standing::Suspended,
        "the last answered renewal was sent at 150"
    );
    pair.run(1199, 4100, false, true);
    assert_eq!(pair.keeper.lease().standing(), Standing::Fenced);
    let attempts = pair
        .connects
        .iter()
        .filter(|at| (3000..4000).contains(&at.0))
        .count();
    assert_eq!(attempts, 5);
    pair.run(4100, 4400, true, true);
    assert_eq!(pair.keeper.lease().standing(), Standing::Live);
}

#[test]
fn a_node_whose_runtime_stands_still_does_not_renew() {
    let mut pair = Pair::new();
    pair.run(0, 100, true, true);
    pair.run(100, 6000, true, false);
    assert!(pair.sent.iter().all(|sent| sent.0 < 99 + 2000));
    assert_eq!(pair.keeper.lease().standing(), Standing::Fenced);
    pair.run(6000, 6200, true, true);
    assert_eq!(pair.keeper.lease().standing(), Standing::Live);
}

#[test]
fn a_dead_neighbour_is_declared_when_the_limit_passes_and_not_at_the_next_renewal() {
    let mut pair = Pair::new();
    let b = Caller {
        node: boot("b", 1),
        store: LIFE,
        generation: Generation(0),
    };
    pair.run(0, 1510, true, true);
    pair.store
        .renew(StoreTime::from_ms(1510), &b, &profile(), None)
        .unwrap();
    pair.keeper
        .membership_mut()
        .link(&b.node.node, crate::membership::Evidence::Gone);
    pair.run(1511, 1760, true, true);
    assert!(pair.store.is_alive(&b.node), "its beat is of 1510");
    pair.run(1760, 1761, true, true);
    assert!(!pair.store.is_alive(&b.node));
}

#[test]
fn a_boot_that_was_superseded_stops_for_good() {
    let mut pair = Pair::new();
    pair.run(0, 100, true, true);
    let newer = Caller {
        node: boot("a", 2),
        store: LIFE,
        generation: Generation(0),
    };
    pair.store
        .renew(StoreTime::from_ms(100), &newer, &profile(), None)
        .unwrap();
    pair.run(100, 5000, true, true);
    assert!(pair.stopped);
    assert_eq!(pair.sent.len(), 2);
}

#[test]
fn an_answer_from_an_earlier_connection_is_ignored() {
    let mut keeper = LeaseKeeper::new(boot("a", 1), Timing::default(), Instant(0));
    keeper.poll(Instant(0));
    keeper.connected(Instant(0), LIFE);
    keeper.poll(Instant(0));
    assert!(keeper.poll(Instant(450)).contains(&KeeperAction::Disconnect));
    let renewed = Renewed {
        generation: Generation(1),
        nodes: Vec::new(),
        table: None,
    };
    keeper.renewed(Instant(451), Instant(0), Ok(renewed));
    assert_eq!(keeper.lease().standing(), Standing::Fenced);
}

proptest! {
    #[test]
    fn a_store_that_comes_and_goes_never_makes_a_node_busy_or_deaf(phases in prop::collection::vec((any::<bool>(), 1u64..1500), 1..8)) {
        let mut pair = Pair::new();
        let mut now = 0;
        for (answers, length) in phases {
            pair.run(now, now + length, answers, true);
            now += length;
        }
        prop_assert!(pair.sent.len() as u64 <= now / 150 + 1 + pair.connects.len() as u64);
        prop_assert!(pair.connects.len() as u64 <= now / 25 + 8);
        pair.run(now, now + 700, true, true);
        prop_assert_eq!(pair.keeper.lease().standing(), Standing::Live);
    }
}
