//! The full bounds of the model check (`make model`). Ends with an error if a property does not hold or a case was not finished in its time.

#[path = "../tests/model_check/calm.rs"]
mod calm;
#[path = "../tests/model_check/cluster.rs"]
mod cluster;
#[path = "../tests/model_check/polls.rs"]
mod polls;
#[path = "../tests/model_check/requests.rs"]
mod requests;
#[path = "../tests/model_check/sights.rs"]
mod sights;
#[path = "../tests/model_check/steps.rs"]
mod steps;

use std::process::ExitCode;
use std::time::Duration;

use cluster::{Bounds, Budget};
use stateright::{Checker, Model};

/// The longest that one case may take.
const LIMIT: Duration = Duration::from_mins(3);

/// A name, bounds, and what is to be seen on the way.
type Case = (&'static str, Bounds, Vec<&'static str>);

/// Pairs of faults begin with a cluster at rest: `tests/model_check.rs` has each fault while it boots.
fn cases() -> Vec<Case> {
    use sights::{BACK, DEAD, FROZEN, INHERITED, LOSSY, MOVED, RESTORED, SUSPENDED, TWO_BELIEVE};
    let calm = Budget::CALM;
    let outage = Budget { outages: 1, ..calm };
    let regress = Budget { regress: 2, ..outage };
    let pair = |name, budget, sights: &[&'static str]| {
        let bounds = Bounds {
            is_settled: true,
            ..Bounds::of(budget)
        };
        (name, bounds, sights.to_vec())
    };
    let mut two_shards = pair(
        "2 shards, 1 crash, 1 pause",
        Budget {
            commits: 2,
            crashes: 1,
            pauses: 1,
            ..calm
        },
        &[INHERITED],
    );
    two_shards.1.shards = 2;
    let two_faults = Budget {
        crashes: 1,
        pauses: 1,
        ..calm
    };
    let mut slower = pair("1 crash, 1 pause, slowly", two_faults, &[BACK, TWO_BELIEVE]);
    slower.1.timing = cluster::slower(&slower.1.timing);
    let two = |(name, bounds, sights): Case| (name, Bounds { nodes: 2, ..bounds }, sights);
    vec![
        pair(
            "2 crashes, 2 new boots",
            Budget {
                crashes: 2,
                restarts: 2,
                ..calm
            },
            &[DEAD, INHERITED],
        ),
        pair(
            "1 crash, 1 pause",
            Budget {
                crashes: 1,
                pauses: 1,
                ..calm
            },
            &[BACK, TWO_BELIEVE],
        ),
        pair(
            "1 crash, 1 loss",
            Budget {
                crashes: 1,
                losses: 1,
                ..calm
            },
            &[INHERITED],
        ),
        pair(
            "1 crash, 1 drain",
            Budget {
                crashes: 1,
                drains: 1,
                ..calm
            },
            &[MOVED],
        ),
        pair(
            "1 drain, 1 loss",
            Budget {
                drains: 1,
                losses: 1,
                ..calm
            },
            &[MOVED],
        ),
        pair("2 losses", Budget { losses: 2, ..calm }, &[SUSPENDED]),
        pair(
            "store restarts, 1 crash",
            Budget { crashes: 1, ..outage },
            &[FROZEN, INHERITED],
        ),
        pair(
            "store forgets",
            Budget {
                commits: 2,
                ..regress
            },
            &[LOSSY, RESTORED],
        ),
        pair(
            "store forgets, 1 crash",
            Budget {
                crashes: 1,
                ..regress
            },
            &[LOSSY, RESTORED],
        ),
        pair(
            "store restarts, 1 loss",
            Budget { losses: 1, ..outage },
            &[FROZEN],
        ),
        pair(
            "2 crashes, 1 pause",
            Budget {
                crashes: 2,
                pauses: 1,
                ..calm
            },
            &[BACK],
        ),
        two(pair(
            "2 nodes: 1 crash, 1 pause, 1 loss",
            Budget {
                losses: 1,
                ..two_faults
            },
            &[BACK, TWO_BELIEVE],
        )),
        two(pair(
            "2 nodes: store forgets, 1 pause",
            Budget { pauses: 1, ..regress },
            &[LOSSY, RESTORED],
        )),
        two(pair(
            "2 nodes: store forgets, 1 crash, 1 loss",
            Budget {
                crashes: 1,
                losses: 1,
                ..regress
            },
            &[LOSSY],
        )),
        two_shards,
        slower,
    ]
}

#[expect(
    clippy::disallowed_methods,
    reason = "the rules are pure, their examiner says how long it took"
)]
#[expect(clippy::print_stdout, reason = "a report is what it is for")]
fn main() -> ExitCode {
    let only: Vec<String> = std::env::args().skip(1).collect();
    let mut failed = false;
    for (name, bounds, sights) in cases() {
        if !only.is_empty() && !only.iter().any(|part| name.contains(part.as_str())) {
            continue;
        }
        let started = std::time::Instant::now();
        let checker = bounds.checker().threads(2).timeout(LIMIT).spawn_dfs().join();
        let (states, took) = (checker.unique_state_count(), started.elapsed());
        let is_done = took < LIMIT;
        println!(
            "{name:<40} {states:>10} states {took:>8.1?} {}",
            if is_done { "all" } else { "NOT ALL" }
        );
        for sight in sights
            .into_iter()
            .filter(|sight| checker.discovery(sight).is_none())
        {
            failed = true;
            println!("  never seen: {sight}");
        }
        for property in [steps::ONE_WRITER, steps::ONE_VOICE, steps::CALM] {
            let Some(path) = checker.discovery(property) else {
                continue;
            };
            failed = true;
            println!("  does not hold: {property}");
            for step in path.into_actions() {
                println!("    {step:?}");
            }
        }
        failed |= !is_done;
    }
    if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}
