//! Properties of the munger under reordering, loss and duplicates.

use std::time::Duration;

use proptest::prelude::*;

use super::*;

fn packet(seq: u64) -> Fields {
    let frame = seq / 3;
    Fields {
        seq,
        timestamp: (frame as u32).wrapping_mul(3000),
        picture: frame as u16 & PICTURE_MASK,
        tl0: frame as u8,
    }
}

/// Sources in turn, each a list of offsets from a start: shuffled, with holes and repetitions.
fn sources() -> impl Strategy<Value = Vec<(u64, Vec<u64>)>> {
    let start = prop_oneof![0..10_u64, 65_400..65_600_u64, any::<u32>().prop_map(u64::from)];
    prop::collection::vec((start, prop::collection::vec(0..40_u64, 1..60)), 1..6)
}

proptest! {
    #[test]
    fn a_stream_goes_on_over_every_change_and_keeps_its_order_within_a_run(sources in sources()) {
        let mut munger = Munger::new(90_000);
        let mut now = Instant::now();
        let mut newest: Option<Fields> = None;
        for (start, offsets) in sources {
            munger.interrupt();
            let before = newest;
            let mut first = true;
            let mut shift = None;
            for offset in offsets {
                now += Duration::from_millis(10);
                let source = packet(start + offset);
                let Some(out) = munger.rewrite(now, 1, source) else { continue };
                if first {
                    prop_assert_eq!(out.seq, before.map_or(1, |last| last.seq + 1));
                    if let Some(last) = before {
                        let step = out.timestamp.wrapping_sub(last.timestamp);
                        prop_assert!((3000..1 << 31).contains(&step));
                        prop_assert_eq!(out.picture, (last.picture + 1) & PICTURE_MASK);
                        prop_assert_eq!(out.tl0, last.tl0.wrapping_add(1));
                    }
                    first = false;
                }
                let this = (out.seq.wrapping_sub(source.seq), out.timestamp.wrapping_sub(source.timestamp));
                prop_assert_eq!(*shift.get_or_insert(this), this);
                if let Some(last) = before {
                    prop_assert!(out.seq > last.seq);
                }
                if newest.is_none_or(|newest| newest.seq < out.seq) {
                    newest = Some(out);
                }
            }
        }
    }

    #[test]
    fn numbers_start_below_the_first_rollover(start: u32) {
        let mut munger = Munger::new(48_000);
        let out = munger.rewrite(Instant::now(), 1, packet(u64::from(start))).unwrap();
        prop_assert!(out.seq < 65_536);
    }
}

#[test]
fn a_long_run_goes_on_past_the_rollover() {
    let mut munger = Munger::new(90_000);
    let now = Instant::now();
    let outs: Vec<u64> = (0..70_000)
        .map(|seq| munger.rewrite(now, 1, packet(60_000 + seq)).unwrap().seq)
        .collect();
    assert!(outs.windows(2).all(|pair| pair[0] + 1 == pair[1]));
}

#[test]
fn a_skipped_packet_leaves_no_gap() {
    let mut munger = Munger::new(90_000);
    let now = Instant::now();
    let first = munger.rewrite(now, 1, packet(10)).unwrap();
    munger.skip(11);
    assert_eq!(munger.rewrite(now, 1, packet(12)).unwrap().seq, first.seq + 1);
    assert_eq!(munger.rewrite(now, 1, packet(11)), None);
}

#[test]
fn a_skipped_packet_does_not_cost_those_before_it() {
    let mut munger = Munger::new(90_000);
    let now = Instant::now();
    let first = munger.rewrite(now, 1, packet(10)).unwrap();
    // 11 is lost and comes again later.
    assert_eq!(munger.rewrite(now, 1, packet(12)).unwrap().seq, first.seq + 2);
    munger.skip(13);
    assert_eq!(munger.rewrite(now, 1, packet(14)).unwrap().seq, first.seq + 3);
    assert_eq!(munger.rewrite(now, 1, packet(11)).unwrap().seq, first.seq + 1);
    assert_eq!(munger.rewrite(now, 1, packet(12)).unwrap().seq, first.seq + 2);
}

#[test]
fn another_stream_or_an_absurd_jump_is_a_break_and_a_gap_is_none() {
    let mut munger = Munger::new(90_000);
    assert!(!munger.is_break(1, 10), "nothing runs yet");
    munger.rewrite(Instant::now(), 1, packet(50_000));
    assert!(!munger.is_break(1, 50_500));
    assert!(!munger.is_break(1, 49_500));
    assert!(munger.is_break(2, 50_001));
    assert!(munger.is_break(1, 60_000));
    assert!(munger.is_break(1, 20));
}

/// What comes of a stream whose every third or so packet is padding: shuffled within a window, with holes and repetitions.
fn arrivals() -> impl Strategy<Value = (u64, Vec<(u64, bool)>)> {
    let start = prop_oneof![Just(1_u64), 65_400..65_600_u64];
    let padding = prop::collection::vec(prop::bool::weighted(0.3), 120);
    let order = prop::collection::vec((0..120_u64, 0..12_u64), 1..250);
    (start, padding, order).prop_map(|(start, padding, mut order)| {
        order.sort_by_key(|(at, late)| at + late);
        let packets = order
            .into_iter()
            .map(|(at, _)| (start + at, padding[at as usize]));
        (start, packets.collect())
    })
}

proptest! {
    #[test]
    fn padding_is_left_out_and_every_other_packet_keeps_its_place((_, packets) in arrivals()) {
        let mut munger = Munger::new(90_000);
        let now = Instant::now();
        let mut places: std::collections::BTreeMap<u64, u64> = std::collections::BTreeMap::new();
        for (seq, is_padding) in packets {
            if is_padding {
                munger.skip(seq);
            } else if let Some(out) = munger.rewrite(now, 1, packet(seq)) {
                let place = *places.entry(seq).or_insert(out.seq);
                prop_assert_eq!(place, out.seq, "a repeated packet has the same number");
            }
        }
        let numbers: Vec<u64> = places.values().copied().collect();
        prop_assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "order is kept: {places:?}");
    }
}
