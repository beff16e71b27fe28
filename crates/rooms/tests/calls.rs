//! Calls between nodes as bytes: the format as it stands in `calls/v1.jsonl`, one line for each kind, and what becomes of bytes that
//! are none of ours. A line that changes is a change that an older node must still be able to read; lines are added, never rewritten.

#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use videorooms_domain::{
    Actor, Command, ConnectionId, ConnectionState, Epoch, Event, LeaveReason, LiveView, MediaState,
    NodeIncarnation, Note, ParticipantId, PasswordHash, Position, Rejection, Request, Role, RoomId, RoomView,
    SecretHash, Seq, Signal, Snapshot, SourceSet, Timestamp,
};
use videorooms_rooms::calls::{
    Answer, AnswerEnvelope, Call, CallEnvelope, Envelope, EnvelopeError, MAX_BYTES, VERSION,
};
use videorooms_rooms::{
    Attach, Attached, Body, CloseReason, Credential, Fact, History, Overview, Publication, RollCall,
    RoomsError,
};

const GOLDEN: &str = include_str!("calls/v1.jsonl");

const ROOM: RoomId = RoomId(7);
const ADA: ParticipantId = ParticipantId(1);
const BOB: ParticipantId = ParticipantId(2);
const SOCKET: ConnectionId = ConnectionId(9);
const AT: Position = Position {
    epoch: Epoch(3),
    seq: Seq(5),
};

fn from() -> NodeIncarnation {
    NodeIncarnation {
        node: "a".parse().unwrap(),
        incarnation: 4,
    }
}

fn snapshot() -> Snapshot {
    Snapshot {
        room: view(),
        members: vec![],
        hands: vec![ADA],
        chat: vec![],
        lobby: vec![],
        banned: vec![],
    }
}

fn view() -> RoomView {
    RoomView {
        id: ROOM,
        name: "Standup".to_owned(),
        locked: false,
        lobby: true,
        has_password: true,
        participant_limit: 50,
        created_at: Timestamp(1_000),
    }
}

fn calls() -> Vec<Call> {
    let attach = |credential| {
        Call::Attach(Box::new(Attach {
            credential,
            fresh_resume: SecretHash([1; 32]),
            connection: SOCKET,
            since: Some(AT),
            address: Some("192.0.2.1".to_owned()),
        }))
    };
    let execute = |command| {
        Call::Execute(Box::new(Request {
            by: Actor::Participant(ADA),
            id: Some("m1".parse().unwrap()),
            command,
        }))
    };
    vec![
        Call::Overview,
        Call::Verify {
            participant: ADA,
            secret: SecretHash([2; 32]),
        },
        attach(Credential::Token {
            participant: ADA,
            name: "Ada".to_owned(),
            role: Role::Host,
        }),
        attach(Credential::Resume {
            participant: ADA,
            secret: SecretHash([3; 32]),
        }),
        execute(Command::Chat {
            text: "ж".to_owned()
        }),
        execute(Command::Leave),
        Call::Snapshot { participant: ADA },
        Call::Signal(Signal::Detached {
            participant: ADA,
            connection: SOCKET,
            via: from(),
        }),
        Call::Signal(Signal::Data {
            participant: ADA,
            data: r#"{"x":1}"#.into(),
        }),
        Call::MediaAdmitted { participant: ADA },
    ]
}

fn answers() -> Vec<Result<Answer, RoomsError>> {
    let attached = |history| {
        Ok(Answer::Attached(Box::new(Attached {
            participant: ADA,
            role: Role::Moderator,
            name: "Ada".to_owned(),
            publishable: SourceSet::ALL,
            created_at: Timestamp(1_000),
            fresh_resume_taken: true,
            position: AT,
            history,
        })))
    };
    let live = LiveView {
        participant_id: BOB,
        state: ConnectionState::Reconnecting,
        media: MediaState::default(),
    };
    vec![
        Ok(Answer::Overview(Box::new(Overview {
            room: view(),
            members: 2,
            ended: false,
            password: Some(PasswordHash("$argon2id$x".to_owned())),
        }))),
        Ok(Answer::Role(Role::Viewer)),
        attached(History::Snapshot(Box::new(snapshot()))),
        attached(History::Tail {
            facts: vec![fact()],
            live: vec![live],
        }),
        attached(History::Waiting),
        Ok(Answer::Committed(AT)),
        Ok(Answer::Snapshot(AT, Box::new(snapshot()))),
        Ok(Answer::Taken),
        Err(RoomsError::NoSuchRoom),
        Err(RoomsError::Rejected(Rejection::Locked)),
        Err(RoomsError::Unavailable {
            reason: "the room is moving".into(),
            retry_after_ms: 1000,
        }),
        Err(RoomsError::TooManyRooms),
    ]
}

fn fact() -> Arc<Fact> {
    Arc::new(Fact {
        position: AT,
        at: Timestamp(2_000),
        event: Event::MemberLeft {
            participant: BOB,
            reason: LeaveReason::Left,
        },
    })
}

fn publications() -> Vec<Publication> {
    let bodies = vec![
        Body::Durable(fact()),
        Body::Ephemeral(Note::Reaction {
            from: ADA,
            emoji: "👍".to_owned(),
        }),
        Body::Moving,
        Body::Resumed {
            node: "b".to_owned(),
            seq: Seq(5),
        },
        Body::Closed {
            participant: Some(BOB),
            why: CloseReason::Kicked {
                by: Some(ADA),
                banned: true,
            },
        },
        Body::Closed {
            participant: None,
            why: CloseReason::Ended,
        },
        Body::LobbyDecided {
            participant: BOB,
            admitted: true,
        },
        Body::ResumeRotated {
            participant: BOB,
            connection: SOCKET,
        },
    ];
    let publication = |body| Publication {
        room: ROOM,
        epoch: Epoch(3),
        body,
    };
    bodies.into_iter().map(publication).collect()
}

/// What is written is the golden line, and the golden line is read as what was written.
fn golden<T>(lines: &mut std::str::Lines<'_>, envelopes: impl IntoIterator<Item = Envelope<T>>)
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    for envelope in envelopes {
        let written = String::from_utf8(envelope.encode().unwrap()).unwrap();
        let line = lines.next().unwrap_or_default();
        assert_eq!(written, line, "{envelope:?}");
        assert_eq!(Envelope::decode(line.as_bytes()), Ok(envelope));
    }
}

#[test]
fn every_kind_is_written_and_read_as_it_always_was() {
    let mut lines = GOLDEN.lines();
    let left = Some(Duration::from_secs(5));
    let call = |call| CallEnvelope::new(from(), left, (ROOM, call));
    golden(&mut lines, calls().into_iter().map(call));
    golden(
        &mut lines,
        answers()
            .into_iter()
            .map(|body| AnswerEnvelope::new(from(), None, body)),
    );
    golden(
        &mut lines,
        publications()
            .into_iter()
            .map(|body| Envelope::new(from(), None, body)),
    );
    let roll = RollCall {
        connections: vec![(ADA, SOCKET)],
        last: Some(AT),
    };
    golden(&mut lines, [Envelope::new(from(), None, roll)]);
    assert_eq!(lines.next(), None, "a line that nothing here writes");
}

#[test]
fn what_a_later_minor_change_adds_is_passed_over() {
    let line = r#"{"v":1,"from":{"node":"a","incarnation":4},"hops":2,"body":["00000000000000000000000007","overview"]}"#;
    let read = CallEnvelope::decode(line.as_bytes()).unwrap();
    assert_eq!((read.left_ms, read.body), (None, (ROOM, Call::Overview)));
}

#[test]
fn what_is_not_for_us_is_named() {
    let decode = |bytes: &[u8]| CallEnvelope::decode(bytes).unwrap_err();
    let found = VERSION + 1;
    let newer = format!(r#"{{"v":{found},"from":"unknown by then","body":[]}}"#);
    assert_eq!(decode(newer.as_bytes()), EnvelopeError::Version { found });
    assert_eq!(decode(br#"{"v":0}"#), EnvelopeError::Version { found: 0 });
    let bytes = MAX_BYTES + 1;
    assert_eq!(decode(&vec![b' '; bytes]), EnvelopeError::TooLong { bytes });
    let unknown =
        r#"{"v":1,"from":{"node":"a","incarnation":4},"body":["00000000000000000000000007","dance"]}"#;
    for malformed in ["", "{}", "[1]", unknown] {
        let error = decode(malformed.as_bytes());
        assert!(
            matches!(error, EnvelopeError::Malformed(_)),
            "{malformed}: {error}"
        );
    }
}

#[test]
fn no_secret_shows_in_what_is_logged() {
    let call = Call::Verify {
        participant: ADA,
        secret: SecretHash([77; 32]),
    };
    let shown = format!(
        "{:?} {:?}",
        CallEnvelope::new(from(), None, (ROOM, call)),
        answers()
    );
    for secret in ["77, 77", "argon2id"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

proptest! {
    #[test]
    fn bytes_of_any_kind_are_refused_or_read_and_never_worse(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = CallEnvelope::decode(&bytes);
        let _ = AnswerEnvelope::decode(&bytes);
        let _ = Envelope::<Publication>::decode(&bytes);
    }

    #[test]
    fn a_line_with_damage_is_refused_or_read_and_never_worse(
        line in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        damage in prop::collection::vec(any::<u8>(), 0..4),
    ) {
        let lines: Vec<_> = GOLDEN.lines().collect();
        let mut bytes = line.get(&lines).as_bytes().to_vec();
        let at = at.index(bytes.len());
        bytes.splice(at..(at + damage.len()).min(bytes.len()), damage);
        let _ = CallEnvelope::decode(&bytes);
        let _ = AnswerEnvelope::decode(&bytes);
        let _ = Envelope::<Publication>::decode(&bytes);
    }
}
