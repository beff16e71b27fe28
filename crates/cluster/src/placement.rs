//! Where a shard belongs: weighted rendezvous hashing, and which shards an owner keeps open for new rooms.
//!
//! Only new and idle shards follow the hash. Integers throughout, so that two nodes never disagree by a rounding.
//!
//! * **P1** The choice depends on the set of nodes and their weights only, never on their order.
//! * **P2** A node that comes takes shards for itself and moves none between others; one that goes loses its own only.
//! * **P3** An owner keeps at most a quarter of its shards open, and at least one if it has any.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use videorooms_domain::{NodeIncarnation, ShardId};
use videorooms_store::ownership::NodeView;
use xxhash_rust::xxh3::xxh3_64;

/// One, as [`minus_log2`] writes it.
const ONE: f64 = (1_u64 << 32) as f64;

/// The node to which the shard belongs among those that take shards; none if there is none.
pub fn home<'a>(
    shard: ShardId,
    nodes: impl IntoIterator<Item = &'a NodeView>,
) -> Option<&'a NodeIncarnation> {
    let candidates = nodes.into_iter().filter(|node| node.takes_shards());
    let best = candidates.max_by(|left, right| compare(shard, left, right));
    best.map(|node| &node.node)
}

/// How a node stands for a shard, for people.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score<'a> {
    /// Who.
    pub node: &'a NodeView,
    /// Its weight by the hash, at least 0. To be shown: the choice is made without rounding.
    pub score: f64,
}

/// All nodes as they stand for a shard, the best first; among those that take shards the first is [`home`].
pub fn scores<'a>(shard: ShardId, nodes: impl IntoIterator<Item = &'a NodeView>) -> Vec<Score<'a>> {
    let mut nodes: Vec<_> = nodes.into_iter().collect();
    nodes.sort_by(|left, right| compare(shard, right, left));
    let score = |node: &'a NodeView| Score {
        node,
        score: f64::from(node.profile.weight) * ONE / cost(shard, node) as f64,
    };
    nodes.into_iter().map(score).collect()
}

/// weight / -log2(hash), compared without dividing.
fn compare(shard: ShardId, left: &NodeView, right: &NodeView) -> Ordering {
    let (left_cost, right_cost) = (cost(shard, left), cost(shard, right));
    let left_score = u128::from(left.profile.weight) * u128::from(right_cost);
    let right_score = u128::from(right.profile.weight) * u128::from(left_cost);
    left_score
        .cmp(&right_score)
        .then_with(|| left.node.node.cmp(&right.node.node))
}

/// The shards in which new rooms may be made, of `owned` with whether anything lives in each. Those that are in use come first, so that the idle
/// ones remain for a node that joins.
#[must_use]
pub fn open_shards(owned: &[(ShardId, bool)]) -> BTreeSet<ShardId> {
    let most = (owned.len() / 4).max(1);
    let mut order: Vec<_> = owned
        .iter()
        .map(|&(shard, in_use)| (!in_use, xxh3_64(&shard.0.to_be_bytes()), shard))
        .collect();
    order.sort_unstable();
    order.into_iter().take(most).map(|(_, _, shard)| shard).collect()
}

/// −log2 of a hash that is taken as a number between 0 and 1, with 32 bits after the point; never 0.
fn cost(shard: ShardId, node: &NodeView) -> u64 {
    let mut bytes = shard.0.to_be_bytes().to_vec();
    bytes.extend(node.node.node.as_str().bytes());
    minus_log2(xxh3_64(&bytes))
}

fn minus_log2(hash: u64) -> u64 {
    let hash = hash.max(1);
    let whole = u64::from(hash.leading_zeros());
    // The mantissa in 1..2, with 63 bits after the point; each squaring gives one more bit of its logarithm.
    let mut mantissa = u128::from(hash << whole);
    let mut fraction = 0_u64;
    for _ in 0..32 {
        mantissa = (mantissa * mantissa) >> 63;
        fraction <<= 1;
        if mantissa >> 64 != 0 {
            mantissa >>= 1;
            fraction |= 1;
        }
    }
    (((whole + 1) << 32) - fraction).max(1)
}

#[cfg(test)]
mod tests;
