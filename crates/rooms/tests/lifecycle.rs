//! Rooms as actors: they commit before they speak, come back from a crash and from idleness, and refuse at the door what they cannot hold.
//! Time is paused: an hour passes at once when nobody has anything else to do. `linked.rs` runs all of it again with rooms beyond a link.

#![expect(clippy::unwrap_used, reason = "a test fails by it")]

#[path = "lifecycle/crashes.rs"]
pub(crate) mod crashes;
#[path = "lifecycle/draining.rs"]
mod draining;
#[path = "lifecycle/housekeeping.rs"]
mod housekeeping;
#[path = "lifecycle/media.rs"]
mod media;
#[path = "lifecycle/returning.rs"]
mod returning;
#[path = "lifecycle/serving.rs"]
mod serving;
#[path = "lifecycle/store_faults.rs"]
mod store_faults;
#[path = "lifecycle/supervisors.rs"]
mod supervisors;
pub(crate) mod support;

use std::time::Duration;

use support::{Node, command};
use videorooms_domain::{
    Command, ConnectionState, EndReason, Epoch, Event, LeaveReason, MediaState, Note, ParticipantId,
    Position, Rejection, RoomId, Signal,
};
use videorooms_rooms::{Body, History, RoomsConfig, RoomsError};
use videorooms_store::{MemoryStore, RoomStore};

#[tokio::test(start_paused = true)]
async fn a_member_joins_speaks_and_everyone_hears_it_in_order() {
    let node = Node::start().await;
    let room = node.room().await;
    let one = node.attach(room, 1, None).await.unwrap();
    assert!(one.fresh_resume_taken && matches!(one.history, History::Snapshot(_)));
    node.attach(room, 2, None).await.unwrap();
    let said = node.say(room, 1, "m1", "hello").await.unwrap();
    assert_eq!(
        node.say(room, 1, "m1", "hello").await.unwrap(),
        said,
        "the same id is the same command"
    );
    assert_eq!(node.hub.chats(room), ["hello"]);
    let seqs: Vec<_> = node
        .hub
        .positions(room)
        .iter()
        .map(|position| position.seq.0)
        .collect();
    assert!(seqs.windows(2).all(|pair| pair[1] == pair[0] + 1), "{seqs:?}");
}

#[tokio::test(start_paused = true)]
async fn a_refused_command_is_an_answer_and_the_room_goes_on() {
    let node = Node::start().await;
    let room = node.room().await;
    node.attach(room, 1, None).await.unwrap();
    let refused = node
        .rooms
        .execute(room, command(9, None, Command::RaiseHand))
        .await;
    assert_eq!(refused, Err(RoomsError::Rejected(Rejection::NotMember)));
    node.say(room, 1, "a", "still here").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_is_not_found_and_leaves_no_door_behind() {
    let node = Node::start().await;
    for id in 0..20 {
        assert_eq!(node.rooms.overview(RoomId(id)).await, Err(RoomsError::NoSuchRoom));
    }
    node.faults.down("the store is away");
    for id in 0..20 {
        assert!(matches!(
            node.rooms.overview(RoomId(id)).await,
            Err(RoomsError::Unavailable { .. })
        ));
    }
    assert_eq!((node.rooms.live_rooms(), node.rooms.doors()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn an_idle_room_leaves_memory_and_comes_back_on_demand_with_all_it_knew() {
    let node = Node::start().await;
    let room = node.room().await;
    node.attach(room, 1, None).await.unwrap();
    node.say(room, 1, "a", "kept").await.unwrap();
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert_eq!(node.rooms.live_rooms(), 1, "a room with someone in it stays");

    node.rooms
        .execute(room, command(1, None, Command::Leave))
        .await
        .unwrap();
    node.hub.lost(room, 1);
    until_unloaded(&node).await;
    assert_eq!(node.rooms.doors(), 0);

    let attached = node.attach(room, 2, None).await.unwrap();
    let History::Snapshot(snapshot) = attached.history else {
        panic!("a newcomer has seen nothing")
    };
    assert_eq!(snapshot.chat[0].text, "kept");
    assert_eq!(node.rooms.live_rooms(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_room_that_nobody_enters_ends_in_time_though_it_left_memory() {
    let node = Node::start().await;
    let rooms = node.rooms.clone();
    let house = tokio::spawn(async move { rooms.keep_house().await });
    let room = node.room().await;
    assert_eq!(node.rooms.overview(room).await.unwrap().members, 0);
    until_unloaded(&node).await;
    tokio::time::sleep(RoomsConfig::default().grace.empty).await;
    let ended = |body: &Body| matches!(body, Body::Durable(f) if f.event == Event::Ended { reason: EndReason::Empty });
    node.hub.until_times(room, 1, "the room's end", ended).await;
    assert!(node.rooms.overview(room).await.unwrap().ended);
    house.abort();
}

#[tokio::test(start_paused = true)]
async fn a_member_that_does_not_come_back_leaves_after_the_grace() {
    let node = Node::start().await;
    let room = node.room().await;
    node.attach(room, 1, None).await.unwrap();
    node.attach(room, 2, None).await.unwrap();
    node.detach(room, 2);
    let note = Note::ConnectionChanged {
        participant: ParticipantId(2),
        state: ConnectionState::Reconnecting,
    };
    node.hub
        .until_times(room, 1, "that it is lost", |body| {
            *body == Body::Ephemeral(note.clone())
        })
        .await;
    let since = tokio::time::Instant::now();
    let gone = Event::MemberLeft {
        participant: ParticipantId(2),
        reason: LeaveReason::Timeout,
    };
    node.hub
        .until_times(
            room,
            1,
            "that it left",
            |b| matches!(b, Body::Durable(f) if f.event == gone),
        )
        .await;
    let grace = RoomsConfig::default().grace.reconnect;
    assert!(
        since.elapsed() >= grace && since.elapsed() < grace + Duration::from_secs(1),
        "{:?}",
        since.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn what_was_missed_is_answered_one_by_one_only_to_who_stood_in_this_very_history() {
    let store = MemoryStore::new();
    let first = Node::over(store.clone(), 1, RoomsConfig::default()).await;
    let room = first.room().await;
    first.attach(room, 1, None).await.unwrap();
    let old = first.say(room, 1, "a", "one").await.unwrap();
    first.supervisor.kill();

    let node = Node::over(store, 2, RoomsConfig::default()).await;
    let new = node.say(room, 1, "b", "two").await.unwrap();
    let later = Epoch(new.epoch.0 + 1);
    let at = |epoch, position: Position| Some(Position { epoch, ..position });
    for (since, whole) in [
        (Some(old), false),
        (Some(new), false),
        (at(new.epoch, old), true),
        (at(later, old), true),
        (at(old.epoch, new), true),
        (at(later, new), true),
    ] {
        let history = node.attach(room, 1, since).await.unwrap().history;
        assert_eq!(
            matches!(history, History::Snapshot(_)),
            whole,
            "{since:?}: {history:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_member_that_comes_back_in_time_stays() {
    let node = Node::start().await;
    let room = node.room().await;
    node.attach(room, 1, None).await.unwrap();
    node.detach(room, 1);
    tokio::time::sleep(RoomsConfig::default().grace.reconnect / 2).await;
    node.attach(room, 1, None).await.unwrap();
    tokio::time::sleep(RoomsConfig::default().grace.reconnect * 2).await;
    let (_, snapshot) = node.rooms.snapshot(room, ParticipantId(1)).await.unwrap();
    assert_eq!(snapshot.members[0].state, ConnectionState::Connected);
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_refuses_at_the_door_but_takes_every_goodbye() {
    let config = RoomsConfig {
        max_room_queue: 3,
        ..RoomsConfig::default()
    };
    let node = Node::over(MemoryStore::new(), 1, config).await;
    let room = node.room().await;
    node.attach(room, 1, None).await.unwrap();
    node.attach(room, 2, None).await.unwrap();
    // Nothing is awaited here, so the room does not run meanwhile.
    let wave = || {
        node.rooms.signal(
            room,
            Signal::Media {
                participant: ParticipantId(1),
                media: MediaState::default(),
            },
        )
    };
    for _ in 0..3 {
        assert_eq!(wave(), Ok(()));
    }
    assert!(
        matches!(wave(), Err(RoomsError::Unavailable { .. })),
        "the fourth"
    );
    assert!(matches!(
        node.rooms.overview(room).await,
        Err(RoomsError::Unavailable { .. })
    ));
    node.detach(room, 2);

    let lost = Note::ConnectionChanged {
        participant: ParticipantId(2),
        state: ConnectionState::Reconnecting,
    };
    node.hub
        .until_times(room, 1, "the goodbye", |body| {
            *body == Body::Ephemeral(lost.clone())
        })
        .await;
    assert_eq!(wave(), Ok(()), "what was heard makes room for more");
    assert_eq!(node.rooms.overview(room).await.unwrap().members, 2);
}

#[tokio::test(start_paused = true)]
async fn a_node_refuses_rooms_past_its_limit_and_takes_them_when_others_left() {
    let config = RoomsConfig {
        max_live_rooms: 1,
        ..RoomsConfig::default()
    };
    let node = Node::over(MemoryStore::new(), 1, config).await;
    let (one, two) = (node.room().await, node.room().await);
    node.rooms.overview(one).await.unwrap();
    assert_eq!(node.rooms.overview(two).await, Err(RoomsError::TooManyRooms));
    until_unloaded(&node).await;
    node.rooms.overview(two).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_room_that_leaves_memory_often_keeps_its_log_short() {
    let node = Node::start().await;
    let room = node.room().await;
    for visit in 0..3 {
        node.attach(room, 1, None).await.unwrap();
        for line in 0..200 {
            node.say(room, 1, &format!("{visit}.{line}"), "again")
                .await
                .unwrap();
        }
        node.rooms
            .execute(room, command(1, None, Command::Leave))
            .await
            .unwrap();
        node.hub.lost(room, 1);
        until_unloaded(&node).await;
        let stored = node.store.load(room).await.unwrap().unwrap();
        assert!(stored.records.len() <= 256, "{} records", stored.records.len());
    }
}

#[tokio::test(start_paused = true)]
async fn a_room_whose_members_are_waited_for_stays_in_memory_until_their_grace_is_over() {
    let mut config = RoomsConfig::default();
    config.grace.reconnect = config.idle_unload * 3;
    let node = Node::over(MemoryStore::new(), 1, config.clone()).await;
    let room = node.room().await;
    node.attach(room, 1, None).await.unwrap();
    node.detach(room, 1);
    let since = tokio::time::Instant::now();
    let gone = Event::MemberLeft {
        participant: ParticipantId(1),
        reason: LeaveReason::Timeout,
    };
    let is_gone = |body: &Body| matches!(body, Body::Durable(f) if f.event == gone);
    let gone_in_time = async {
        while !node.hub.said(room).iter().any(is_gone) {
            assert_eq!(node.rooms.live_rooms(), 1);
            assert!(since.elapsed() <= config.grace.reconnect + Duration::from_secs(2));
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    gone_in_time.await;
    until_unloaded(&node).await;
}

async fn until_unloaded(node: &Node) {
    // A room says nothing when it goes: look once in each of the paused clock's seconds.
    let looks = RoomsConfig::default().idle_unload.as_secs() * 2;
    for _ in 0..looks {
        if node.rooms.live_rooms() == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    panic!("{} rooms never left memory", node.rooms.live_rooms());
}
