//! Everything that can happen to a small cluster, tried: small bounds here, larger ones by `make model`.

mod model_check {
    pub(crate) mod calm;
    pub(crate) mod cluster;
    pub(crate) mod requests;
    pub(crate) mod steps;
}

use model_check::cluster::{Bounds, Budget, Planted};
use model_check::steps::{CALM, ONE_WRITER, Step};
use stateright::{Checker, HasDiscoveries, Model};

/// All properties hold in every state within these bounds, and there are at least so many.
fn holds(at_least: usize, budget: Budget) {
    let checker = Bounds::of(budget).checker().threads(2).spawn_dfs().join();
    checker.assert_properties();
    let states = checker.unique_state_count();
    assert!(
        states >= at_least,
        "only {states} states: something no longer happens"
    );
}

/// The mistake is found, as a violation of this property; how.
fn found(planted: Planted, property: &'static str, budget: Budget) -> Vec<Step> {
    let planted = Some(planted);
    let model = Bounds {
        planted,
        ..Bounds::of(budget)
    };
    let checker = model.checker().threads(2);
    let enough = HasDiscoveries::AnyOf([property].into());
    let path = checker.finish_when(enough).spawn_bfs().join().discovery(property);
    let path = path.unwrap_or_else(|| panic!("{planted:?} was not found"));
    path.into_actions()
}

#[test]
fn commits_that_nobody_checks_are_found() {
    let budget = Budget {
        pauses: 1,
        ..Budget::CALM
    };
    let steps = found(Planted::NoFencing, ONE_WRITER, budget);
    assert!(matches!(steps.last(), Some(Step::Command(..))), "{steps:?}");
}

#[test]
fn acknowledging_before_the_commit_is_found() {
    let budget = Budget {
        crashes: 1,
        losses: 1,
        ..Budget::CALM
    };
    let steps = found(Planted::EarlyAcknowledgement, CALM, budget);
    assert!(
        steps.iter().any(|step| matches!(step, Step::Command(..))),
        "{steps:?}"
    );
}

#[test]
fn epochs_that_come_again_after_the_store_lost_them_are_found() {
    let budget = Budget {
        commits: 0,
        crashes: 2,
        outages: 1,
        regress: 2,
        ..Budget::CALM
    };
    let steps = found(Planted::CountedEpochs, ONE_WRITER, budget);
    assert!(
        steps.iter().any(|step| matches!(step, Step::StoreBegins(1..))),
        "{steps:?}"
    );
}

#[test]
fn nothing_goes_wrong_when_nothing_goes_wrong() {
    holds(500, Budget::CALM);
}

#[test]
fn a_crash_and_a_new_boot_are_survived() {
    holds(
        50_000,
        Budget {
            crashes: 1,
            restarts: 1,
            ..Budget::CALM
        },
    );
}

#[test]
fn a_pause_is_survived() {
    holds(
        50_000,
        Budget {
            pauses: 1,
            ..Budget::CALM
        },
    );
}

#[test]
fn an_outage_of_the_store_that_loses_changes_is_survived() {
    holds(
        50_000,
        Budget {
            outages: 1,
            regress: 1,
            ..Budget::CALM
        },
    );
}

#[test]
fn a_lost_or_late_request_or_answer_is_survived() {
    holds(
        50_000,
        Budget {
            losses: 1,
            ..Budget::CALM
        },
    );
}
