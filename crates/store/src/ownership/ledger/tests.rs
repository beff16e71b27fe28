use std::collections::BTreeMap;

use proptest::prelude::*;
use videorooms_domain::NodeId;

use super::*;

const LIFE: StoreIncarnation = StoreIncarnation([1; 20]);
const NEXT_LIFE: StoreIncarnation = StoreIncarnation([2; 20]);
const SHARD: ShardId = ShardId(7);
const SETTLE: Duration = Duration::from_secs(1);
/// Long after the store settled.
const LATER: u64 = 100_000;

fn boot(name: &str, incarnation: u64) -> NodeIncarnation {
    let node: NodeId = name.parse().unwrap();
    NodeIncarnation { node, incarnation }
}

fn caller(name: &str, store: StoreIncarnation) -> Caller {
    let (node, generation) = (boot(name, 1), Generation::default());
    Caller {
        node,
        store,
        generation,
    }
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

fn at(ms: u64) -> StoreTime {
    StoreTime::from_ms(ms)
}

fn renew(store: &mut Ledger, ms: u64, caller: &Caller) -> Renewed {
    store.renew(at(ms), caller, &profile(), None).unwrap()
}

/// A settled store with the nodes a, b and c, in which a owns the shard.
fn store() -> (Ledger, Epoch) {
    let mut store = Ledger::new(SETTLE);
    store.open(at(0), LIFE);
    for name in ["a", "b", "c"] {
        renew(&mut store, LATER, &caller(name, LIFE));
    }
    let epoch = store
        .claim(at(LATER), &caller("a", LIFE), SHARD, Epoch(0))
        .unwrap();
    (store, epoch)
}

fn reign(epoch: Epoch) -> Reign {
    Reign { shard: SHARD, epoch }
}

fn held(held: Epoch) -> ReAssertion {
    ReAssertion { shard: SHARD, held }
}

fn declaration(store: &Ledger, dead: &str, heir: &str) -> Declaration {
    Declaration {
        dead: boot(dead, 1),
        generation: store.generation,
        limit: Duration::from_millis(450),
        heirs: vec![(SHARD, boot(heir, 1))],
    }
}

/// The store comes back in another life, with the data of `before`.
fn next_life(mut before: Ledger, ms: u64) -> Ledger {
    before.open(at(ms), NEXT_LIFE);
    for name in ["a", "b", "c"] {
        renew(&mut before, ms, &caller(name, NEXT_LIFE));
    }
    before
}

#[test]
fn a_new_epoch_is_above_what_is_stored_what_is_known_and_the_clock() {
    let (mut store, epoch) = store();
    assert_eq!(epoch, Epoch(LATER));
    let a = caller("a", LIFE);
    assert_eq!(store.claim(at(5000), &a, SHARD, Epoch(0)), Ok(Epoch(LATER + 1)));
    assert_eq!(
        store.claim(at(5000), &a, SHARD, Epoch(LATER + 70)),
        Ok(Epoch(LATER + 71))
    );
}

#[test]
fn the_shard_of_a_living_owner_is_not_to_be_had() {
    let (mut store, epoch) = store();
    let lost = Lost {
        owner: boot("a", 1),
        epoch,
    };
    assert_eq!(
        store.claim(at(LATER), &caller("b", LIFE), SHARD, Epoch(0)),
        Err(Refusal::Lost(lost))
    );
}

#[test]
fn a_declared_death_gives_every_shard_to_its_heir_and_fences_the_dead() {
    let (mut store, epoch) = store();
    renew(&mut store, LATER + 500, &caller("b", LIFE));
    let declaration = declaration(&store, "a", "b");
    store
        .declare_dead(at(LATER + 500), &caller("b", LIFE), &declaration)
        .unwrap();
    let row = store.table[&SHARD].clone();
    assert_eq!(row.owner, boot("b", 1));
    let lost = Lost {
        owner: row.owner,
        epoch: row.epoch,
    };
    assert_eq!(
        store.fence(at(LATER + 500), &caller("a", LIFE), reign(epoch)),
        Err(Refusal::Lost(lost))
    );
    assert_eq!(
        store.fence(at(LATER + 500), &caller("b", LIFE), reign(row.epoch)),
        Ok(())
    );
    let again = store.declare_dead(at(LATER + 500), &caller("b", LIFE), &declaration);
    assert_eq!(again, Err(NotDeclared::Outdated));
}

#[test]
fn who_renewed_in_time_is_not_dead_whatever_the_judge_believes() {
    let (mut store, _) = store();
    let declaration = declaration(&store, "a", "b");
    let answer = store.declare_dead(at(LATER + 449), &caller("b", LIFE), &declaration);
    assert_eq!(answer, Err(NotDeclared::Alive));
}

#[test]
fn a_heir_that_is_not_alive_inherits_nothing_and_the_shard_is_anyones() {
    let (mut store, _) = store();
    let declaration = declaration(&store, "a", "nobody");
    store
        .declare_dead(at(LATER + 500), &caller("b", LIFE), &declaration)
        .unwrap();
    assert_eq!(store.table[&SHARD].owner, boot("a", 1));
    assert!(
        store
            .claim(at(LATER + 500), &caller("c", LIFE), SHARD, Epoch(0))
            .is_ok()
    );
}

#[test]
fn a_new_boot_ends_the_former_whose_shards_are_anyones() {
    let (mut store, epoch) = store();
    let mut newer = caller("a", LIFE);
    newer.node.incarnation = 2;
    renew(&mut store, LATER, &newer);
    let former = caller("a", LIFE);
    assert_eq!(
        store.renew(at(LATER), &former, &profile(), None),
        Err(Refusal::Superseded(2))
    );
    assert_eq!(
        store.fence(at(LATER), &former, reign(epoch)),
        Err(Refusal::Superseded(2))
    );
    assert!(
        store
            .claim(at(LATER), &caller("b", LIFE), SHARD, Epoch(0))
            .is_ok()
    );
}

#[test]
fn the_dead_come_back_with_a_renewal_and_without_shards() {
    let (mut store, _) = store();
    let declaration = declaration(&store, "a", "b");
    store
        .declare_dead(at(LATER + 500), &caller("b", LIFE), &declaration)
        .unwrap();
    let renewed = renew(&mut store, LATER + 600, &caller("a", LIFE));
    assert_eq!(renewed.table.unwrap()[&SHARD].owner, boot("b", 1));
    assert!(store.is_alive(&boot("a", 1)));
}

#[test]
fn a_new_life_of_the_store_takes_re_assertions_only_until_it_has_settled() {
    let (store, epoch) = store();
    let mut store = next_life(store, LATER + 5000);
    let a = caller("a", NEXT_LIFE);
    assert_eq!(
        store.fence(at(LATER + 5999), &a, reign(epoch)),
        Err(Refusal::Settling)
    );
    assert_eq!(
        store.claim(at(LATER + 5999), &a, SHARD, epoch),
        Err(Refusal::Settling)
    );
    assert_eq!(
        store.fence(at(LATER + 5999), &caller("a", LIFE), reign(epoch)),
        Err(Refusal::StoreChanged)
    );
    let again = store.re_assert(at(LATER + 5999), &a, held(epoch)).unwrap();
    assert_eq!(
        store.re_assert(at(LATER + 5999), &a, held(epoch)),
        Ok(again),
        "sent again it says the same"
    );
    assert_eq!(store.restores(&a, SHARD, again), Ok(()));
    assert_eq!(store.fence(at(LATER + 6000), &a, reign(again)), Ok(()));
}

/// The store forgets that `b` took the shard over from `a`.
fn forgetful() -> (Ledger, Epoch, Epoch) {
    let (mut store, former) = store();
    let forgotten = store.clone();
    renew(&mut store, LATER + 500, &caller("b", LIFE));
    let declaration = declaration(&store, "a", "b");
    store
        .declare_dead(at(LATER + 500), &caller("b", LIFE), &declaration)
        .unwrap();
    let latest = store.table[&SHARD].epoch;
    (next_life(forgotten, LATER + 5000), former, latest)
}

#[test]
fn of_two_who_re_assert_the_later_reign_wins_in_either_order() {
    let (mut store, former, latest) = forgetful();
    let mut other = store.clone();
    let (a, b) = (caller("a", NEXT_LIFE), caller("b", NEXT_LIFE));
    let now = at(LATER + 5100);
    let of_a = store.re_assert(now, &a, held(former)).unwrap();
    let of_b = store.re_assert(now, &b, held(latest)).unwrap();
    assert!(of_b > of_a);
    assert!(store.restores(&a, SHARD, of_a).is_err());
    let of_b = other.re_assert(now, &b, held(latest)).unwrap();
    let lost = Lost {
        owner: b.node,
        epoch: of_b,
    };
    assert_eq!(other.re_assert(now, &a, held(former)), Err(Refusal::Lost(lost)));
}

#[test]
fn who_comes_after_the_store_settled_yields_to_a_living_owner() {
    let (mut store, former, latest) = forgetful();
    let of_a = store
        .re_assert(at(LATER + 5100), &caller("a", NEXT_LIFE), held(former))
        .unwrap();
    let lost = Lost {
        owner: boot("a", 1),
        epoch: of_a,
    };
    let answer = store.re_assert(at(LATER + 6000), &caller("b", NEXT_LIFE), held(latest));
    assert_eq!(answer, Err(Refusal::Lost(lost)));
}

/// What anyone may ask, with what they happen to know.
#[derive(Debug, Clone)]
enum Call {
    Renew,
    Claim { known: u64 },
    Declare { dead: usize, heir: usize },
    HandOff { to: usize },
    ReAssert { back: usize },
    Write { back: usize },
    Restart { regress: bool },
    Boot,
}

fn calls() -> impl Strategy<Value = Vec<(usize, u64, Call)>> {
    let node = || 0usize..3;
    let call = prop_oneof![
        6 => Just(Call::Renew),
        4 => (0u64..5).prop_map(|known| Call::Claim { known }),
        3 => (node(), node()).prop_map(|(dead, heir)| Call::Declare { dead, heir }),
        2 => node().prop_map(|to| Call::HandOff { to }),
        3 => (0usize..3).prop_map(|back| Call::ReAssert { back }),
        4 => (0usize..3).prop_map(|back| Call::Write { back }),
        1 => any::<bool>().prop_map(|regress| Call::Restart { regress }),
        1 => Just(Call::Boot),
    ];
    prop::collection::vec((node(), 1u64..900, call), 1..120)
}

proptest! {
    #[test]
    fn an_epoch_has_one_owner_and_only_the_owner_writes_whatever_anyone_asks(calls in calls()) {
        let names = ["a", "b", "c"];
        let mut boots = [1; 3];
        let (mut store, _) = store();
        let mut old = store.clone();
        let (mut now, mut life) = (LATER, 1);
        let mut reigns: BTreeMap<Epoch, NodeIncarnation> = BTreeMap::new();
        for (who, passed, call) in calls {
            now += passed;
            let before = store.clone();
            let me = Caller {
                node: boot(names[who], boots[who]),
                store: StoreIncarnation([life; 20]),
                generation: store.generation,
            };
            let mine = reigns.iter().rev().filter(|(_, owner)| **owner == me.node).map(|(epoch, _)| *epoch);
            let nth_mine = |back| mine.clone().nth(back).unwrap_or_default();
            match call {
                Call::Renew => drop(store.renew(at(now), &me, &profile(), None)),
                Call::Claim { known } => drop(store.claim(at(now), &me, SHARD, Epoch(known))),
                Call::Declare { dead, heir } => {
                    let mut declaration = declaration(&store, names[dead], names[heir]);
                    declaration.dead.incarnation = boots[dead];
                    declaration.heirs[0].1.incarnation = boots[heir];
                    if store.declare_dead(at(now), &me, &declaration).is_ok() {
                        prop_assert!(now - before.nodes[&declaration.dead.node].beat_ms >= 450);
                        prop_assert!(!store.is_alive(&declaration.dead));
                    }
                }
                Call::HandOff { to } => drop(store.hand_off(at(now), &me, reign(nth_mine(0)), &boot(names[to], boots[to]))),
                Call::ReAssert { back } => drop(store.re_assert(at(now), &me, held(nth_mine(back)))),
                Call::Write { back } => {
                    let epoch = nth_mine(back);
                    let row = store.table.get(&SHARD);
                    let is_owner = row.is_some_and(|row| row.owner == me.node && row.epoch == epoch);
                    let may = store.fence(at(now), &me, reign(epoch)).is_ok();
                    prop_assert!(!may || is_owner && now - store.since_ms >= 1000);
                }
                Call::Restart { regress } => {
                    if regress { store = old.clone() } else { old = store.clone() }
                    life += 1;
                    store.open(at(now), StoreIncarnation([life; 20]));
                    continue;
                }
                Call::Boot => {
                    boots[who] += 1;
                    continue;
                }
            }
            prop_assert!(store.generation >= before.generation);
            prop_assert!(store.table == before.table || store.generation > before.generation);
            if let Some(row) = store.table.get(&SHARD) {
                let first = reigns.entry(row.epoch).or_insert_with(|| row.owner.clone());
                prop_assert_eq!(&*first, &row.owner);
            }
        }
    }
}
