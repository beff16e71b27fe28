//! Everything that can happen to a small cluster, tried: small bounds here, larger ones by `make model`.

mod model_check {
    pub(crate) mod calm;
    pub(crate) mod cluster;
    pub(crate) mod polls;
    pub(crate) mod requests;
    pub(crate) mod sights;
    pub(crate) mod steps;
}

use model_check::cluster::{Bounds, Budget, Planted};
use model_check::sights;
use model_check::steps::{CALM, ONE_VOICE, ONE_WRITER, Step};
use stateright::{Checker, HasDiscoveries, Model};

/// Nothing is wrong in any state within these bounds, and all this is seen on the way.
fn holds(budget: Budget, sights: &[&'static str]) {
    let checker = Bounds::of(budget).checker().threads(2).spawn_dfs().join();
    for property in [ONE_WRITER, ONE_VOICE, CALM] {
        checker.assert_no_discovery(property);
    }
    for sight in sights {
        assert!(checker.discovery(sight).is_some(), "never seen: {sight}");
    }
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
fn a_lease_that_is_longer_than_a_judge_is_patient_is_found() {
    let budget = Budget {
        losses: 1,
        ..Budget::CALM
    };
    let steps = found(Planted::LongLease, ONE_VOICE, budget);
    assert!(
        steps.iter().any(|step| matches!(step, Step::Poll(_, Some(_)))),
        "{steps:?}"
    );
}

#[test]
fn nothing_goes_wrong_when_nothing_goes_wrong() {
    holds(Budget::CALM, &[sights::ACKNOWLEDGED]);
}

#[test]
fn a_crash_and_a_new_boot_are_survived() {
    let budget = Budget {
        crashes: 1,
        restarts: 1,
        ..Budget::CALM
    };
    holds(budget, &[sights::DEAD, sights::INHERITED]);
}

#[test]
fn a_pause_is_survived() {
    let sights = [sights::DEAD, sights::INHERITED, sights::TWO_BELIEVE, sights::BACK];
    holds(
        Budget {
            pauses: 1,
            ..Budget::CALM
        },
        &sights,
    );
}

#[test]
fn an_outage_of_the_store_that_loses_changes_is_survived() {
    let sights = [sights::FROZEN, sights::LOSSY, sights::RESTORED];
    holds(
        Budget {
            outages: 1,
            regress: 1,
            ..Budget::CALM
        },
        &sights,
    );
}

#[test]
fn a_lost_or_late_request_or_answer_is_survived() {
    holds(
        Budget {
            losses: 1,
            ..Budget::CALM
        },
        &[sights::ACKNOWLEDGED],
    );
}

#[test]
fn a_node_that_drains_gives_everything_away() {
    holds(
        Budget {
            drains: 1,
            ..Budget::CALM
        },
        &[sights::MOVED],
    );
}
