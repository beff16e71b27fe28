//! A room that panics or is killed: a pause for its members, nothing to the others.

use std::collections::BTreeSet;
use std::sync::Arc;

use videorooms_domain::{
    Command, ConnectionState, Event, LeaveReason, MediaState, Note, ParticipantId, Role, RoomId, Signal,
};
use videorooms_rooms::{Body, CloseReason, Credential, RoomsError};
use videorooms_store::Fault;

use crate::support::{Node, command, name};

#[tokio::test(start_paused = true)]
async fn a_room_that_panics_comes_back_with_its_state_and_its_connections() {
    let node = Node::start().await;
    let (room, other) = (node.room().await, node.room().await);
    node.attach(room, 1, None).await.unwrap();
    node.attach(other, 2, None).await.unwrap();
    node.say(room, 1, "a", "before").await.unwrap();
    node.rooms.panic_room(room);
    node.hub
        .until_times(room, 1, "that the room is back", resumed)
        .await;

    let media = MediaState {
        microphone: true,
        camera: false,
        screen: false,
    };
    let devices = Signal::Media {
        participant: ParticipantId(1),
        media,
    };
    assert_eq!(
        node.rooms.signal(room, devices),
        Ok(()),
        "whoever hears that it is back can speak to it"
    );
    let (_, snapshot) = node.rooms.snapshot(room, ParticipantId(1)).await.unwrap();
    assert_eq!(snapshot.chat[0].text, "before");
    assert_eq!(snapshot.members[0].state, ConnectionState::Connected);
    assert_eq!(snapshot.members[0].media, media);
    node.say(room, 1, "b", "after").await.unwrap();
    assert_eq!(node.hub.chats(room), ["before", "after"]);
    assert_eq!(pauses(&node, room), ["moving", "resumed"]);
    assert_eq!(pauses(&node, other), [""; 0], "its neighbour hears nothing of it");
}

#[tokio::test(start_paused = true)]
async fn a_room_that_is_killed_with_a_commit_under_way_loses_and_doubles_nothing() {
    let node = Node::start().await;
    let room = node.room().await;
    node.attach(room, 1, None).await.unwrap();
    node.faults.script([Fault::Hold]);
    let kill = async {
        node.faults.held(1).await;
        node.rooms.kill_room(room);
        node.faults.release();
    };
    let (said, ()) = tokio::join!(node.say(room, 1, "a", "under way"), kill);
    let said = said.unwrap();
    node.hub
        .until_times(room, 1, "that the room is back", resumed)
        .await;
    assert_eq!(node.hub.chats(room), ["under way"]);
    assert!(
        node.hub.positions(room).contains(&said),
        "the answer is the place in the history"
    );
    let (_, snapshot) = node.rooms.snapshot(room, ParticipantId(1)).await.unwrap();
    assert_eq!(snapshot.chat.len(), 1);
    assert_eq!(
        node.say(room, 1, "a", "under way").await,
        Ok(said),
        "the first verdict again"
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_killed_room_had_decided_on_a_member_reaches_its_connections() {
    let node = Node::start().await;
    let room = node.room().await;
    let host = Credential::Token {
        participant: ParticipantId(1),
        name: name(1),
        role: Role::Host,
    };
    node.attach_with(room, host, 1, None).await.unwrap();
    node.attach(room, 2, None).await.unwrap();
    node.faults.script([Fault::Hold]);
    let kick = Command::Kick {
        participant: ParticipantId(2),
        ban: true,
        ban_address: false,
    };
    let kill = async {
        node.faults.held(1).await;
        node.rooms.kill_room(room);
        node.faults.release();
    };
    let (kicked, ()) = tokio::join!(node.rooms.execute(room, command(1, Some("k"), kick)), kill);
    kicked.unwrap();
    let why = CloseReason::Kicked {
        by: None,
        banned: true,
    };
    let closed = Body::Closed {
        participant: Some(ParticipantId(2)),
        why,
    };
    node.hub
        .until_times(room, 1, "that the kicked one is closed", |body| *body == closed)
        .await;
    let left = Event::MemberLeft {
        participant: ParticipantId(2),
        reason: LeaveReason::Banned,
    };
    assert_eq!(
        node.hub
            .events(room)
            .iter()
            .filter(|event| **event == left)
            .count(),
        1
    );
}

#[tokio::test(start_paused = true)]
async fn a_member_whose_socket_ended_with_the_room_is_no_ghost() {
    let node = Node::start().await;
    let room = node.room().await;
    node.attach(room, 1, None).await.unwrap();
    node.attach(room, 2, None).await.unwrap();
    node.hub.lost(room, 2);
    node.rooms.kill_room(room);
    node.hub
        .until_times(room, 1, "that the room is back", resumed)
        .await;
    let (_, snapshot) = node.rooms.snapshot(room, ParticipantId(1)).await.unwrap();
    let states: Vec<_> = snapshot.members.iter().map(|member| member.state).collect();
    assert_eq!(
        states,
        [ConnectionState::Connected, ConnectionState::Reconnecting]
    );
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
}

#[tokio::test(start_paused = true)]
async fn a_room_that_crashes_with_nobody_in_it_comes_back_when_someone_asks() {
    let node = Node::start().await;
    let room = node.room().await;
    assert_eq!(node.rooms.overview(room).await.unwrap().members, 0);
    node.rooms.panic_room(room);
    assert_eq!(
        node.rooms.overview(room).await.unwrap().members,
        0,
        "asked while it ends"
    );
    assert_eq!(pauses(&node, room), [""; 0], "there was nobody to tell");
}

#[tokio::test(start_paused = true)]
async fn a_room_that_crashes_again_and_again_rests_and_then_comes_back_by_itself() {
    let node = Node::start().await;
    let room = node.room().await;
    node.attach(room, 1, None).await.unwrap();
    for back in 1..=4 {
        node.rooms.panic_room(room);
        node.hub
            .until_times(room, back, "that the room is back", resumed)
            .await;
    }
    node.rooms.panic_room(room);
    node.hub
        .until_times(room, 5, "a fifth crash", |body| *body == Body::Moving)
        .await;
    let refused = node.rooms.overview(room).await;
    assert!(
        matches!(
            refused,
            Err(RoomsError::Unavailable {
                retry_after_ms: 9_000..=10_000,
                ..
            })
        ),
        "{refused:?}"
    );
    node.hub
        .until_times(room, 5, "that the room is back after its rest", resumed)
        .await;
    node.say(room, 1, "a", "rested").await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rooms_killed_while_many_speak_answer_everyone_and_say_everything_once() {
    const ROOMS: usize = 24;
    const LINES: usize = 8;
    let node = Arc::new(Node::start().await);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..ROOMS {
        let room = node.room().await;
        node.attach(room, 1, None).await.unwrap();
        for line in 0..LINES {
            let node = Arc::clone(&node);
            tasks.spawn(async move {
                if line == LINES / 2 {
                    node.rooms.kill_room(room);
                }
                let (id, text) = (format!("c{line}"), format!("line {line}"));
                node.say(room, 1, &id, &text).await.unwrap();
                room
            });
        }
    }
    let rooms: BTreeSet<RoomId> = tasks.join_all().await.into_iter().collect();
    assert_eq!(rooms.len(), ROOMS);
    for room in rooms {
        node.hub
            .until_times(room, 1, "that the room is back", resumed)
            .await;
        assert_eq!(pauses(&node, room), ["moving", "resumed"]);
        let (position, snapshot) = node.rooms.snapshot(room, ParticipantId(1)).await.unwrap();
        assert_eq!(snapshot.chat.len(), LINES);
        assert_eq!(snapshot.members[0].state, ConnectionState::Connected);
        assert_eq!(node.hub.chats(room).len(), LINES, "said once each");
        let seqs: Vec<_> = node
            .hub
            .positions(room)
            .iter()
            .map(|position| position.seq.0)
            .collect();
        assert!(seqs.windows(2).all(|pair| pair[1] == pair[0] + 1), "{seqs:?}");
        assert_eq!(seqs.last(), Some(&position.seq.0));
    }
}

pub(crate) fn resumed(body: &Body) -> bool {
    matches!(body, Body::Resumed { .. })
}

/// What the room's members heard of its comings and goings.
fn pauses(node: &Node, room: RoomId) -> Vec<&'static str> {
    let word = |body: &Body| match body {
        Body::Moving => Some("moving"),
        Body::Resumed { .. } => Some("resumed"),
        Body::Durable(_) | Body::Closed { .. } | Body::LobbyDecided { .. } | Body::ResumeRotated { .. } => {
            None
        }
        Body::Ephemeral(note) => match note {
            Note::ConnectionChanged { .. } => Some("connection changed"),
            Note::MediaChanged { .. } | Note::Reaction { .. } | Note::Data { .. } => None,
        },
    };
    let mut words: Vec<_> = node.hub.said(room).iter().filter_map(word).collect();
    words.retain(|word| *word != "connection changed");
    words
}
