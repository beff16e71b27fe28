use proptest::prelude::*;

use super::*;

const ROOM: RoomId = RoomId(77);

fn node(name: &str) -> NodeIncarnation {
    let (node, incarnation) = (name.parse().unwrap(), 1);
    NodeIncarnation { node, incarnation }
}

fn event(epoch: u64, seq: u64) -> Event<u64> {
    Event {
        epoch: Epoch(epoch),
        first: Seq(seq),
        last: Seq(seq),
        payload: seq,
    }
}

fn position(epoch: u64, seq: u64) -> Position {
    Position {
        epoch: Epoch(epoch),
        seq: Seq(seq),
    }
}

/// Follows node a from a snapshot at seq 5 in epoch 1.
fn following() -> Subscriptions<u64> {
    let mut subscriptions = Subscriptions::default();
    subscriptions.subscribe(Instant(0), ROOM);
    assert!(
        subscriptions.poll(Instant(0)).is_empty(),
        "nobody is known to own it"
    );
    subscriptions.owned(Instant(0), ROOM.shard(), node("a"));
    let batch = SubscribeBatch {
        to: node("a"),
        streams: vec![(ROOM, None)],
    };
    assert_eq!(subscriptions.poll(Instant(0)), [batch]);
    let heard = subscriptions.subscribed(
        Instant(1),
        &node("a"),
        ROOM,
        Subscribed::Snapshot(position(1, 5), 0),
    );
    assert_eq!(heard, [Heard::Snapshot(position(1, 5), 0)]);
    subscriptions
}

#[test]
fn a_moved_shard_is_asked_for_with_the_last_seq_and_its_tail_comes_before_what_waited() {
    let mut subscriptions = following();
    subscriptions.owned(Instant(10), ROOM.shard(), node("b"));
    assert_eq!(
        subscriptions.event(Instant(10), &node("a"), ROOM, event(1, 6)),
        None,
        "the former owner"
    );
    let batch = SubscribeBatch {
        to: node("b"),
        streams: vec![(ROOM, Some(Seq(5)))],
    };
    assert_eq!(subscriptions.poll(Instant(10)), [batch]);
    assert_eq!(
        subscriptions.event(Instant(11), &node("b"), ROOM, event(2, 8)),
        None,
        "not before the tail"
    );
    let tail = Subscribed::Tail(Epoch(2), vec![event(1, 6), event(1, 7)]);
    let heard = subscriptions.subscribed(Instant(12), &node("b"), ROOM, tail);
    assert_eq!(heard, [event(1, 6), event(1, 7), event(2, 8)].map(Heard::Event));
}

#[test]
fn a_gap_is_asked_for() {
    let mut subscriptions = following();
    assert_eq!(
        subscriptions.event(Instant(10), &node("a"), ROOM, event(1, 7)),
        None
    );
    assert_eq!(subscriptions.poll(Instant(10))[0].streams, [(ROOM, Some(Seq(5)))]);
}

#[test]
fn a_lower_epoch_is_not_heard_any_more() {
    let mut subscriptions = following();
    assert!(
        subscriptions
            .event(Instant(10), &node("a"), ROOM, event(3, 6))
            .is_some()
    );
    assert_eq!(
        subscriptions.event(Instant(10), &node("a"), ROOM, event(2, 7)),
        None
    );
    assert!(subscriptions.hears(&node("a"), ROOM, Epoch(3)));
    assert!(!subscriptions.hears(&node("a"), ROOM, Epoch(2)));
}

#[test]
fn an_owner_that_does_not_answer_or_refuses_is_asked_again_later() {
    let mut subscriptions = following();
    subscriptions.link_lost(Instant(10), &node("a"));
    assert_eq!(subscriptions.poll(Instant(10)).len(), 1);
    assert!(subscriptions.poll(Instant(2009)).is_empty());
    assert_eq!(subscriptions.poll(Instant(2010)).len(), 1);
    subscriptions.subscribed(Instant(2020), &node("a"), ROOM, Subscribed::Refused);
    assert!(subscriptions.poll(Instant(2119)).is_empty());
    assert_eq!(subscriptions.poll(Instant(2120)).len(), 1);
}

#[test]
fn lost_history_is_said_to_be_lost() {
    let mut subscriptions = following();
    subscriptions.link_lost(Instant(10), &node("a"));
    subscriptions.poll(Instant(10));
    let heard = subscriptions.subscribed(
        Instant(11),
        &node("a"),
        ROOM,
        Subscribed::Snapshot(position(2, 3), 0),
    );
    assert_eq!(heard, [Heard::Restart(position(2, 3), 0)]);
}

#[test]
fn batches_are_bounded() {
    let mut subscriptions = Subscriptions::<u64>::default();
    for id in 0..3000 {
        subscriptions.subscribe(Instant(0), RoomId(id));
        subscriptions.owned(Instant(0), RoomId(id).shard(), node("a"));
    }
    let sizes: Vec<_> = subscriptions
        .poll(Instant(0))
        .iter()
        .map(|batch| batch.streams.len())
        .collect();
    assert_eq!(sizes, [MAX_BATCH, MAX_BATCH, 3000 - 2 * MAX_BATCH]);
}

/// What happens between a hub and two owners.
#[derive(Debug, Clone)]
enum Step {
    /// The owner commits and says so; the node hears it or not.
    Say {
        is_heard: bool,
    },
    /// The former owner repeats something.
    Echo {
        back: u64,
    },
    Move,
    Ask,
    /// The owner answers, if it was asked.
    Answer {
        snapshot: bool,
    },
    LinkLost,
    Wait(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => prop::bool::weighted(0.8).prop_map(|is_heard| Step::Say { is_heard }),
        2 => (0u64..4).prop_map(|back| Step::Echo { back }),
        1 => Just(Step::Move),
        4 => Just(Step::Ask),
        4 => any::<bool>().prop_map(|snapshot| Step::Answer { snapshot }),
        1 => Just(Step::LinkLost),
        1 => (0u64..3000).prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 0..120)
}

struct Owners {
    log: Vec<Event<u64>>,
    epoch: u64,
    asked: Option<SubscribeBatch>,
}

impl Owners {
    fn owner(&self) -> NodeIncarnation {
        node(if self.epoch.is_multiple_of(2) { "a" } else { "b" })
    }

    fn former(&self) -> NodeIncarnation {
        node(if self.epoch.is_multiple_of(2) { "b" } else { "a" })
    }

    fn answer(&self, from: Option<Seq>, snapshot: bool) -> Subscribed<u64> {
        let end = self.log.len() as u64;
        match from {
            Some(from) if !snapshot => {
                Subscribed::Tail(Epoch(self.epoch), self.log[from.0 as usize..].to_vec())
            }
            Some(_) | None => Subscribed::Snapshot(position(self.epoch, end), end),
        }
    }
}

proptest! {
    #[test]
    fn whatever_is_lost_repeated_or_moved_a_stream_is_heard_in_order_and_in_the_end_whole(steps in steps()) {
        let mut hub = Subscriptions::<u64>::default();
        let mut owners = Owners { log: Vec::new(), epoch: 2, asked: None };
        let (mut now, mut last) = (Instant(0), Seq(0));
        hub.subscribe(now, ROOM);
        hub.owned(now, ROOM.shard(), owners.owner());
        let calm = [Step::Move, Step::Wait(3000), Step::Ask, Step::Answer { snapshot: false }];
        for step in steps.into_iter().chain(calm) {
            let heard = match step {
                Step::Say { is_heard } => {
                    let said = event(owners.epoch, owners.log.len() as u64 + 1);
                    owners.log.push(said.clone());
                    let heard = is_heard.then(|| hub.event(now, &owners.owner(), ROOM, said)).flatten();
                    heard.into_iter().collect()
                }
                Step::Echo { back } => {
                    let end = owners.log.len() as u64;
                    let said = event(owners.epoch - 1, end.saturating_sub(back).max(1));
                    hub.event(now, &owners.former(), ROOM, said).into_iter().collect()
                }
                Step::Move => {
                    owners.epoch += 1;
                    hub.owned(now, ROOM.shard(), owners.owner());
                    Vec::new()
                }
                Step::Ask => {
                    owners.asked = hub.poll(now).pop().or(owners.asked.take());
                    Vec::new()
                }
                Step::Answer { snapshot } => match owners.asked.take() {
                    Some(batch) if batch.to == owners.owner() => {
                        let answer = owners.answer(batch.streams[0].1, snapshot);
                        hub.subscribed(now, &batch.to, ROOM, answer)
                    }
                    Some(batch) => hub.subscribed(now, &batch.to, ROOM, Subscribed::Refused),
                    None => Vec::new(),
                },
                Step::LinkLost => {
                    hub.link_lost(now, &owners.owner());
                    owners.asked = None;
                    Vec::new()
                }
                Step::Wait(ms) => {
                    now = Instant(now.0 + ms);
                    Vec::new()
                }
            };
            for heard in heard {
                match heard {
                    Heard::Event(event) => {
                        prop_assert_eq!(event.first, last.plus(1));
                        last = event.last;
                    }
                    Heard::Snapshot(position, _) => {
                        prop_assert!(position.seq >= last);
                        last = position.seq;
                    }
                    Heard::Restart(..) => prop_assert!(false, "nothing was lost"),
                }
            }
        }
        prop_assert_eq!(last.0, owners.log.len() as u64);
    }
}

#[test]
fn an_owner_that_began_anew_is_asked_again_and_only_by_who_follows_it() {
    let mut subscriptions = following();
    subscriptions.begun_anew(Instant(10), &node("b"), ROOM);
    assert!(subscriptions.poll(Instant(10)).is_empty(), "another node's word");
    subscriptions.begun_anew(Instant(10), &node("a"), ROOM);
    assert_eq!(subscriptions.poll(Instant(10))[0].streams, [(ROOM, Some(Seq(5)))]);
    subscriptions.begun_anew(Instant(11), &node("a"), ROOM);
    assert!(subscriptions.poll(Instant(11)).is_empty(), "asked already");
}

#[test]
fn who_joins_a_stream_hears_what_came_while_it_was_let_in_and_nothing_that_it_was_told() {
    let mut subscriptions = Subscriptions::default();
    subscriptions.joining(Instant(0), ROOM, &node("a"));
    for seq in 4..=6 {
        assert_eq!(
            subscriptions.event(Instant(1), &node("a"), ROOM, event(1, seq)),
            None
        );
    }
    let heard = subscriptions.joined(Instant(2), &node("a"), ROOM, position(1, 5));
    assert_eq!(heard, [event(1, 6)]);
    let again = subscriptions.joined(Instant(3), &node("a"), ROOM, position(1, 6));
    assert!(again.is_empty(), "the next one to join changes nothing");
    let next = subscriptions.event(Instant(4), &node("a"), ROOM, event(1, 7));
    assert_eq!(next, Some(Heard::Event(event(1, 7))));
}
