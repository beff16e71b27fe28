use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use videorooms_domain::SHARDS;
use videorooms_store::ownership::{NodeState, Profile};

use super::*;

fn node(name: &str, weight: u32) -> NodeView {
    NodeView {
        node: NodeIncarnation {
            node: name.parse().unwrap(),
            incarnation: 1,
        },
        profile: Profile {
            address: "".into(),
            version: 1,
            load: 0,
            weight,
            draining: false,
        },
        state: NodeState::Up,
        age: Duration::ZERO,
    }
}

fn homes(nodes: &[NodeView]) -> Vec<Option<NodeIncarnation>> {
    (0..SHARDS)
        .map(|shard| home(ShardId(shard), nodes).cloned())
        .collect()
}

fn shares(nodes: &[NodeView]) -> BTreeMap<String, usize> {
    let mut shares = BTreeMap::new();
    for owner in homes(nodes).into_iter().flatten() {
        *shares.entry(owner.node.to_string()).or_default() += 1;
    }
    shares
}

#[test]
fn shares_follow_the_weights() {
    let shares = shares(&[node("a", 1), node("b", 1), node("c", 2)]);
    // 256, 256, 512 with a standard deviation of about 15.
    assert!((200..=310).contains(&shares["a"]), "{shares:?}");
    assert!((200..=310).contains(&shares["b"]), "{shares:?}");
    assert!((450..=575).contains(&shares["c"]), "{shares:?}");
}

#[test]
fn nobody_who_takes_no_shards_is_given_one() {
    let mut draining = node("c", 1);
    draining.state = NodeState::Draining;
    assert_eq!(home(ShardId(3), [&node("a", 0), &draining]), None);
}

#[test]
fn the_logarithm_is_exact_at_powers_of_two_and_never_zero() {
    assert_eq!(minus_log2(1 << 63), 1 << 32);
    assert_eq!(minus_log2(1), 64 << 32);
    assert_eq!(minus_log2(0), 64 << 32);
    assert_eq!(minus_log2(u64::MAX), 1);
}

proptest! {
    #[test]
    fn a_newcomer_moves_shards_to_itself_only_and_in_any_order_of_nodes(
        weights in prop::collection::vec(1u32..5, 1..6), newcomer in 1u32..5,
    ) {
        let before: Vec<_> = weights.iter().enumerate().map(|(n, w)| node(&format!("n{n}"), *w)).collect();
        let mut after = before.clone();
        after.insert(0, node("new", newcomer));
        for (old, new) in homes(&before).into_iter().zip(homes(&after)) {
            prop_assert!(old == new || new.unwrap().node.as_str() == "new");
        }
        let forwards = homes(&after);
        after.reverse();
        prop_assert_eq!(forwards, homes(&after));
    }

    #[test]
    fn at_most_a_quarter_is_open_and_what_is_in_use_comes_first(in_use in prop::collection::vec(any::<bool>(), 0..64)) {
        let owned: Vec<_> = in_use.iter().enumerate().map(|(n, used)| (ShardId(n as u16), *used)).collect();
        let open = open_shards(&owned);
        prop_assert_eq!(open.len(), if owned.is_empty() { 0 } else { (owned.len() / 4).max(1) });
        let used = owned.iter().filter(|(_, used)| *used).count();
        let open_and_used = owned.iter().filter(|(shard, used)| *used && open.contains(shard)).count();
        prop_assert_eq!(open_and_used, used.min(open.len()));
    }
}

#[test]
fn scores_say_the_same_as_the_choice_and_show_who_takes_nothing() {
    let nodes = [node("a", 1), node("b", 2), node("c", 0)];
    for shard in (0..SHARDS).map(ShardId) {
        let scores = scores(shard, &nodes);
        assert_eq!(scores.len(), 3);
        assert_eq!(Some(&scores[0].node.node), home(shard, &nodes));
        assert!(scores.is_sorted_by(|better, worse| better.score >= worse.score));
        assert_eq!(scores[2].node.node, nodes[2].node);
        assert!(scores[2].score.abs() < f64::EPSILON);
    }
}
