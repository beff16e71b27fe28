//! The far end of a link, given what it should not be given.

use videorooms_domain::{Command, ConnectionState, Epoch, ParticipantId, RoomId};
use videorooms_rooms::calls::{Answer, Ask, Call, Cast, Content, ENVELOPE_BYTES, Envelope, Tell};
use videorooms_rooms::{Body, Publication, RollCall, RoomsError};
use videorooms_store::Fault;

use crate::support::{Node, command, here};

async fn answer(node: &Node, bytes: &[u8]) -> Content {
    Envelope::decode(&node.rooms.answer(bytes).await).unwrap().content
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
    let no_calls = [
        Content::Answer(Answer::Create),
        Content::Refused(RoomsError::NoSuchRoom),
        Content::AskRollCall { room },
        Content::RollCall(RollCall::default()),
        Content::Publication(Publication {
            room,
            epoch: Epoch(1),
            body: Body::Moving,
        }),
    ];
    hostile.extend(no_calls.map(|content| Envelope::new(here(1), content).encode().unwrap()));
    for bytes in hostile {
        let answer = answer(&node, &bytes).await;
        assert!(is_unavailable(&answer), "{answer:?}");
        let cast = node.rooms.take_cast(&bytes);
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
        assert_eq!((overview, is_unavailable(&answer)), (is_answered, !is_answered));
        let tell = Tell::MediaAdmitted {
            participant: ParticipantId(1),
        };
        let cast = Content::Cast(Cast {
            room,
            epoch: known,
            tell,
        });
        let bytes = Envelope::new(here(1), cast).encode().unwrap();
        assert_eq!(node.rooms.take_cast(&bytes).is_ok(), is_answered);
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
    let goodbye = |from| {
        let tell = Tell::Detach {
            participant: ParticipantId(1),
            connection: videorooms_domain::ConnectionId(1),
        };
        let cast = Content::Cast(Cast {
            room,
            epoch: Epoch(0),
            tell,
        });
        Envelope::new(from, cast).encode().unwrap()
    };
    for (from, state) in [
        (here(2), ConnectionState::Connected),
        (here(1), ConnectionState::Reconnecting),
    ] {
        node.rooms.take_cast(&goodbye(from)).unwrap();
        let (_, snapshot) = node.rooms.snapshot(room, ParticipantId(1)).await.unwrap();
        assert_eq!(snapshot.members[0].state, state);
    }
}
