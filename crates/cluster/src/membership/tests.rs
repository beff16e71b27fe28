use proptest::prelude::*;
use videorooms_domain::{Epoch, ShardId};
use videorooms_store::ownership::{Profile, ShardRow};

use super::*;

fn boot(name: &str) -> NodeIncarnation {
    let (node, incarnation) = (name.parse().unwrap(), 1);
    NodeIncarnation { node, incarnation }
}

fn node(name: &str, age_ms: u64) -> NodeView {
    NodeView {
        node: boot(name),
        profile: Profile {
            address: "".into(),
            version: 1,
            load: 0,
            weight: 1,
            draining: false,
        },
        state: NodeState::Up,
        age: Duration::from_millis(age_ms),
    }
}

/// A view of the nodes a, b and c, with b's beat so old; b owns shard 3.
fn view(age_ms: u64) -> Renewed {
    let row = ShardRow {
        owner: boot("b"),
        epoch: Epoch(5),
        re_asserted: None,
    };
    Renewed {
        generation: Generation(9),
        nodes: vec![node("a", 0), node("b", age_ms), node("c", 0)],
        table: Some([(ShardId(3), row)].into()),
    }
}

/// Node a after renewals at 1000, 1150 and so on, each answered at once.
fn after(renewals: u64, age_ms: u64) -> (Membership, Instant) {
    let mut membership = Membership::new(boot("a"), &Timing::default());
    let mut now = Instant(1000);
    for n in 0..renewals {
        now = Instant(1000 + 150 * n);
        membership.renewed(now, now, view(age_ms));
    }
    (membership, now)
}

fn with_b(evidence: Evidence, renewals: u64, age_ms: u64) -> Option<Instant> {
    let (mut membership, _) = after(renewals, age_ms);
    membership.link(&boot("b").node, evidence);
    membership.judges_at().filter(|at| *at < Instant(1_000_000))
}

#[test]
fn how_long_a_beat_may_be_old_follows_the_link() {
    // The fourth renewal was answered at 1450; the beat was 100 ms old, so it is of 1350.
    assert!(with_b(Evidence::Gone, 4, 100).is_some_and(|at| at == Instant(1600)));
    let (mut membership, now) = after(8, 100);
    assert_eq!(now, Instant(2050));
    for (evidence, limit) in [
        (Evidence::Gone, 250),
        (Evidence::Silent, 450),
        (Evidence::Answering, 1500),
    ] {
        membership.link(&boot("b").node, evidence);
        let due = Instant(2050 - 100 + limit).max(Instant(1000 + limit));
        assert!(
            membership
                .clone()
                .judge(Instant(due.0 - 1))
                .is_none_or(|it| it.dead != boot("b")),
            "{evidence:?}"
        );
        let declared = membership.clone().judge(due).unwrap();
        assert_eq!(
            (declared.dead, declared.limit),
            (boot("b"), Duration::from_millis(limit)),
            "{evidence:?}"
        );
    }
}

#[test]
fn nobody_is_judged_before_four_renewals_in_a_row() {
    assert_eq!(with_b(Evidence::Gone, 3, 60_000), None);
    let (mut membership, _) = after(4, 60_000);
    membership.interrupted();
    assert_eq!(membership.judge(Instant(9000)), None);
}

#[test]
fn a_beat_is_no_older_than_the_judges_own_streak() {
    // The store was away for a minute: all beats are old, and all have the whole limit again.
    let (mut membership, now) = after(4, 60_000);
    membership.link(&boot("b").node, Evidence::Answering);
    assert_eq!(now, Instant(1450));
    let declared = membership.clone().judge(Instant(1499));
    assert!(declared.is_none_or(|it| it.dead != boot("b")));
    let limit = Duration::from_millis(1500);
    membership.renewed(Instant(2500), Instant(2500), view(60_000));
    assert_eq!(membership.judge(Instant(2500)).unwrap().limit, limit);
}

#[test]
fn a_declaration_names_the_generation_and_an_heir_that_is_alive() {
    let (mut membership, now) = after(4, 400);
    membership.link(&boot("b").node, Evidence::Gone);
    let declared = membership.judge(now).unwrap();
    assert_eq!(declared.generation, Generation(9));
    let heir = declared
        .heirs
        .iter()
        .map(|(shard, heir)| (*shard, heir.node.as_str() != "b"));
    assert_eq!(heir.collect::<Vec<_>>(), [(ShardId(3), true)]);
    assert_eq!(membership.judge(Instant(9000)), None, "a view is judged once");
}

#[test]
fn a_majority_counts_every_living_node_and_forgets_old_words() {
    let (mut membership, now) = after(1, 0);
    assert!(!membership.agrees_without_store(now), "one of three");
    membership.peer_says(now, &boot("c").node, false);
    assert!(membership.agrees_without_store(Instant(now.0 + 449)));
    assert!(!membership.agrees_without_store(Instant(now.0 + 450)));
    membership.peer_says(now, &boot("c").node, true);
    assert!(!membership.agrees_without_store(now));
}

proptest! {
    #[test]
    fn it_judges_exactly_when_it_said_it_would(ages in prop::collection::vec(0u64..3000, 4..8), evidence in 0usize..3) {
        let (mut membership, mut now) = (Membership::new(boot("a"), &Timing::default()), Instant(1000));
        let evidence = [Evidence::Gone, Evidence::Silent, Evidence::Answering][evidence];
        for age in ages {
            now = Instant(now.0 + 150);
            membership.renewed(now, now, view(age));
            membership.link(&boot("b").node, evidence);
        }
        let at = membership.judges_at().unwrap();
        prop_assert!(membership.clone().judge(Instant(at.0 - 1)).is_none());
        prop_assert!(membership.judge(at).is_some());
        prop_assert!(membership.judges_at().is_none());
    }
}
