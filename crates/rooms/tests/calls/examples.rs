//! One of every kind that travels, with fixed values.

use std::sync::Arc;

use videorooms_domain::{
    Actor, BannedView, ChatLine, Command, ConnectionId, ConnectionState, EndReason, Epoch, Event, Join,
    LeaveReason, LiveView, MediaState, MemberView, NodeIncarnation, Note, ParticipantId, PasswordHash,
    Position, Rejection, Request, Resume, Role, RoomId, RoomView, SecretHash, Seq, Settings, SettingsPatch,
    ShardId, Signal, Snapshot, Source, SourceSet, Timestamp, Waiting,
};
use videorooms_rooms::calls::{Answer, Ask, Call, Cast, Content, Standing, Subscribed, Subscription, Tell};
use videorooms_rooms::{
    AtNode, Attach, Attached, Body, CloseReason, CreateRoom, Credential, Explanation, Fact, History,
    LastMove, NodeScore, Overview, Publication, RollCall, RoomsError, Stays,
};

const ROOM: RoomId = RoomId(0x1234_5678_9ABC_DEF0_1234_5678_9ABC_DEF0);
const ONE: ParticipantId = ParticipantId(1);
const TWO: ParticipantId = ParticipantId(0x00C0_FFEE);
const AT: Position = Position {
    epoch: Epoch(7),
    seq: Seq(42),
};
const NOW: Timestamp = Timestamp(1_764_000_000_000);

pub(crate) fn here(incarnation: u64) -> NodeIncarnation {
    NodeIncarnation {
        node: "a".parse().unwrap(),
        incarnation,
    }
}

/// Everything, in the order of `golden.jsonl`.
pub(crate) fn contents() -> Vec<Content> {
    let asks = asks().into_iter().map(|ask| {
        Content::Call(Call {
            room: ROOM,
            epoch: Epoch(7),
            ask,
        })
    });
    let tells = tells().into_iter().map(|tell| {
        Content::Cast(Cast {
            room: ROOM,
            epoch: Epoch(7),
            tell,
        })
    });
    let answers = answers().into_iter().map(Content::Answer);
    let errors = errors().into_iter().map(Content::Refused);
    let publications = bodies().into_iter().map(|body| {
        Content::Publication(Publication {
            room: ROOM,
            epoch: Epoch(7),
            body,
        })
    });
    let roll_calls = [Content::AskRollCall { room: ROOM }, Content::RollCall(roll())];
    let moves = [
        Content::Moved { epoch: Epoch(7) },
        Content::TableChanged,
        Content::Subscribe(vec![Subscription {
            room: ROOM,
            roll: roll(),
        }]),
        Content::Subscribed(vec![
            Subscribed {
                room: ROOM,
                standing: None,
            },
            Subscribed {
                room: ROOM,
                standing: Some(Standing {
                    epoch: Epoch(7),
                    position: AT,
                    is_whole: true,
                    missed: vec![Body::Moving],
                }),
            },
        ]),
    ];
    asks.chain(tells)
        .chain(answers)
        .chain(errors)
        .chain(publications)
        .chain(roll_calls)
        .chain(moves)
        .collect()
}

fn roll() -> RollCall {
    RollCall {
        connections: vec![(ONE, ConnectionId(5)), (TWO, ConnectionId(6))],
        last: Some(AT),
    }
}

fn secret() -> SecretHash {
    SecretHash([7; 32])
}

fn password() -> PasswordHash {
    PasswordHash("$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA".into())
}

fn settings() -> Settings {
    Settings {
        name: "Планёрка".into(),
        locked: true,
        lobby: false,
        password: Some(password()),
        participant_limit: 1000,
    }
}

fn asks() -> Vec<Ask> {
    let attach = |credential| Attach {
        credential,
        fresh_resume: secret(),
        connection: ConnectionId(5),
        since: Some(AT),
        address: Some("192.0.2.1/32".into()),
    };
    let token = Credential::Token {
        participant: ONE,
        name: "Анна".into(),
        role: Role::Host,
    };
    let resume = Credential::Resume {
        participant: ONE,
        secret: secret(),
    };
    let mut asks = vec![
        Ask::Create(CreateRoom { settings: settings() }),
        Ask::Overview,
        Ask::Explain,
        Ask::Verify {
            participant: ONE,
            secret: secret(),
        },
        Ask::Attach(Box::new(attach(token))),
        Ask::Attach(Box::new(attach(resume))),
        Ask::Snapshot { participant: ONE },
        Ask::MediaNode,
    ];
    let request = |command| Request {
        by: Actor::Participant(ONE),
        id: Some("c1".parse().unwrap()),
        command,
    };
    asks.extend(
        commands()
            .into_iter()
            .map(|command| Ask::Execute(Box::new(request(command)))),
    );
    asks.push(Ask::Execute(Box::new(Request {
        by: Actor::System,
        id: None,
        command: Command::End {
            reason: EndReason::Operator,
        },
    })));
    asks
}

fn commands() -> Vec<Command> {
    let patch = SettingsPatch {
        name: Some("x".into()),
        locked: Some(false),
        lobby: Some(true),
        password: Some(Some(password())),
        participant_limit: Some(5),
    };
    let no_password = SettingsPatch {
        password: Some(None),
        ..SettingsPatch::default()
    };
    vec![
        Command::Join(Join {
            name: "Анна".into(),
            role: Role::Viewer,
            via: here(1),
            resume: secret(),
            address: None,
        }),
        Command::Resume(Resume {
            used: secret(),
            fresh: secret(),
            via: here(1),
            address: None,
        }),
        Command::Attach { via: here(1) },
        Command::RotateResume { resume: secret() },
        Command::Leave,
        Command::Expire { participant: TWO },
        Command::Rename { name: "A".into() },
        Command::SetRole {
            participant: TWO,
            role: Role::Moderator,
        },
        Command::Kick {
            participant: TWO,
            ban: true,
            ban_address: false,
        },
        Command::Unban { participant: TWO },
        Command::Mute {
            participant: TWO,
            source: Source::Microphone,
        },
        Command::Unmute {
            participant: TWO,
            source: Source::Camera,
        },
        Command::SetRights {
            participant: TWO,
            rights: SourceSet::ALL,
        },
        Command::DecideLobby {
            participant: TWO,
            admit: true,
        },
        Command::ChangeSettings(patch),
        Command::ChangeSettings(no_password),
        Command::RaiseHand,
        Command::LowerHand { participant: TWO },
        Command::Chat {
            text: "a \"line\"\nof it".into(),
        },
        Command::SetMediaNode { node: here(1) },
        Command::End {
            reason: EndReason::Host,
        },
    ]
}

fn tells() -> Vec<Tell> {
    let (participant, connection, via) = (ONE, ConnectionId(5), here(1));
    let signals = [
        Signal::Attached {
            participant,
            connection,
            via: via.clone(),
        },
        Signal::Detached {
            participant,
            connection,
            via: via.clone(),
        },
        Signal::NodeDied { via },
        Signal::Media {
            participant,
            media: media(),
        },
        Signal::React {
            participant,
            emoji: "🎉".into(),
        },
        Signal::Data {
            participant,
            data: r#"{"x":1}"#.into(),
        },
    ];
    let mut tells: Vec<_> = signals.into_iter().map(Tell::Signal).collect();
    tells.push(Tell::Detach {
        participant,
        connection,
    });
    tells.push(Tell::MediaAdmitted { participant });
    tells
}

fn media() -> MediaState {
    MediaState {
        microphone: true,
        camera: false,
        screen: true,
    }
}

fn room_view() -> RoomView {
    RoomView {
        id: ROOM,
        name: "x".into(),
        locked: false,
        lobby: true,
        has_password: true,
        participant_limit: 1000,
        created_at: NOW,
    }
}

fn snapshot() -> Snapshot {
    Snapshot {
        room: room_view(),
        members: vec![MemberView {
            participant_id: ONE,
            name: "Анна".into(),
            role: Role::Host,
            joined_at: NOW,
            state: ConnectionState::Connected,
            media: media(),
            muted_by_moderator: SourceSet::NONE.with(Source::Screen),
            rights: SourceSet::ALL,
        }],
        hands: vec![ONE],
        chat: vec![ChatLine {
            id: "m3".into(),
            from: ONE,
            name: "Анна".into(),
            text: "hello".into(),
            at: NOW,
            seq: Seq(3),
        }],
        lobby: vec![Waiting {
            participant_id: TWO,
            name: "B".into(),
            since: NOW,
        }],
        banned: vec![BannedView {
            participant_id: TWO,
            name: "B".into(),
        }],
    }
}

fn fact(event: Event) -> Arc<Fact> {
    Arc::new(Fact {
        position: AT,
        at: NOW,
        event,
    })
}

fn answers() -> Vec<Answer> {
    let attached = |history| {
        Answer::Attach(Box::new(Attached {
            participant: ONE,
            role: Role::Participant,
            name: "Анна".into(),
            publishable: SourceSet::ALL.without(Source::ScreenAudio),
            created_at: NOW,
            fresh_resume_taken: true,
            position: AT,
            history,
        }))
    };
    let tail = History::Tail {
        facts: vec![fact(Event::HandRaised { participant: ONE })],
        live: vec![LiveView {
            participant_id: ONE,
            state: ConnectionState::Reconnecting,
            media: media(),
        }],
    };
    vec![
        Answer::Create,
        Answer::Overview(Overview {
            room: room_view(),
            members: 3,
            ended: false,
            password: Some(password()),
        }),
        Answer::Explain(Box::new(explanation())),
        Answer::Verify(Role::Moderator),
        attached(History::Snapshot(Box::new(snapshot()))),
        attached(tail),
        attached(History::Waiting),
        Answer::Execute(AT),
        Answer::MediaNode(here(1)),
        Answer::Snapshot {
            position: AT,
            snapshot: Box::new(snapshot()),
        },
    ]
}

pub(crate) fn explanation() -> Explanation {
    let node = |name: &str, incarnation| NodeIncarnation {
        node: name.parse().unwrap(),
        incarnation,
    };
    Explanation {
        room: ROOM,
        shard: ShardId(5),
        owner: node("b", 2),
        epoch: Epoch(7),
        since: Some(NOW),
        home: Some("a".parse().unwrap()),
        scores: vec![NodeScore {
            node: "a".parse().unwrap(),
            weight: 2,
            score_thousandths: 1500,
            takes_shards: true,
        }],
        stays: Stays::InUse,
        in_memory: true,
        ended: false,
        members: 3,
        attached: vec![AtNode {
            node: node("a", 1),
            members: 3,
            sockets: 4,
        }],
        media_node: Some(node("a", 1)),
        last_move: Some(LastMove {
            from: Some(node("c", 3)),
            noticed_at: Some(NOW),
            judged_at: None,
            claimed_at: NOW,
            loaded_at: Some(NOW),
            resubscribed_at: None,
        }),
    }
}

pub(crate) fn rejections() -> Vec<Rejection> {
    vec![
        Rejection::Ended,
        Rejection::NotMember,
        Rejection::NoSuchParticipant,
        Rejection::Forbidden,
        Rejection::Kicked,
        Rejection::Banned,
        Rejection::Locked,
        Rejection::Full,
        Rejection::Invalid("name"),
        Rejection::Limit("bans"),
        Rejection::Unauthorized,
    ]
}

fn errors() -> Vec<RoomsError> {
    let mut errors = vec![
        RoomsError::NoSuchRoom,
        RoomsError::Unavailable {
            reason: "the room is moving".into(),
            retry_after_ms: 1000,
        },
        RoomsError::TooManyRooms,
    ];
    errors.extend(rejections().into_iter().map(RoomsError::Rejected));
    errors
}

fn bodies() -> Vec<Body> {
    let notes = [
        Note::ConnectionChanged {
            participant: ONE,
            state: ConnectionState::Reconnecting,
        },
        Note::MediaChanged {
            participant: ONE,
            media: media(),
        },
        Note::Reaction {
            from: ONE,
            emoji: "🎉".into(),
        },
        Note::Data {
            from: ONE,
            data: r#"{"x":1}"#.into(),
        },
    ];
    let closed = |participant, why| Body::Closed { participant, why };
    let kicked = CloseReason::Kicked {
        by: Some(ONE),
        banned: true,
    };
    let mut bodies: Vec<_> = events()
        .into_iter()
        .map(|event| Body::Durable(fact(event)))
        .collect();
    bodies.extend(notes.map(Body::Ephemeral));
    bodies.extend([
        Body::Moving,
        Body::Resumed {
            node: "a".into(),
            seq: Seq(42),
        },
        closed(Some(TWO), CloseReason::Left),
        closed(Some(TWO), kicked),
        closed(None, CloseReason::Ended),
        Body::LobbyDecided {
            participant: TWO,
            admitted: true,
        },
        Body::ResumeRotated {
            participant: ONE,
            connection: ConnectionId(5),
        },
    ]);
    bodies
}

fn events() -> Vec<Event> {
    let (participant, by) = (TWO, Some(ONE));
    let name = || "B".to_owned();
    let left = |reason| Event::MemberLeft { participant, reason };
    vec![
        Event::Created { settings: settings() },
        Event::MemberJoined {
            participant,
            name: name(),
            role: Role::Participant,
            rights: SourceSet::ALL,
            muted: SourceSet::NONE.with(Source::Microphone),
            via: here(1),
            resume: secret(),
            former: Some(secret()),
            address: Some("192.0.2.1/32".into()),
        },
        Event::MemberAttached {
            participant,
            via: here(1),
        },
        Event::ResumeRotated {
            participant,
            resume: secret(),
            former: Some(secret()),
        },
        left(LeaveReason::Left),
        left(LeaveReason::Kicked),
        left(LeaveReason::Banned),
        left(LeaveReason::Timeout),
        Event::MemberRenamed {
            participant,
            name: name(),
        },
        Event::RoleChanged {
            participant,
            role: Role::Host,
            by: None,
        },
        Event::MemberBanned {
            participant,
            name: name(),
            address: None,
            by,
        },
        Event::MemberUnbanned { participant, by },
        Event::MemberMuted {
            participant,
            source: Source::ScreenAudio,
            by,
        },
        Event::MemberUnmuted {
            participant,
            source: Source::Screen,
            by,
        },
        Event::RightsChanged {
            participant,
            rights: SourceSet::NONE,
            by,
        },
        Event::LobbyKnocked {
            participant,
            name: name(),
            role: Role::Viewer,
        },
        Event::LobbyDecided {
            participant,
            admitted: false,
            by,
        },
        Event::SettingsChanged {
            settings: settings(),
            by,
        },
        Event::HandRaised { participant },
        Event::HandLowered { participant, by },
        Event::ChatPosted {
            from: participant,
            name: name(),
            text: "hello".into(),
            id: Some("c1".parse().unwrap()),
        },
        Event::MediaNodeSet { node: here(1) },
        Event::Ended {
            reason: EndReason::Empty,
        },
    ]
}
