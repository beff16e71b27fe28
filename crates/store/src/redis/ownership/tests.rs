//! The scripts beside the [`Ledger`]: the same calls in the same order, at the times that the server answered, must come to the same answers and leave
//! the same data. The server is killed in between and comes back with all, some or none of its data.

mod twins;

use std::time::Duration;

use proptest::prelude::*;
use videorooms_tests::RedisServer;

use twins::Twins;

/// What anyone may ask, with what they happen to know. Numbers are cut to what there is.
#[derive(Debug, Clone)]
enum Call {
    Renew {
        cached: bool,
        weight: u32,
        draining: bool,
    },
    Claim {
        shard: usize,
        known: u64,
    },
    Declare {
        dead: usize,
        heirs: [usize; 2],
        limit_ms: u64,
        outdated: bool,
    },
    HandOff {
        shard: usize,
        back: usize,
        to: usize,
    },
    ReAssert {
        shard: usize,
        back: usize,
    },
    Commit {
        shard: usize,
        back: usize,
        /// Seq that it expects, two before the log's end and on.
        place: u64,
        snapshot: bool,
    },
    Restore {
        shard: usize,
        back: usize,
        ahead: u64,
    },
    Pass {
        ms: u64,
    },
    Restart(Kept),
    Boot,
    /// The next call names another life.
    Stray,
}

#[derive(Debug, Clone, Copy)]
enum Kept {
    All,
    /// What it had at the last restart that kept all.
    Some,
    None,
}

fn calls() -> impl Strategy<Value = Vec<(usize, u64, Call)>> {
    let node = || 0usize..3;
    let (shard, back) = (|| 0usize..2, || 0usize..4);
    let kept = prop_oneof![2 => Just(Kept::All), 2 => Just(Kept::Some), 1 => Just(Kept::None)];
    let call = prop_oneof![
        8 => (any::<bool>(), 0u32..2, prop::bool::weighted(0.1))
            .prop_map(|(cached, weight, draining)| Call::Renew { cached, weight, draining }),
        6 => (shard(), 0u64..3).prop_map(|(shard, known)| Call::Claim { shard, known }),
        4 => (node(), [node(), node()], 0u64..12, prop::bool::weighted(0.1))
            .prop_map(|(dead, heirs, limit_ms, outdated)| Call::Declare { dead, heirs, limit_ms, outdated }),
        4 => (shard(), back(), node()).prop_map(|(shard, back, to)| Call::HandOff { shard, back, to }),
        6 => (shard(), back()).prop_map(|(shard, back)| Call::ReAssert { shard, back }),
        8 => (shard(), back(), 0u64..4, any::<bool>())
            .prop_map(|(shard, back, place, snapshot)| Call::Commit { shard, back, place, snapshot }),
        4 => (shard(), back(), 0u64..3).prop_map(|(shard, back, ahead)| Call::Restore { shard, back, ahead }),
        3 => (1u64..20).prop_map(|ms| Call::Pass { ms }),
        1 => kept.prop_map(Call::Restart),
        1 => Just(Call::Boot),
        1 => Just(Call::Stray),
    ];
    // Who asks, and how far above the generation of the table it believes to be.
    prop::collection::vec((node(), 0u64..2, call), 1..150)
}

/// Short beside the sequences, so that calls fall on both sides.
const SETTLE: Duration = Duration::from_millis(20);

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn the_scripts_are_the_ledger(calls in calls()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut twins = Twins::new(RedisServer::start(), SETTLE).await;
            for (who, ahead, call) in calls {
                twins.call(who, ahead, call).await;
                twins.compare().await;
            }
        });
    }
}
