use proptest::prelude::*;

use super::*;

fn id(name: &str) -> NodeId {
    name.parse().unwrap()
}

fn boot(incarnation: u64) -> NodeIncarnation {
    let node = id("b");
    NodeIncarnation { node, incarnation }
}

/// From a to b; a dials.
fn link() -> Link {
    Link::new(&id("a"), id("b"), Instant(0))
}

fn up() -> Link {
    let mut link = link();
    link.poll(Instant(0));
    assert!(link.opened(Instant(10), &boot(1)));
    link.heard(Instant(10));
    link
}

#[test]
fn of_two_nodes_one_dials_and_the_other_probes() {
    let mut other = Link::new(&id("b"), id("a"), Instant(0));
    assert_eq!(link().poll(Instant(0)), Some(LinkAction::Dial));
    assert_eq!(other.poll(Instant(0)), Some(LinkAction::Probe));
    assert_eq!(other.poll(Instant(0)), None, "one attempt at a time");
}

#[test]
fn a_link_that_closes_and_is_refused_shows_a_death() {
    let mut link = up();
    assert_eq!(link.evidence(Instant(11), 1), Evidence::Answering);
    link.closed(Instant(20));
    assert_eq!(link.evidence(Instant(20), 1), Evidence::Silent, "not refused yet");
    assert_eq!(link.poll(Instant(20)), Some(LinkAction::Dial));
    link.failed(Instant(21), DialError::Refused);
    assert_eq!(link.evidence(Instant(21), 1), Evidence::Gone);
    assert_eq!(link.poll(Instant(21)), None);
    assert_eq!(link.poll(Instant(71)), Some(LinkAction::Dial));
    link.failed(Instant(80), DialError::Failed);
    assert_eq!(link.evidence(Instant(80), 1), Evidence::Silent);
}

#[test]
fn a_newer_boot_shows_the_death_of_the_former_and_the_former_is_refused() {
    let mut link = up();
    assert!(link.opened(Instant(30), &boot(2)));
    assert_eq!(link.evidence(Instant(31), 1), Evidence::Gone);
    assert_eq!(link.evidence(Instant(31), 2), Evidence::Answering);
    assert!(!link.opened(Instant(32), &boot(1)));
    assert!(!link.opened(
        Instant(32),
        &NodeIncarnation {
            node: id("c"),
            incarnation: 9
        }
    ));
}

#[test]
fn silence_shows_long_before_the_link_is_closed_for_it() {
    let mut link = up();
    assert_eq!(link.evidence(Instant(309), 1), Evidence::Answering);
    assert_eq!(link.evidence(Instant(310), 1), Evidence::Silent);
    let actions: Vec<_> = (11..=3010)
        .filter_map(|now| Some((now, link.poll(Instant(now))?)))
        .collect();
    assert_eq!(actions.last(), Some(&(3010, LinkAction::Close)));
    assert_eq!(actions.len(), 31, "a ping each 100 ms, then the end: {actions:?}");
}

#[test]
fn a_call_goes_through_one_common_neighbour_or_not_at_all() {
    let nodes = ["a", "b", "c", "d"].map(id);
    let cut = |of: &NodeId, to: &NodeId| {
        let pair = [of.as_str(), to.as_str()];
        !matches!(pair, ["a", "b"] | ["c", "b"])
    };
    assert_eq!(relay(&id("a"), &id("b"), &nodes, cut), Some(&id("d")));
    assert_eq!(relay(&id("a"), &id("b"), &nodes[..3], cut), None);
}

#[derive(Debug, Clone)]
enum Event {
    Opened(u64),
    Refused,
    Failed,
    Probed,
    Heard,
    Closed,
    Nothing,
}

fn events() -> impl Strategy<Value = Vec<(u64, Event)>> {
    let event = prop_oneof![
        (1u64..4).prop_map(Event::Opened),
        Just(Event::Refused),
        Just(Event::Failed),
        Just(Event::Probed),
        Just(Event::Heard),
        Just(Event::Closed),
        Just(Event::Nothing),
    ];
    prop::collection::vec((0u64..400, event), 0..80)
}

proptest! {
    #[test]
    fn whatever_happens_attempts_are_single_spaced_and_never_cease(dials: bool, events in events()) {
        let mut link = if dials { link() } else { Link::new(&id("c"), id("b"), Instant(0)) };
        let (mut now, mut trying, mut attempts) = (0, false, Vec::new());
        let mut newest = 0;
        for (passed, event) in events {
            now += passed;
            let at = Instant(now);
            match event {
                Event::Opened(incarnation) => {
                    let taken = link.opened(at, &boot(incarnation));
                    prop_assert_eq!(taken, incarnation >= newest);
                    newest = newest.max(incarnation);
                }
                Event::Refused => link.failed(at, DialError::Refused),
                Event::Failed => link.failed(at, DialError::Failed),
                Event::Probed => link.probed(at),
                Event::Heard => link.heard(at),
                Event::Closed => link.closed(at),
                Event::Nothing => {}
            }
            trying &= matches!(link.state, State::Trying { .. });
            match link.poll(at) {
                Some(LinkAction::Dial | LinkAction::Probe) => {
                    prop_assert!(!trying && !link.is_up());
                    trying = true;
                    attempts.push(now);
                }
                Some(LinkAction::Abandon | LinkAction::Close) => prop_assert!(!link.is_up()),
                Some(LinkAction::Ping) => prop_assert!(link.is_up()),
                None => {}
            }
        }
        // Left alone it tries again, or hears silence and then tries again.
        let mut later = (now..now + 10_000).map(|now| link.poll(Instant(now)));
        prop_assert!(later.any(|action| matches!(action, Some(LinkAction::Dial | LinkAction::Probe))));
    }
}
