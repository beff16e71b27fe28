//! What a node remembers of how it came to own its shards: the last move of each, for `room explain`.
//!
//! Invariant: bounded, by the number of shards and by [`MAX_NODES`].

use std::collections::{BTreeMap, VecDeque};

use parking_lot::Mutex;
use videorooms_domain::{NodeIncarnation, ShardId, Timestamp};

/// Boots of nodes whose end is remembered; the oldest is forgotten first.
const MAX_NODES: usize = 64;

/// The last moves to this node.
#[derive(Debug, Default)]
pub(crate) struct Moves(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    last: BTreeMap<ShardId, ShardMove>,
    lost: Ring,
    judged: Ring,
}

#[derive(Debug, Default)]
struct Ring(VecDeque<(NodeIncarnation, Timestamp)>);

/// How a shard came here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ShardMove {
    /// From whom; none: nobody had it.
    pub(crate) from: Option<NodeIncarnation>,
    /// When the link to the former owner broke.
    pub(crate) noticed_at: Option<Timestamp>,
    /// When its death was known here, at the latest with the claim.
    pub(crate) judged_at: Option<Timestamp>,
    /// When the shard was this node's.
    pub(crate) claimed_at: Timestamp,
}

impl Ring {
    /// The first word on a boot counts.
    fn note(&mut self, node: &NodeIncarnation, at: Timestamp) {
        if self.of(node).is_some() {
            return;
        }
        if self.0.len() >= MAX_NODES {
            self.0.pop_front();
        }
        self.0.push_back((node.clone(), at));
    }

    fn of(&self, node: &NodeIncarnation) -> Option<Timestamp> {
        let mut known = self.0.iter();
        known.find(|(known, _)| known == node).map(|(_, at)| *at)
    }
}

impl Moves {
    /// The link to a node broke.
    pub(crate) fn link_lost(&self, node: &NodeIncarnation, at: Timestamp) {
        let mut inner = self.0.lock();
        // A link that was there again since says nothing about a death; the last break counts.
        inner.lost.0.retain(|(known, _)| known != node);
        inner.lost.note(node, at);
    }

    /// A node was declared dead.
    pub(crate) fn judged(&self, node: &NodeIncarnation, at: Timestamp) {
        self.0.lock().judged.note(node, at);
    }

    /// A shard is this node's.
    pub(crate) fn claimed(&self, shard: ShardId, from: Option<NodeIncarnation>, at: Timestamp) {
        let moved = ShardMove {
            from,
            noticed_at: None,
            judged_at: None,
            claimed_at: at,
        };
        self.0.lock().last.insert(shard, moved);
    }

    /// How the shard came here last.
    pub(crate) fn last(&self, shard: ShardId) -> Option<ShardMove> {
        let inner = self.0.lock();
        let moved = inner.last.get(&shard)?.clone();
        let judged = moved.from.as_ref().and_then(|from| inner.judged.of(from));
        let Some(judged) = judged else { return Some(moved) };
        let lost = moved.from.as_ref().and_then(|from| inner.lost.of(from));
        // The view that tells of a death is shown here a moment after the shard that it gave to this node.
        Some(ShardMove {
            noticed_at: lost.filter(|lost| *lost <= moved.claimed_at),
            judged_at: Some(judged.min(moved.claimed_at)),
            ..moved
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(incarnation: u64) -> NodeIncarnation {
        NodeIncarnation {
            node: "a".parse().unwrap(),
            incarnation,
        }
    }

    #[test]
    fn a_move_from_the_dead_tells_when_that_was_noticed_and_judged() {
        let moves = Moves::default();
        let (one, two) = (ShardId(1), ShardId(2));
        moves.link_lost(&node(1), Timestamp(5));
        moves.link_lost(&node(1), Timestamp(10));
        moves.claimed(one, Some(node(1)), Timestamp(30));
        moves.judged(&node(1), Timestamp(31));
        let expected = ShardMove {
            from: Some(node(1)),
            noticed_at: Some(Timestamp(10)),
            judged_at: Some(Timestamp(30)),
            claimed_at: Timestamp(30),
        };
        assert_eq!(moves.last(one), Some(expected));
        assert_eq!(moves.last(two), None);
    }

    #[test]
    fn a_shard_that_was_given_away_tells_of_no_death() {
        let moves = Moves::default();
        moves.link_lost(&node(1), Timestamp(10));
        moves.claimed(ShardId(1), Some(node(1)), Timestamp(30));
        let moved = moves.last(ShardId(1)).unwrap();
        assert_eq!((moved.noticed_at, moved.judged_at), (None, None));
        moves.claimed(ShardId(1), None, Timestamp(40));
        assert_eq!(moves.last(ShardId(1)).unwrap().claimed_at, Timestamp(40));
    }

    #[test]
    fn boots_beyond_the_limit_are_forgotten_the_oldest_first() {
        let moves = Moves::default();
        let last = MAX_NODES as u64;
        (0..=last).for_each(|boot| moves.judged(&node(boot), Timestamp(boot)));
        moves.claimed(ShardId(1), Some(node(0)), Timestamp(99));
        moves.claimed(ShardId(2), Some(node(last)), Timestamp(99));
        assert_eq!(moves.last(ShardId(1)).unwrap().judged_at, None);
        assert_eq!(moves.last(ShardId(2)).unwrap().judged_at, Some(Timestamp(last)));
    }
}
