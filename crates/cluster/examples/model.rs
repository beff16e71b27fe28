//! The full bounds of the model check (`make model`). Ends with an error if a property does not hold or a case was not finished in its time.

#[path = "../tests/model_check/calm.rs"]
mod calm;
#[path = "../tests/model_check/cluster.rs"]
mod cluster;
#[path = "../tests/model_check/requests.rs"]
mod requests;
#[path = "../tests/model_check/steps.rs"]
mod steps;

use std::process::ExitCode;
use std::time::Duration;

use cluster::{Bounds, Budget};
use stateright::{Checker, Model};

/// The longest that one case may take.
const LIMIT: Duration = Duration::from_mins(9);

fn cases() -> Vec<(&'static str, Bounds)> {
    let calm = Budget::CALM;
    let regress = Budget {
        outages: 1,
        regress: 2,
        ..calm
    };
    let one = |name, budget| (name, Bounds::of(budget));
    let two_shards = Bounds {
        shards: 2,
        ..Bounds::of(Budget { crashes: 1, ..calm })
    };
    vec![
        one(
            "2 crashes, 1 new boot",
            Budget {
                crashes: 2,
                restarts: 1,
                ..calm
            },
        ),
        one(
            "1 crash, 1 pause",
            Budget {
                crashes: 1,
                pauses: 1,
                ..calm
            },
        ),
        one(
            "1 crash, 1 loss",
            Budget {
                crashes: 1,
                losses: 1,
                ..calm
            },
        ),
        one(
            "1 pause, 1 loss",
            Budget {
                pauses: 1,
                losses: 1,
                ..calm
            },
        ),
        one("2 losses", Budget { losses: 2, ..calm }),
        one(
            "store regresses",
            Budget {
                commits: 2,
                ..regress
            },
        ),
        one(
            "store regresses, 1 crash",
            Budget {
                crashes: 1,
                ..regress
            },
        ),
        one("store regresses, 1 pause", Budget { pauses: 1, ..regress }),
        one(
            "store restarts, 1 loss",
            Budget {
                outages: 1,
                losses: 1,
                ..calm
            },
        ),
        ("2 shards, 1 crash", two_shards),
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
    for (name, bounds) in cases() {
        if !only.is_empty() && !only.iter().any(|part| name.contains(part.as_str())) {
            continue;
        }
        let started = std::time::Instant::now();
        let checker = bounds.checker().threads(2).timeout(LIMIT).spawn_dfs().join();
        let (states, took) = (checker.unique_state_count(), started.elapsed());
        let is_done = took < LIMIT;
        println!(
            "{name:<28} {states:>10} states {took:>8.1?} {}",
            if is_done { "all" } else { "NOT ALL" }
        );
        for (property, path) in checker.discoveries() {
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
