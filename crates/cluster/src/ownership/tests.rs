use videorooms_store::ownership::{Lost, Profile};

use super::*;

const STORE: StoreIncarnation = StoreIncarnation([1; 20]);
const NEXT: StoreIncarnation = StoreIncarnation([2; 20]);
const SHARDS: u16 = 64;

fn boot(name: &str) -> NodeIncarnation {
    let (node, incarnation) = (name.parse().unwrap(), 1);
    NodeIncarnation { node, incarnation }
}

fn nodes(names: &[&str]) -> Vec<NodeView> {
    let view = |name: &&str| NodeView {
        node: boot(name),
        profile: Profile {
            address: "".into(),
            version: 1,
            load: 0,
            weight: 1,
            draining: false,
        },
        state: NodeState::Up,
        age: Duration::ZERO,
    };
    names.iter().map(view).collect()
}

fn row(owner: &str, epoch: u64) -> ShardRow {
    ShardRow {
        owner: boot(owner),
        epoch: Epoch(epoch),
        re_asserted: None,
    }
}

fn all_of(owner: &str, epoch: u64) -> Table {
    (0..SHARDS)
        .map(|shard| (ShardId(shard), row(owner, epoch)))
        .collect()
}

/// Node a alone, which owns everything in epoch 5.
fn owner() -> Ownership {
    let mut ownership = Ownership::new(boot("a"), SHARDS, &Timing::default());
    let actions = ownership.view(STORE, &nodes(&["a"]), &all_of("a", 5), true);
    assert_eq!(actions.len(), usize::from(SHARDS));
    assert!(
        actions
            .iter()
            .all(|action| matches!(action, OwnershipAction::Serve(_)))
    );
    ownership
}

fn reign(shard: u16, epoch: u64) -> Reign {
    let (shard, epoch) = (ShardId(shard), Epoch(epoch));
    Reign { shard, epoch }
}

fn lost(owner: &str, epoch: u64) -> Refusal {
    let (owner, epoch) = (boot(owner), Epoch(epoch));
    Refusal::Lost(Lost { owner, epoch })
}

/// Shards that belong to b once it is there.
fn home_of_b() -> Vec<ShardId> {
    let nodes = nodes(&["a", "b"]);
    let shards = (0..SHARDS).map(ShardId);
    shards
        .filter(|shard| placement::home(*shard, &nodes) == Some(&boot("b")))
        .collect()
}

#[test]
fn what_nobody_has_is_claimed_by_the_one_to_whom_it_belongs_and_once() {
    let mut ownership = Ownership::new(boot("a"), SHARDS, &Timing::default());
    let nodes = nodes(&["a", "b"]);
    let actions = ownership.view(STORE, &nodes, &Table::new(), true);
    assert_eq!(actions.len(), usize::from(SHARDS) - home_of_b().len());
    assert!(
        ownership.view(STORE, &nodes, &Table::new(), true).is_empty(),
        "one request at a time"
    );
    let OwnershipAction::Claim { shard, .. } = actions[0] else {
        panic!("{actions:?}");
    };
    let served = ownership.claimed(shard, Fate::Done(Epoch(9)));
    assert_eq!(served, [OwnershipAction::Serve(reign(shard.0, 9))]);
    assert_eq!(ownership.reign(shard), Some(Epoch(9)));
}

#[test]
fn nothing_is_taken_without_a_lease() {
    let mut ownership = Ownership::new(boot("a"), SHARDS, &Timing::default());
    assert!(
        ownership
            .view(STORE, &nodes(&["a"]), &all_of("a", 5), false)
            .is_empty()
    );
}

#[test]
fn who_was_deposed_drops_the_shard_and_does_not_serve_that_reign_again() {
    let mut ownership = owner();
    let mut table = all_of("a", 5);
    table.insert(ShardId(3), row("b", 6));
    let seen = ownership.view(STORE, &nodes(&["a", "b"]), &table, true);
    assert_eq!(seen, [OwnershipAction::Release(ShardId(3))]);
    let again = ownership.view(STORE, &nodes(&["a", "b"]), &all_of("a", 5), true);
    let (shard, known) = (ShardId(3), Epoch(5));
    assert_eq!(
        again,
        [OwnershipAction::Claim { shard, known }],
        "a table from before, or a store that forgot"
    );
}

#[test]
fn a_fenced_node_holds_nothing_and_begins_new_reigns() {
    let mut ownership = owner();
    assert_eq!(ownership.fenced().len(), usize::from(SHARDS));
    assert_eq!(ownership.holdings().count(), 0);
    let actions = ownership.view(STORE, &nodes(&["a"]), &all_of("a", 5), true);
    assert!(
        actions
            .iter()
            .all(|action| matches!(action, OwnershipAction::Claim { known: Epoch(5), .. }))
    );
}

#[test]
fn after_a_new_life_of_the_store_everything_is_re_asserted_before_it_is_served() {
    let mut ownership = owner();
    let nodes = nodes(&["a"]);
    assert!(
        ownership.view(NEXT, &nodes, &Table::new(), true).is_empty(),
        "what lives is kept"
    );
    assert_eq!(ownership.reign(ShardId(0)), None);
    assert_eq!(
        ownership.poll(Instant(0), &nodes, true).len(),
        usize::from(SHARDS)
    );
    assert!(
        ownership.poll(Instant(0), &nodes, true).is_empty(),
        "asked already"
    );
    let resumed = ownership.re_asserted(reign(0, 5), Fate::Done(Epoch(7)));
    assert_eq!(resumed, [OwnershipAction::Resume(reign(0, 7))]);
    assert_eq!(ownership.reign(ShardId(0)), Some(Epoch(7)));
    let released = ownership.re_asserted(reign(1, 5), Fate::Refused(lost("b", 8)));
    assert_eq!(released, [OwnershipAction::Release(ShardId(1))]);
    assert!(ownership.re_asserted(reign(2, 5), Fate::Unknown).is_empty());
    let again = ownership.poll(Instant(0), &nodes, true);
    let (shard, held) = (ShardId(2), Epoch(5));
    assert_eq!(again, [OwnershipAction::ReAssert(ReAssertion { shard, held })]);
}

#[test]
fn idle_shards_go_home_twenty_a_second_and_those_in_use_stay() {
    let mut ownership = owner();
    let nodes = nodes(&["a", "b"]);
    let homes = home_of_b();
    assert!(homes.len() > 22, "{}", homes.len());
    ownership.in_use(homes[0], true);
    let mut given = Vec::new();
    for now in 0..1000 {
        for action in ownership.poll(Instant(now), &nodes, true) {
            let OwnershipAction::HandOff { reign, to } = action else {
                panic!("{action:?}");
            };
            given.push(reign.shard);
            assert_eq!(
                ownership.reign(reign.shard),
                None,
                "nothing is written while the script runs"
            );
            let tail = ownership.handed_off(Instant(now), reign, Fate::Done(Epoch(6)));
            let reign = Reign {
                epoch: Epoch(6),
                ..reign
            };
            assert_eq!(tail, [OwnershipAction::Tail { reign, to }]);
        }
    }
    assert_eq!(given, homes[1..21]);
}

/// Node a, told to drain, with one shard in use which it is about to give to b.
fn draining() -> (Ownership, Vec<NodeView>) {
    let mut ownership = Ownership::new(boot("a"), 1, &Timing::default());
    let nodes = nodes(&["a", "b"]);
    ownership.view(STORE, &nodes, &[(ShardId(0), row("a", 5))].into(), true);
    ownership.in_use(ShardId(0), true);
    ownership.drain(true);
    let (shard, to) = (ShardId(0), boot("b"));
    assert_eq!(
        ownership.poll(Instant(0), &nodes, true),
        [OwnershipAction::Prepare { shard, to }]
    );
    (ownership, nodes)
}

#[test]
fn a_shard_in_use_moves_by_prepare_flush_script_and_tail() {
    let (mut ownership, nodes) = draining();
    let shard = ShardId(0);
    assert!(
        ownership.accepts(shard),
        "business as usual while the target prepares"
    );
    ownership.prepared(Instant(10), shard, true);
    assert_eq!(
        ownership.poll(Instant(10), &nodes, true),
        [OwnershipAction::Flush(shard)]
    );
    assert!(!ownership.accepts(shard));
    assert_eq!(
        ownership.reign(shard),
        Some(Epoch(5)),
        "what is pending is still written"
    );
    ownership.flushed(Instant(20), shard);
    assert_eq!(ownership.reign(shard), None);
    let hand_off = OwnershipAction::HandOff {
        reign: reign(0, 5),
        to: boot("b"),
    };
    assert_eq!(ownership.poll(Instant(20), &nodes, true), [hand_off]);
    let tail = OwnershipAction::Tail {
        reign: reign(0, 6),
        to: boot("b"),
    };
    assert_eq!(
        ownership.handed_off(Instant(30), reign(0, 5), Fate::Done(Epoch(6))),
        [tail]
    );
}

#[test]
fn a_hand_off_of_unknown_fate_is_sent_again_until_the_store_says_what_happened() {
    let (mut ownership, nodes) = draining();
    ownership.prepared(Instant(10), ShardId(0), true);
    ownership.poll(Instant(10), &nodes, true);
    ownership.flushed(Instant(20), ShardId(0));
    ownership.poll(Instant(20), &nodes, true);
    assert!(
        ownership
            .handed_off(Instant(30), reign(0, 5), Fate::Unknown)
            .is_empty()
    );
    let again = ownership.poll(Instant(60_000), &nodes, true);
    assert!(matches!(again[..], [OwnershipAction::HandOff { .. }]));
    let tail = OwnershipAction::Tail {
        reign: reign(0, 6),
        to: boot("b"),
    };
    assert_eq!(
        ownership.handed_off(Instant(60_001), reign(0, 5), Fate::Refused(lost("b", 6))),
        [tail]
    );
}

#[test]
fn a_move_that_takes_too_long_or_whose_target_dies_is_given_up_and_begun_anew() {
    let (mut ownership, both) = draining();
    ownership.prepared(Instant(10), ShardId(0), true);
    ownership.poll(Instant(10), &both, true);
    assert!(ownership.poll(Instant(3009), &both, true).is_empty());
    assert_eq!(
        ownership.poll(Instant(3010), &both, true),
        [OwnershipAction::Reopen(ShardId(0))]
    );
    assert!(ownership.accepts(ShardId(0)));
    assert!(matches!(
        ownership.poll(Instant(3060), &both, true)[..],
        [OwnershipAction::Prepare { .. }]
    ));
    let alone = nodes(&["a"]);
    assert_eq!(
        ownership.poll(Instant(3061), &alone, true),
        [OwnershipAction::Reopen(ShardId(0))]
    );
    assert!(
        ownership.poll(Instant(9000), &alone, true).is_empty(),
        "nobody to give it to"
    );
}

#[test]
fn no_more_than_so_many_shards_move_at_once() {
    let mut ownership = owner();
    ownership.drain(true);
    assert_eq!(
        ownership.poll(Instant(0), &nodes(&["a", "b"]), true).len(),
        MAX_MOVING
    );
    assert!(ownership.poll(Instant(1), &nodes(&["a", "b"]), true).is_empty());
}
