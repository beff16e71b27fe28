use videorooms_domain::{
    Actor, Command, Epoch, Join, NodeIncarnation, Request, Role, RoomId, SecretHash, Settings, Timestamp,
};

use super::*;

const NOW: Timestamp = Timestamp(1_000);

fn room_of(members: u64) -> Room {
    let (mut room, _) = Room::create(RoomId(1), NOW, Epoch(1), Settings::default()).unwrap();
    (1..=members).for_each(|member| drop(join(&mut room, member)));
    drop(carry(&mut room, "a"));
    room
}

fn node(name: &str) -> NodeIncarnation {
    NodeIncarnation {
        node: name.parse().unwrap(),
        incarnation: 1,
    }
}

/// The media is on that node from now on.
fn carry(room: &mut Room, name: &str) -> Vec<Event> {
    let request = Request {
        by: Actor::System,
        id: None,
        command: Command::SetMediaNode { node: node(name) },
    };
    let decided = room.apply(NOW, Epoch(1), &request).unwrap();
    decided.record.map_or_else(Vec::new, |record| record.events)
}

fn join(room: &mut Room, member: u64) -> Vec<Event> {
    let via = node("a");
    let join = Join {
        name: format!("p{member}"),
        role: Role::Participant,
        via,
        resume: SecretHash([member as u8; 32]),
        address: None,
    };
    ask(room, member, Command::Join(join))
}

fn ask(room: &mut Room, by: u64, command: Command) -> Vec<Event> {
    let request = Request {
        by: Actor::Participant(ParticipantId(by)),
        id: None,
        command,
    };
    let decided = room.apply(NOW, Epoch(1), &request).unwrap();
    decided.record.map_or_else(Vec::new, |record| record.events)
}

fn left(room: &mut Room, plan: &mut MediaPlan, who: u64) {
    let events = ask(room, who, Command::Leave);
    events.iter().for_each(|event| plan.observe(room, event));
}

fn joined(room: &mut Room, plan: &mut MediaPlan, who: u64) {
    let events = join(room, who);
    events.iter().for_each(|event| plan.observe(room, event));
}

fn ids(work: Option<Work>) -> Vec<u64> {
    match work {
        Some(Work::Participants(wishes)) => wishes.keys().map(|who| who.0).collect(),
        other => panic!("{other:?}"),
    }
}

fn failed(who: impl IntoIterator<Item = u64>) -> Report {
    Report::Failed(who.into_iter().map(ParticipantId).collect())
}

/// A plan whose survey found only members.
fn surveyed(room: &Room) -> MediaPlan {
    let mut plan = MediaPlan::load(room);
    assert_eq!(plan.next(), Some(Work::Survey));
    assert!(!plan.done(room, Report::Present(vec![ParticipantId(1)])));
    plan
}

#[test]
fn whoever_the_media_server_knows_and_the_room_does_not_is_removed() {
    let room = room_of(1);
    let mut plan = MediaPlan::load(&room);
    assert_eq!(plan.next(), Some(Work::Survey));
    assert!(plan.done(&room, Report::Nothing), "a failed survey rests");
    assert_eq!(ids(plan.next()), [1], "and holds up nobody");
    assert!(!plan.done(&room, failed([])));
    assert!(plan.next().is_none() && !plan.is_done());
    plan.wake();
    assert_eq!(plan.next(), Some(Work::Survey));
    assert!(!plan.done(&room, Report::Present(vec![ParticipantId(1), ParticipantId(7)])));
    let removal = BTreeMap::from([(ParticipantId(7), Wish::Remove)]);
    assert_eq!(plan.next(), Some(Work::Participants(removal)));
    assert!(!plan.done(&room, failed([])));
    assert!(plan.is_done());
}

#[test]
fn one_that_fails_rests_and_the_others_are_done() {
    let mut room = room_of(3);
    let mut plan = surveyed(&room);
    assert_eq!(ids(plan.next()), [1, 2, 3]);
    assert!(plan.done(&room, failed([1])));
    assert_eq!(plan.next(), None);
    left(&mut room, &mut plan, 3);
    assert_eq!(ids(plan.next()), [3], "what is new does not wait for the pause");
    assert!(!plan.done(&room, failed([3])), "one pause at a time");
    plan.wake();
    assert_eq!(ids(plan.next()), [1, 3]);
    assert!(!plan.done(&room, failed([])));
    assert!(plan.is_done());
}

#[test]
fn removals_come_first_and_a_batch_is_bounded() {
    let mut room = room_of(40);
    let mut plan = surveyed(&room);
    left(&mut room, &mut plan, 40);
    let first = ids(plan.next());
    assert_eq!((first.len(), first.last()), (BATCH, Some(&40)));
    assert!(!plan.done(&room, failed([])));
    let mut rest = Vec::new();
    while let Some(work) = plan.next() {
        rest.extend(ids(Some(work)));
        assert!(!plan.done(&room, failed([])));
    }
    assert_eq!(rest, (16..40).collect::<Vec<_>>());
}

#[test]
fn an_end_makes_all_wishes_void_and_comes_again_until_it_is_done() {
    let mut room = room_of(2);
    let mut plan = surveyed(&room);
    assert_eq!(ids(plan.next()), [1, 2]);
    left(&mut room, &mut plan, 1);
    left(&mut room, &mut plan, 2);
    let end = Request {
        by: Actor::System,
        id: None,
        command: Command::End {
            reason: videorooms_domain::EndReason::Empty,
        },
    };
    room.apply(NOW, Epoch(1), &end).unwrap();
    plan.observe(
        &room,
        &Event::Ended {
            reason: videorooms_domain::EndReason::Empty,
        },
    );
    assert!(!plan.done(&room, failed([1])));
    assert_eq!(plan.next(), Some(Work::Close));
    assert!(plan.done(&room, Report::Nothing));
    assert_eq!(plan.next(), None);
    plan.wake();
    assert_eq!(plan.next(), Some(Work::Close));
    assert!(!plan.done(&room, failed([])));
    assert!(plan.is_done());
    plan.admitted(&room, ParticipantId(1));
    assert_eq!(
        plan.next(),
        Some(Work::Close),
        "the media room may be there again"
    );
}

/// A plan that has nothing left to do.
fn settled(room: &Room) -> MediaPlan {
    let mut plan = surveyed(room);
    while plan.next().is_some() {
        assert!(!plan.done(room, failed([])));
    }
    plan
}

#[test]
fn whoever_comes_back_is_not_removed_by_what_is_left_of_its_going() {
    let mut room = room_of(2);
    let mut plan = settled(&room);
    // Before the removal begins, while it is under way, and when it has failed.
    for fails_first in [false, true] {
        left(&mut room, &mut plan, 2);
        if fails_first {
            assert_eq!(ids(plan.next()), [2]);
        }
        joined(&mut room, &mut plan, 2);
        if fails_first {
            assert!(plan.done(&room, failed([2])));
            plan.wake();
        }
        let allowed = Wish::Publish(room.publishable(ParticipantId(2)));
        let wishes = BTreeMap::from([(ParticipantId(2), allowed)]);
        assert_eq!(plan.next(), Some(Work::Participants(wishes)));
        assert!(!plan.done(&room, failed([])));
        assert!(plan.is_done());
    }
}

#[test]
fn whoever_has_just_come_has_no_media_to_be_told_of_before_it_is_admitted() {
    let mut room = room_of(1);
    let mut plan = settled(&room);
    joined(&mut room, &mut plan, 2);
    assert!(plan.is_done());
    plan.admitted(&room, ParticipantId(2));
    assert_eq!(ids(plan.next()), [2]);
}

fn moved(room: &mut Room, plan: &mut MediaPlan, to: &str) {
    let events = carry(room, to);
    events.iter().for_each(|event| plan.observe(room, event));
}

#[test]
fn without_a_media_node_nothing_is_to_be_done_and_the_first_one_is_told_everything() {
    let (mut room, _) = Room::create(RoomId(1), NOW, Epoch(1), Settings::default()).unwrap();
    let mut plan = MediaPlan::load(&room);
    joined(&mut room, &mut plan, 1);
    plan.admitted(&room, ParticipantId(1));
    assert!(plan.is_done() && plan.next().is_none());
    moved(&mut room, &mut plan, "a");
    assert_eq!(plan.node(), Some(&node("a")));
    assert_eq!(plan.next(), Some(Work::Survey));
    assert!(!plan.done(&room, Report::Present(Vec::new())));
    assert_eq!(ids(plan.next()), [1]);
    assert!(!plan.done(&room, failed([])));
    assert!(plan.is_done());
}

#[test]
fn another_media_node_is_told_everything_and_the_former_one_that_it_is_over() {
    let mut room = room_of(2);
    let mut plan = MediaPlan::load(&room);
    assert_eq!(plan.next(), Some(Work::Survey));
    // What was under way at the former one is no word of the new one.
    moved(&mut room, &mut plan, "b");
    assert_eq!(plan.node(), Some(&node("b")));
    assert!(!plan.done(&room, Report::Present(Vec::new())));
    assert_eq!(plan.next(), Some(Work::Leave(node("a"))));
    assert!(plan.done(&room, Report::Nothing));
    assert_eq!(plan.next(), Some(Work::Survey));
    assert!(!plan.done(&room, Report::Present(vec![ParticipantId(9)])));
    assert_eq!(ids(plan.next()), [1, 2, 9]);
    assert!(!plan.done(&room, failed([])));
    assert!(plan.next().is_none() && !plan.is_done());
    plan.wake();
    assert_eq!(plan.next(), Some(Work::Leave(node("a"))));
    assert!(!plan.done(&room, failed([])));
    assert!(plan.is_done());
}

#[test]
fn a_node_that_carries_the_media_again_is_not_left() {
    let mut room = room_of(1);
    let mut plan = MediaPlan::load(&room);
    moved(&mut room, &mut plan, "b");
    moved(&mut room, &mut plan, "a");
    assert_eq!(plan.next(), Some(Work::Leave(node("b"))));
    assert!(!plan.done(&room, failed([])));
    assert_eq!(plan.next(), Some(Work::Survey));
}
