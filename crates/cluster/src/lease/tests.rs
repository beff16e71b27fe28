use proptest::prelude::*;

use super::*;

const RENEWAL: Duration = Duration::from_millis(150);

fn node(n: usize) -> NodeId {
    format!("n{n}").parse().unwrap()
}

fn others(count: usize) -> Vec<NodeId> {
    (1..=count).map(node).collect()
}

/// Live since 0, among so many others.
fn live(count: usize) -> Lease {
    let mut lease = Lease::new(LeaseTimes::default());
    let change = lease.renewed(Time(1), Time(0), Renewal::Held, others(count));
    assert_eq!(change, Some(Change::Now(LeaseState::Live)));
    lease
}

#[test]
fn it_counts_from_the_send_of_the_renewal() {
    let mut lease = live(2);
    assert!(lease.speaks(Time(899)));
    assert!(!lease.speaks(Time(900)), "though nobody ticked");
    assert_eq!(lease.next(), Some(Time(900)));
    assert_eq!(lease.tick(Time(899)), None);
    assert_eq!(lease.tick(Time(900)), Some(Change::Now(LeaseState::Suspended)));
}

#[test]
fn whoever_is_cut_off_alone_gives_its_shards_up() {
    let mut lease = live(2);
    assert_eq!(lease.tick(Time(900)), Some(Change::Now(LeaseState::Suspended)));
    assert_eq!(lease.next(), Some(Time(3900)));
    assert_eq!(lease.tick(Time(3899)), None);
    assert_eq!(lease.tick(Time(3900)), Some(Change::Lost(LeaseState::Fenced)));
    assert_eq!(lease.tick(Time(10_000)), None);
    let change = lease.renewed(Time(10_002), Time(10_001), Renewal::Replaced, others(2));
    assert_eq!(
        change,
        Some(Change::Now(LeaseState::Live)),
        "there was nothing left to lose"
    );
}

#[test]
fn with_a_majority_cut_off_it_is_frozen_for_as_long_as_they_say_so() {
    let mut lease = live(2);
    assert_eq!(lease.tick(Time(900)), Some(Change::Now(LeaseState::Suspended)));
    let change = lease.heard(Time(1000), node(1), false);
    assert_eq!(change, Some(Change::Now(LeaseState::Frozen)), "two of three");
    assert_eq!(lease.next(), Some(Time(2000)));
    for now in (1500..60_000).step_by(500) {
        assert_eq!(lease.heard(Time(now), node(1), false), None);
    }
    assert_eq!(
        lease.tick(Time(60_999)),
        Some(Change::Lost(LeaseState::Fenced)),
        "their word is old"
    );
}

#[test]
fn a_frozen_one_whose_majority_finds_the_store_is_suspended_until_its_patience_ends() {
    let mut lease = live(2);
    lease.heard(Time(500), node(1), false);
    assert_eq!(lease.tick(Time(900)), Some(Change::Now(LeaseState::Frozen)));
    let change = lease.heard(Time(1100), node(1), true);
    assert_eq!(change, Some(Change::Now(LeaseState::Suspended)));
    let change = lease.renewed(Time(1300), Time(1200), Renewal::Held, others(2));
    assert_eq!(change, Some(Change::Now(LeaseState::Live)));
}

#[test]
fn half_is_no_majority_and_a_stranger_counts_for_nobody() {
    let mut lease = live(3);
    assert_eq!(lease.tick(Time(900)), Some(Change::Now(LeaseState::Suspended)));
    assert_eq!(lease.heard(Time(950), node(1), false), None, "two of four");
    assert_eq!(lease.heard(Time(960), node(7), false), None, "not one of them");
    assert_eq!(
        lease.heard(Time(970), node(2), false),
        Some(Change::Now(LeaseState::Frozen))
    );
}

#[test]
fn a_node_alone_is_its_own_majority() {
    let mut lease = live(0);
    assert_eq!(lease.tick(Time(900)), Some(Change::Now(LeaseState::Frozen)));
    assert_eq!(lease.tick(Time(1_000_000)), None);
}

#[test]
fn whoever_was_replaced_loses_its_shards_in_whatever_state_it_learns_of_it() {
    for now in [100, 950, 2000] {
        let mut lease = live(2);
        lease.tick(Time(now));
        let change = lease.renewed(Time(now + 2), Time(now + 1), Renewal::Replaced, others(2));
        assert_eq!(change, Some(Change::Lost(LeaseState::Live)));
    }
}

#[test]
fn an_answer_that_was_too_long_on_its_way_gives_no_lease_but_its_bad_news_counts() {
    let mut lease = live(2);
    let change = lease.renewed(Time(2000), Time(1000), Renewal::Held, others(2));
    assert_eq!(change, Some(Change::Now(LeaseState::Suspended)));
    let change = lease.renewed(Time(3000), Time(1100), Renewal::Replaced, others(2));
    assert_eq!(change, Some(Change::Lost(LeaseState::Fenced)));
}

#[test]
fn an_older_answer_that_comes_later_does_not_shorten_it() {
    let mut lease = live(2);
    lease.renewed(Time(310), Time(300), Renewal::Held, others(2));
    lease.renewed(Time(320), Time(150), Renewal::Held, others(2));
    assert!(lease.speaks(Time(1199)) && !lease.speaks(Time(1200)));
}

#[derive(Debug, Clone)]
enum Step {
    /// So many ms go by.
    Pass(u64),
    /// A renewal is answered that was sent so long ago.
    Renewed {
        age: u64,
        renewal: Renewal,
    },
    Heard {
        from: usize,
        reaches_store: bool,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let renewal = prop::sample::select(vec![
        Renewal::Held,
        Renewal::Held,
        Renewal::Held,
        Renewal::Replaced,
    ]);
    let step = prop_oneof![
        4 => (0u64..1500).prop_map(Step::Pass),
        3 => (0u64..1200, renewal).prop_map(|(age, renewal)| Step::Renewed { age, renewal }),
        3 => (1usize..6, prop::bool::weighted(0.3))
            .prop_map(|(from, reaches_store)| Step::Heard { from, reaches_store }),
    ];
    prop::collection::vec(step, 1..60)
}

/// The same in the plainest words: the whole history, looked through each time.
#[derive(Default)]
struct Account {
    /// End of the lease by the best renewal.
    until: u64,
    /// What each said last, since the last renewal.
    said: std::collections::HashMap<usize, (u64, bool)>,
    owns: bool,
}

impl Account {
    fn cut_off(&self, now: u64, count: usize) -> usize {
        let counts =
            |(from, (at, reaches)): (&usize, &(u64, bool))| *from <= count && !reaches && now - at < 1000;
        self.said.iter().filter(|said| counts(*said)).count()
    }
}

proptest! {
    #[test]
    fn every_history_keeps_the_invariants(count in 0usize..5, steps in steps()) {
        let times = LeaseTimes::default();
        let (mut lease, mut account, mut now) = (Lease::new(times), Account::default(), 10_000u64);
        for step in steps {
            let change = match step {
                Step::Pass(ms) => {
                    // A shell ticks when it was told to, or later.
                    now += ms;
                    lease.tick(Time(now))
                }
                Step::Renewed { age, renewal } => {
                    account.said.clear();
                    account.until = account.until.max(now - age + 900);
                    lease.renewed(Time(now), Time(now - age), renewal, others(count))
                }
                Step::Heard { from, reaches_store } => {
                    account.said.insert(from, (now, reaches_store));
                    lease.heard(Time(now), node(from), reaches_store)
                }
            };
            match change {
                Some(Change::Lost(_)) => {
                    prop_assert!(account.owns, "what is lost was had");
                    account.owns = lease.state() != LeaseState::Fenced;
                }
                Some(Change::Now(state)) => {
                    prop_assert_ne!(state, LeaseState::Fenced);
                    account.owns = true;
                }
                None => {}
            }
            prop_assert_eq!(account.owns, lease.state() != LeaseState::Fenced);
            prop_assert_eq!(lease.speaks(Time(now)), account.owns && now < account.until);
            for later in [0, 150, 899, 900, 5000] {
                let spoke = lease.speaks(Time(now + later));
                prop_assert!(!spoke || now + later < account.until);
            }
            let majority = 2 * (account.cut_off(now, count) + 1) > count + 1;
            if lease.state() == LeaseState::Frozen {
                prop_assert!(majority && now >= account.until);
            }
            if lease.state() == LeaseState::Suspended {
                prop_assert!(now < account.until + 3000 && !majority);
            }
        }
        // Alone among others it gives up in time, ticking only when it asked to be.
        let start = now;
        while let Some(next) = lease.next() {
            prop_assert!(next > Time(now) || lease.state() == LeaseState::Live, "no busy waiting");
            now = now.max(next.0);
            lease.tick(Time(now));
            if count == 0 && lease.state() == LeaseState::Frozen {
                break;
            }
        }
        if count > 0 {
            prop_assert_eq!(lease.state(), LeaseState::Fenced);
            let longest = times.lease + times.patience.max(times.word) + RENEWAL;
            prop_assert!(Time(now).since(Time(start)) <= longest);
        }
    }
}
