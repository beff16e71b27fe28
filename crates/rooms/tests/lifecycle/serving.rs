//! The far end of a link, given what it should not be given.

use videorooms_domain::{Command, ConnectionState, Epoch, NodeIncarnation, ParticipantId, RoomId};
use videorooms_rooms::calls::{Answer, Ask, Call, Cast, Content, ENVELOPE_BYTES, Envelope, Tell};
use videorooms_rooms::{Body, Publication, RollCall, RoomsError};
use videorooms_store::Fault;

use crate::support::{Node, command, here};

async fn answer(node: &Node, bytes: &[u8]) -> Content {
    let answer = node.rooms.answer(&here(1), bytes).await;
    Envelope::decode(&answer).unwrap().content
}

fn call(room: RoomId, epoch: Epoch, ask: Ask) -> Envelope {
    Envelope::new(here(1), Content::Call(Call { room, epoch, ask }))
}

fn is_unavailable(content: &Content) -> bool {
    matches!(content, Content::Refused(RoomsError::Unavailable { .. }))
}

#[tokio::test(start_paused = true)]
async fn whatever_is_no_call_is_answered_all_the_same_and_changes_nothing() {
    let node = Node::start().await;
    let room = node.room().await;
    node.attach(room, 1, None).await.unwrap();
    let before = node.rooms.snapshot(room, ParticipantId(1)).await.unwrap();
    let mut hostile = vec![
        Vec::new(),
        b"\xff\x00".to_vec(),
        b"{}".to_vec(),
        vec![b'['; ENVELOPE_BYTES],
        vec![b'['; ENVELOPE_BYTES + 1],
        br#"{"v":2,"content":{}}"#.to_vec(),
        br#"{"v":1,"from":{"node":"a","incarnation":1},"content":{"dissolve":{}}}"#.to_vec(),
    ];
    let tell = Tell::MediaAdmitted {
        participant: ParticipantId(1),
    };
    let epoch = Epoch(0);
    let cast = Content::Cast(Cast { room, epoch, tell });
    let another = [
        call(room, epoch, Ask::Overview).content,
        cast.clone(),
        Content::AskRollCall { room },
    ];
    hostile.extend(another.map(|content| Envelope::new(here(2), content).encode().unwrap()));
    let neither = [
        Content::Answer(Answer::Create),
        Content::Refused(RoomsError::NoSuchRoom),
        Content::Moved { epoch },
        Content::Subscribed(Vec::new()),
        Content::RollCall(RollCall::default()),
    ];
    hostile.extend(neither.map(|content| Envelope::new(here(1), content).encode().unwrap()));
    let body = Body::Moving;
    let no_calls = [cast, Content::Publication(Publication { room, epoch, body })];
    let no_casts = [
        call(room, epoch, Ask::Overview).content,
        Content::Subscribe(Vec::new()),
        Content::AskRollCall { room },
    ];
    let bytes = |content| Envelope::new(here(1), content).encode().unwrap();
    for bytes in hostile.iter().cloned().chain(no_calls.map(bytes)) {
        let answer = answer(&node, &bytes).await;
        assert!(is_unavailable(&answer), "{answer:?}");
    }
    for bytes in hostile.into_iter().chain(no_casts.map(bytes)) {
        let cast = node.rooms.take_cast(&here(1), &bytes);
        assert!(matches!(cast, Err(RoomsError::Unavailable { .. })), "{cast:?}");
    }
    let after = node.rooms.snapshot(room, ParticipantId(1)).await.unwrap();
    assert_eq!(after, before);
}

#[tokio::test(start_paused = true)]
async fn who_is_asked_as_owner_of_a_later_reign_neither_answers_nor_listens() {
    let node = Node::start().await;
    let room = node.room().await;
    let epoch = node.attach(room, 1, None).await.unwrap().position.epoch;
    for (known, is_answered) in [(Epoch(0), true), (epoch, true), (Epoch(epoch.0 + 1), false)] {
        let bytes = call(room, known, Ask::Overview).encode().unwrap();
        let answer = answer(&node, &bytes).await;
        let overview = matches!(answer, Content::Answer(Answer::Overview(_)));
        let moved = matches!(answer, Content::Moved { .. });
        assert_eq!((overview, moved), (is_answered, !is_answered));
        let tell = Tell::MediaAdmitted {
            participant: ParticipantId(1),
        };
        let cast = Content::Cast(Cast {
            room,
            epoch: known,
            tell,
        });
        let bytes = Envelope::new(here(1), cast).encode().unwrap();
        assert_eq!(node.rooms.take_cast(&here(1), &bytes).is_ok(), is_answered);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_is_answered_within_what_its_caller_has_left_and_not_begun_when_that_is_nothing() {
    let node = Node::start().await;
    let room = node.room().await;
    node.attach(room, 1, None).await.unwrap();
    let chat = |id: &str| Command::Chat { text: id.into() };
    let say = |id| Ask::Execute(Box::new(command(1, Some(id), chat(id))));
    let late = Envelope {
        deadline_ms: Some(0),
        ..call(room, Epoch(0), say("late"))
    };
    assert!(is_unavailable(&answer(&node, &late.encode().unwrap()).await));

    node.faults.script([Fault::Hold]);
    let since = tokio::time::Instant::now();
    let slow = Envelope {
        deadline_ms: Some(300),
        ..call(room, Epoch(0), say("slow"))
    };
    assert!(is_unavailable(&answer(&node, &slow.encode().unwrap()).await));
    let waited = since.elapsed().as_millis();
    assert!((300..320).contains(&waited), "{waited} ms");
    node.faults.release();
    node.insist(room, 1, "slow", "slow").await;
    assert_eq!(
        node.hub.chats(room),
        ["slow"],
        "done once, and what was late never"
    );
}

#[tokio::test(start_paused = true)]
async fn a_goodbye_is_of_the_node_that_sent_it() {
    let node = Node::start().await;
    let room = node.room().await;
    node.attach(room, 1, None).await.unwrap();
    let goodbye = |from: NodeIncarnation| {
        let tell = Tell::Detach {
            participant: ParticipantId(1),
            connection: videorooms_domain::ConnectionId(1),
        };
        let cast = Content::Cast(Cast {
            room,
            epoch: Epoch(0),
            tell,
        });
        let bytes = Envelope::new(from.clone(), cast).encode().unwrap();
        node.rooms.take_cast(&from, &bytes).unwrap();
    };
    for (from, state) in [
        (here(2), ConnectionState::Connected),
        (here(1), ConnectionState::Reconnecting),
    ] {
        goodbye(from);
        let (_, snapshot) = node.rooms.snapshot(room, ParticipantId(1)).await.unwrap();
        assert_eq!(snapshot.members[0].state, state);
    }
}
