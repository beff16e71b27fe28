use proptest::prelude::*;

use super::*;

fn lease() -> Lease {
    let mut lease = Lease::new(&Timing::default());
    lease.renewed(Instant(1010), Instant(1000));
    lease
}

fn at(lease: &mut Lease, now: u64, agreed: bool) -> Standing {
    lease.poll(Instant(now), agreed);
    lease.standing()
}

#[test]
fn a_node_starts_fenced_and_is_live_with_its_first_renewal() {
    assert_eq!(at(&mut Lease::new(&Timing::default()), 5, true), Standing::Fenced);
    assert_eq!(lease().standing(), Standing::Live);
}

#[test]
fn the_lease_counts_from_the_send_of_the_renewal() {
    let mut lease = lease();
    assert!(lease.speaks(Instant(1899)));
    assert!(!lease.speaks(Instant(1900)));
    assert_eq!(at(&mut lease, 1899, false), Standing::Live);
    assert_eq!(at(&mut lease, 1900, false), Standing::Suspended);
}

#[test]
fn an_answer_later_than_its_own_lease_renews_nothing() {
    let mut lease = lease();
    at(&mut lease, 1950, false);
    lease.renewed(Instant(1950), Instant(1050));
    assert_eq!(lease.standing(), Standing::Suspended);
    lease.renewed(Instant(1950), Instant(1051));
    assert_eq!(lease.standing(), Standing::Live);
}

#[test]
fn a_majority_without_the_store_freezes_and_its_loss_suspends_with_time_to_spare() {
    let mut lease = lease();
    for now in (1900..60_000).step_by(100) {
        assert_eq!(at(&mut lease, now, true), Standing::Frozen);
    }
    assert_eq!(at(&mut lease, 60_000, false), Standing::Suspended);
    assert_eq!(at(&mut lease, 62_899, false), Standing::Suspended);
    assert_eq!(at(&mut lease, 62_900, false), Standing::Fenced);
    assert_eq!(at(&mut lease, 62_901, true), Standing::Fenced);
    lease.renewed(Instant(63_000), Instant(62_990));
    assert_eq!(lease.standing(), Standing::Live);
}

#[test]
fn a_long_pause_fences_at_the_first_look_at_the_clock() {
    assert_eq!(at(&mut lease(), 4900, true), Standing::Fenced);
}

proptest! {
    #[test]
    fn nothing_is_said_without_a_lease_or_a_majority(
        steps in prop::collection::vec((0u64..700, any::<bool>(), prop::option::weighted(0.3, 0u64..1500)), 0..60),
    ) {
        let mut lease = Lease::new(&Timing::default());
        let (mut now, mut ends, mut agreed_at) = (10_000, 0, None);
        for (passed, agreed, renewal) in steps {
            now += passed;
            lease.poll(Instant(now), agreed);
            if agreed {
                agreed_at = Some(now);
            }
            if let Some(ago) = renewal {
                lease.renewed(Instant(now), Instant(now - ago));
                if ago < 900 {
                    ends = ends.max(now - ago + 900);
                }
            }
            let may_speak = now < ends || agreed_at == Some(now);
            prop_assert!(may_speak || !lease.speaks(Instant(now)));
            prop_assert_eq!(lease.is_live(Instant(now)), now < ends);
            prop_assert!(now < ends + 3000 || agreed_at.is_some_and(|at| now < at + 3000) || lease.standing() == Standing::Fenced);
        }
    }
}
