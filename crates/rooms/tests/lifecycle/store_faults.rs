//! A store that answers late, wrongly or not at all.

use videorooms_domain::{Epoch, MediaState, Note, ParticipantId, Seq, Signal};
use videorooms_rooms::{Body, Credential, History, RoomsConfig, RoomsError};
use videorooms_store::{Fault, MemoryStore};

use crate::crashes::resumed;
use crate::support::{Node, secret};

#[tokio::test(start_paused = true)]
async fn an_unknown_commit_is_sent_again_as_it_was_and_answered_once() {
    let node = Node::start().await;
    let room = node.room().await;
    node.attach(room, 1, None).await.unwrap();
    let before = node.faults.calls().len();
    node.faults.script([
        Fault::UnknownButDone,
        Fault::UnknownNotDone,
        Fault::UnknownPartlyDone(0),
    ]);
    let said = node.say(room, 1, "a", "once").await.unwrap();
    let calls = node.faults.calls();
    assert_eq!(calls.len() - before, 4);
    assert!(
        calls[before..].windows(2).all(|pair| pair[0] == pair[1]),
        "the same batch to the byte"
    );
    assert_eq!(calls[before][0].last, said.seq);
    assert_eq!(node.hub.chats(room), ["once"]);
    assert_eq!(node.say(room, 1, "a", "once").await, Ok(said));
}

#[tokio::test(start_paused = true)]
async fn ephemeral_signals_do_not_wait_for_a_commit() {
    let node = Node::start().await;
    let room = node.room().await;
    node.attach(room, 1, None).await.unwrap();
    node.faults.script([Fault::Hold]);
    let wave = async {
        node.faults.held(1).await;
        let data = r#"{"x":1}"#.into();
        node.rooms
            .signal(
                room,
                Signal::Data {
                    participant: ParticipantId(1),
                    data,
                },
            )
            .unwrap();
        let media = MediaState {
            microphone: true,
            camera: false,
            screen: false,
        };
        node.rooms
            .signal(
                room,
                Signal::Media {
                    participant: ParticipantId(1),
                    media,
                },
            )
            .unwrap();
        let is_media = |body: &Body| matches!(body, Body::Ephemeral(Note::MediaChanged { .. }));
        node.hub.until_times(room, 1, "the devices", is_media).await;
        assert!(
            node.hub
                .said(room)
                .iter()
                .any(|body| matches!(body, Body::Ephemeral(Note::Data { .. })))
        );
        assert_eq!(node.hub.chats(room), [""; 0], "not durable yet");
        node.faults.release();
    };
    let (said, ()) = tokio::join!(node.say(room, 1, "a", "once"), wave);
    said.unwrap();
    assert_eq!(node.hub.chats(room), ["once"]);
}

#[tokio::test(start_paused = true)]
async fn a_commit_without_a_verdict_in_time_counts_as_unknown_and_new_commands_are_refused() {
    let node = Node::start().await;
    let room = node.room().await;
    node.attach(room, 1, None).await.unwrap();
    let config = RoomsConfig::default();
    node.faults.script([
        Fault::Delay(config.commit_deadline * 2),
        Fault::Delay(config.commit_deadline * 2),
    ]);
    let first = node.say(room, 1, "a", "slow").await;
    assert!(
        matches!(first, Err(RoomsError::Unavailable { .. })),
        "within the call's deadline: {first:?}"
    );
    let second = node.say(room, 1, "b", "at once").await;
    assert!(
        matches!(second, Err(RoomsError::Unavailable { .. })),
        "refused before it is decided: {second:?}"
    );
    let first = node.insist(room, 1, "a", "slow").await;
    assert_eq!(node.hub.chats(room), ["slow"]);
    assert!(node.insist(room, 1, "b", "at once").await > first);
    assert_eq!(node.hub.chats(room), ["slow", "at once"]);
}

#[tokio::test(start_paused = true)]
async fn a_room_whose_log_is_not_where_it_left_it_is_read_again() {
    for fault in [Fault::Behind(Seq(1)), Fault::Deposed(Epoch(9))] {
        let node = Node::start().await;
        let room = node.room().await;
        node.attach(room, 1, None).await.unwrap();
        node.faults.script([fault]);
        node.say(room, 1, "a", "once").await.unwrap();
        node.hub
            .until_times(room, 1, "that the room is back", resumed)
            .await;
        assert_eq!(node.hub.chats(room), ["once"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_restarted_node_knows_its_rooms_and_a_resume_secret_needs_no_commit() {
    let store = MemoryStore::new();
    let first = Node::over(store.clone(), 1, RoomsConfig::default()).await;
    let room = first.room().await;
    first.attach(room, 1, None).await.unwrap();
    let at = first.say(room, 1, "a", "kept").await.unwrap();
    first.supervisor.kill();

    let second = Node::over(store, 2, RoomsConfig::default()).await;
    second.rooms.overview(room).await.unwrap();
    second.faults.down("the store is away");
    let credential = Credential::Resume {
        participant: ParticipantId(1),
        secret: secret(1),
    };
    let back = second.attach_with(room, credential, 1, Some(at)).await.unwrap();
    assert!(
        matches!(back.history, History::Tail { facts, .. } if facts.iter().all(|fact| fact.position.seq > at.seq))
    );
    let refused = second.say(room, 1, "b", "not now").await;
    assert!(
        matches!(refused, Err(RoomsError::Unavailable { .. })),
        "{refused:?}"
    );
    second.faults.up();
    let epoch = second.insist(room, 1, "b", "now").await.epoch;
    assert!(epoch > at.epoch, "the epoch rises at each start");
    assert_eq!(
        second
            .rooms
            .snapshot(room, ParticipantId(1))
            .await
            .unwrap()
            .1
            .chat[0]
            .text,
        "kept"
    );
}

#[tokio::test(start_paused = true)]
async fn a_media_server_that_fails_is_asked_again_and_holds_up_nobody() {
    let node = Node::start().await;
    let room = node.room().await;
    node.media.set_down(Some("rebooting"));
    node.attach(room, 1, None).await.unwrap();
    // Someone new has no media to be told of; whoever is admitted has.
    node.rooms.media_admitted(room, ParticipantId(1));
    node.say(room, 1, "a", "heard all the same").await.unwrap();
    let asked = node.media.calls().len();
    tokio::time::sleep(std::time::Duration::from_secs(10)).await;
    assert!(node.media.calls().len() > asked + 5, "about once a second");
}

#[tokio::test(start_paused = true)]
async fn a_room_is_not_read_while_a_commit_given_up_may_still_be_written() {
    let node = Node::start().await;
    let room = node.room().await;
    node.attach(room, 1, None).await.unwrap();
    node.faults.script([Fault::Hold]);
    let late = node.say(room, 1, "a", "late").await;
    assert!(matches!(late, Err(RoomsError::Unavailable { .. })), "{late:?}");
    node.rooms.kill_room(room);
    node.hub
        .until_times(room, 1, "that the room is moving", |body| *body == Body::Moving)
        .await;
    let unread = node.rooms.overview(room).await;
    assert!(
        matches!(unread, Err(RoomsError::Unavailable { .. })),
        "{unread:?}"
    );
    node.faults.release();
    node.hub
        .until_times(room, 1, "that the room is back", resumed)
        .await;
    assert_eq!(node.hub.chats(room), ["late"]);
}

#[tokio::test(start_paused = true)]
async fn a_creation_of_unknown_fate_is_sent_again() {
    let node = Node::start().await;
    node.faults.script([Fault::UnknownButDone, Fault::UnknownNotDone]);
    let room = node.room().await;
    let calls = node.faults.calls();
    assert_eq!(calls.len(), 3);
    assert!(calls.windows(2).all(|pair| pair[0] == pair[1]));
    node.rooms.overview(room).await.unwrap();
}
