//! Where a shard would best live: weighted rendezvous hashing (Thaler and Ravishankar 1998; the weights as in Schindelhauer and Schomaker 2005).
//! Each pair of shard and node has a score of its own, so a node that comes or goes moves only the shards that it gains or loses, and nobody
//! has to agree on anything but who there is.

use videorooms_domain::{NodeId, ShardId};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// A node that can take shards.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Which. Its boot does not matter: a node that restarts is where it was.
    pub node: NodeId,
    /// Its capacity beside that of others; more than 0. A node of weight 2 gets twice the shards of one of weight 1.
    pub weight: f64,
}

/// The candidates for a shard, best first. Equal on every node, whatever the order in which it knows the candidates.
#[must_use]
pub fn ranking(shard: ShardId, candidates: &[Candidate]) -> Vec<&Candidate> {
    let mut ranked: Vec<_> = candidates
        .iter()
        .map(|candidate| (score(shard, candidate), candidate))
        .collect();
    ranked.sort_by(|(a, x), (b, y)| b.total_cmp(a).then_with(|| x.node.cmp(&y.node)));
    ranked.into_iter().map(|(_, candidate)| candidate).collect()
}

/// `-weight / ln(u)`, where `u` is uniform in (0, 1) for this pair.
fn score(shard: ShardId, candidate: &Candidate) -> f64 {
    let hash = xxh3_64_with_seed(candidate.node.as_str().as_bytes(), u64::from(shard.0));
    // The upper 53 bits fill the mantissa; half a step keeps it off both ends.
    let uniform = ((hash >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
    -candidate.weight / uniform.ln()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    use videorooms_domain::SHARDS;

    fn candidates(weights: &[f64]) -> Vec<Candidate> {
        let candidate = |(n, weight): (usize, &f64)| Candidate {
            node: format!("node-{n}").parse().unwrap(),
            weight: *weight,
        };
        weights.iter().enumerate().map(candidate).collect()
    }

    fn owners(candidates: &[Candidate]) -> Vec<NodeId> {
        let best = |shard| ranking(ShardId(shard), candidates)[0].node.clone();
        (0..SHARDS).map(best).collect()
    }

    fn shares(owners: &[NodeId]) -> BTreeMap<&NodeId, usize> {
        let mut shares = BTreeMap::new();
        for owner in owners {
            *shares.entry(owner).or_default() += 1;
        }
        shares
    }

    #[test]
    fn shares_follow_the_weights() {
        let candidates = candidates(&[1.0, 1.0, 2.0]);
        let owners = owners(&candidates);
        let shares: Vec<_> = shares(&owners).into_values().collect();
        // Four standard deviations of a binomial share: sqrt(1024 · ¼ · ¾) is 14.
        for (share, fair) in shares.into_iter().zip([256usize, 256, 512]) {
            assert!(share.abs_diff(fair) < 60, "{share} of {fair}");
        }
    }

    #[test]
    fn where_a_shard_lives_is_the_same_in_every_version() {
        let owners = owners(&candidates(&[1.0, 1.0, 1.0]));
        let first: Vec<_> = owners[..8].iter().map(|owner| owner.as_str()).collect();
        let known = [0, 2, 1, 1, 0, 1, 2, 1].map(|n| format!("node-{n}"));
        assert_eq!(first, known);
    }

    proptest! {
        #[test]
        fn a_node_that_comes_or_goes_moves_only_its_own_shards(
            weights in prop::collection::vec(0.1f64..8.0, 2..12),
            which in any::<prop::sample::Index>(),
        ) {
            let all = candidates(&weights);
            let gone = which.get(&all).node.clone();
            let rest: Vec<_> = all.iter().filter(|candidate| candidate.node != gone).cloned().collect();
            for (with, without) in owners(&all).into_iter().zip(owners(&rest)) {
                prop_assert!(with == without || with == gone);
            }
        }

        #[test]
        fn everyone_ranks_alike(weights in prop::collection::vec(0.1f64..8.0, 1..12), shard in 0..SHARDS) {
            let there = candidates(&weights);
            let mut here = there.clone();
            here.reverse();
            prop_assert_eq!(ranking(ShardId(shard), &there), ranking(ShardId(shard), &here));
        }
    }
}
