//! Anything that can be sent.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use videorooms_domain::{
    Actor, BannedView, ChatLine, Command, CommandId, ConnectionId, ConnectionState, EndReason, Epoch, Event,
    Join, LeaveReason, LiveView, MediaState, MemberView, NodeIncarnation, Note, ParticipantId, PasswordHash,
    Position, Rejection, Request, Resume, Role, RoomId, RoomView, SecretHash, Seq, Settings, SettingsPatch,
    Signal, Snapshot, Source, SourceSet, Timestamp, Waiting,
};
use videorooms_rooms::calls::{
    Answer, Ask, Call, Cast, Content, Envelope, Standing, Subscribed, Subscription, Tell,
};
use videorooms_rooms::{
    Attach, Attached, Body, CloseReason, CreateRoom, Credential, Explanation, Fact, History, Overview,
    Publication, RollCall, RoomsError,
};

use crate::examples;

pub(crate) fn envelope() -> impl Strategy<Value = Envelope> {
    let content = prop_oneof![
        (room(), epoch(), ask()).prop_map(|(room, epoch, ask)| Content::Call(Call { room, epoch, ask })),
        (room(), epoch(), tell()).prop_map(|(room, epoch, tell)| Content::Cast(Cast { room, epoch, tell })),
        answer().prop_map(Content::Answer),
        error().prop_map(Content::Refused),
        (room(), epoch(), body()).prop_map(|(room, epoch, body)| Content::Publication(Publication {
            room,
            epoch,
            body
        })),
        epoch().prop_map(|epoch| Content::Moved { epoch }),
        Just(Content::TableChanged),
        vec((room(), roll()), 0..3).prop_map(|wishes| {
            let wish = |(room, roll)| Subscription { room, roll };
            Content::Subscribe(wishes.into_iter().map(wish).collect())
        }),
        vec((room(), option::of(standing())), 0..3).prop_map(|answers| {
            let answer = |(room, standing)| Subscribed { room, standing };
            Content::Subscribed(answers.into_iter().map(answer).collect())
        }),
        room().prop_map(|room| Content::AskRollCall { room }),
        roll().prop_map(Content::RollCall),
    ];
    (node(), any::<Option<u64>>(), content).prop_map(|(from, deadline_ms, content)| Envelope {
        deadline_ms,
        ..Envelope::new(from, content)
    })
}

fn room() -> impl Strategy<Value = RoomId> {
    any::<u128>().prop_map(RoomId)
}

fn who() -> impl Strategy<Value = ParticipantId> {
    any::<u64>().prop_map(ParticipantId)
}

fn connection() -> impl Strategy<Value = ConnectionId> {
    any::<u64>().prop_map(ConnectionId)
}

fn epoch() -> impl Strategy<Value = Epoch> {
    any::<u64>().prop_map(Epoch)
}

fn time() -> impl Strategy<Value = Timestamp> {
    any::<u64>().prop_map(Timestamp)
}

fn position() -> impl Strategy<Value = Position> {
    (epoch(), any::<u64>()).prop_map(|(epoch, seq)| Position { epoch, seq: Seq(seq) })
}

fn node() -> impl Strategy<Value = NodeIncarnation> {
    ("[a-z0-9-]{1,32}", any::<u64>()).prop_map(|(node, incarnation)| NodeIncarnation {
        node: node.parse().unwrap(),
        incarnation,
    })
}

fn command_id() -> impl Strategy<Value = CommandId> {
    "[!-~]{1,64}".prop_map(|id| id.parse().unwrap())
}

fn secret() -> impl Strategy<Value = SecretHash> {
    any::<[u8; 32]>().prop_map(SecretHash)
}

fn password() -> impl Strategy<Value = PasswordHash> {
    any::<String>().prop_map(PasswordHash)
}

fn role() -> impl Strategy<Value = Role> {
    prop_oneof![
        Just(Role::Viewer),
        Just(Role::Participant),
        Just(Role::Moderator),
        Just(Role::Host)
    ]
}

fn source() -> impl Strategy<Value = Source> {
    proptest::sample::select(&Source::ALL[..])
}

fn sources() -> impl Strategy<Value = SourceSet> {
    vec(source(), 0..4).prop_map(|sources| sources.into_iter().collect())
}

fn media() -> impl Strategy<Value = MediaState> {
    any::<(bool, bool, bool)>().prop_map(|(microphone, camera, screen)| MediaState {
        microphone,
        camera,
        screen,
    })
}

fn state() -> impl Strategy<Value = ConnectionState> {
    any::<bool>().prop_map(|connected| {
        if connected {
            ConnectionState::Connected
        } else {
            ConnectionState::Reconnecting
        }
    })
}

fn end() -> impl Strategy<Value = EndReason> {
    prop_oneof![
        Just(EndReason::Host),
        Just(EndReason::Empty),
        Just(EndReason::Operator)
    ]
}

fn settings() -> impl Strategy<Value = Settings> {
    (any::<(String, bool, bool, u32)>(), option::of(password())).prop_map(
        |((name, locked, lobby, participant_limit), password)| Settings {
            name,
            locked,
            lobby,
            password,
            participant_limit,
        },
    )
}

fn patch() -> impl Strategy<Value = SettingsPatch> {
    let plain = any::<(Option<String>, Option<bool>, Option<bool>, Option<u32>)>();
    (plain, option::of(option::of(password()))).prop_map(
        |((name, locked, lobby, participant_limit), password)| SettingsPatch {
            name,
            locked,
            lobby,
            password,
            participant_limit,
        },
    )
}

fn ask() -> impl Strategy<Value = Ask> {
    let by = prop_oneof![who().prop_map(Actor::Participant), Just(Actor::System)];
    let request =
        (by, option::of(command_id()), command()).prop_map(|(by, id, command)| Request { by, id, command });
    prop_oneof![
        settings().prop_map(|settings| Ask::Create(CreateRoom { settings })),
        Just(Ask::Overview),
        Just(Ask::Explain),
        (who(), secret()).prop_map(|(participant, secret)| Ask::Verify { participant, secret }),
        attach().prop_map(|attach| Ask::Attach(Box::new(attach))),
        request.prop_map(|request| Ask::Execute(Box::new(request))),
        who().prop_map(|participant| Ask::Snapshot { participant }),
        Just(Ask::MediaNode),
    ]
}

fn attach() -> impl Strategy<Value = Attach> {
    let credential = prop_oneof![
        (who(), any::<String>(), role()).prop_map(|(participant, name, role)| Credential::Token {
            participant,
            name,
            role
        }),
        (who(), secret()).prop_map(|(participant, secret)| Credential::Resume { participant, secret }),
    ];
    (
        credential,
        secret(),
        connection(),
        option::of(position()),
        any::<Option<String>>(),
    )
        .prop_map(|(credential, fresh_resume, connection, since, address)| Attach {
            credential,
            fresh_resume,
            connection,
            since,
            address,
        })
}

fn command() -> impl Strategy<Value = Command> {
    let of_someone = who().prop_flat_map(|participant| {
        prop_oneof![
            Just(Command::Expire { participant }),
            role().prop_map(move |role| Command::SetRole { participant, role }),
            any::<(bool, bool)>().prop_map(move |(ban, ban_address)| Command::Kick {
                participant,
                ban,
                ban_address
            }),
            Just(Command::Unban { participant }),
            source().prop_map(move |source| Command::Mute { participant, source }),
            source().prop_map(move |source| Command::Unmute { participant, source }),
            sources().prop_map(move |rights| Command::SetRights { participant, rights }),
            any::<bool>().prop_map(move |admit| Command::DecideLobby { participant, admit }),
            Just(Command::LowerHand { participant }),
        ]
    });
    let join = (any::<String>(), role(), node(), secret(), any::<Option<String>>()).prop_map(
        |(name, role, via, resume, address)| {
            Command::Join(Join {
                name,
                role,
                via,
                resume,
                address,
            })
        },
    );
    let resume =
        (secret(), secret(), node(), any::<Option<String>>()).prop_map(|(used, fresh, via, address)| {
            Command::Resume(Resume {
                used,
                fresh,
                via,
                address,
            })
        });
    prop_oneof![
        5 => of_someone,
        1 => join,
        1 => resume,
        1 => node().prop_map(|via| Command::Attach { via }),
        1 => secret().prop_map(|resume| Command::RotateResume { resume }),
        1 => Just(Command::Leave),
        1 => any::<String>().prop_map(|name| Command::Rename { name }),
        2 => patch().prop_map(Command::ChangeSettings),
        1 => Just(Command::RaiseHand),
        1 => any::<String>().prop_map(|text| Command::Chat { text }),
        1 => node().prop_map(|node| Command::SetMediaNode { node }),
        1 => end().prop_map(|reason| Command::End { reason }),
    ]
}

fn tell() -> impl Strategy<Value = Tell> {
    let signal = (who(), connection(), node()).prop_flat_map(|(participant, connection, via)| {
        prop_oneof![
            Just(Signal::Attached {
                participant,
                connection,
                via: via.clone()
            }),
            Just(Signal::Detached {
                participant,
                connection,
                via: via.clone()
            }),
            Just(Signal::NodeDied { via }),
            media().prop_map(move |media| Signal::Media { participant, media }),
            any::<String>().prop_map(move |emoji| Signal::React { participant, emoji }),
            any::<String>().prop_map(move |data| Signal::Data {
                participant,
                data: data.into()
            }),
        ]
    });
    prop_oneof![
        4 => signal.prop_map(Tell::Signal),
        1 => (who(), connection()).prop_map(|(participant, connection)| Tell::Detach {
            participant,
            connection
        }),
        1 => who().prop_map(|participant| Tell::MediaAdmitted { participant }),
    ]
}

fn answer() -> impl Strategy<Value = Answer> {
    let overview = (room_view(), any::<(u32, bool)>(), option::of(password())).prop_map(
        |(room, (members, ended), password)| Overview {
            room,
            members,
            ended,
            password,
        },
    );
    prop_oneof![
        Just(Answer::Create),
        overview.prop_map(Answer::Overview),
        any::<(u32, bool)>().prop_map(|(members, in_memory)| {
            let explanation = Explanation {
                members,
                in_memory,
                ..examples::explanation()
            };
            Answer::Explain(Box::new(explanation))
        }),
        role().prop_map(Answer::Verify),
        attached().prop_map(|attached| Answer::Attach(Box::new(attached))),
        position().prop_map(Answer::Execute),
        node().prop_map(Answer::MediaNode),
        (position(), snapshot()).prop_map(|(position, snapshot)| Answer::Snapshot {
            position,
            snapshot: Box::new(snapshot)
        }),
    ]
}

fn attached() -> impl Strategy<Value = Attached> {
    let live = (who(), state(), media()).prop_map(|(participant_id, state, media)| LiveView {
        participant_id,
        state,
        media,
    });
    let history = prop_oneof![
        snapshot().prop_map(|snapshot| History::Snapshot(Box::new(snapshot))),
        (vec(fact(), 0..3), vec(live, 0..3)).prop_map(|(facts, live)| History::Tail { facts, live }),
        Just(History::Waiting),
    ];
    (
        (who(), role(), any::<String>(), sources()),
        (time(), any::<bool>(), position(), history),
    )
        .prop_map(
            |(
                (participant, role, name, publishable),
                (created_at, fresh_resume_taken, position, history),
            )| {
                Attached {
                    participant,
                    role,
                    name,
                    publishable,
                    created_at,
                    fresh_resume_taken,
                    position,
                    history,
                }
            },
        )
}

fn room_view() -> impl Strategy<Value = RoomView> {
    (room(), any::<(String, bool, bool, bool, u32)>(), time()).prop_map(
        |(id, (name, locked, lobby, has_password, participant_limit), created_at)| RoomView {
            id,
            name,
            locked,
            lobby,
            has_password,
            participant_limit,
            created_at,
        },
    )
}

fn snapshot() -> impl Strategy<Value = Snapshot> {
    let member = (
        (who(), any::<String>(), role(), time()),
        (state(), media(), sources(), sources()),
    )
        .prop_map(
            |((participant_id, name, role, joined_at), (state, media, muted_by_moderator, rights))| {
                MemberView {
                    participant_id,
                    name,
                    role,
                    joined_at,
                    state,
                    media,
                    muted_by_moderator,
                    rights,
                }
            },
        );
    let line = (any::<(String, String, String, u64)>(), who(), time()).prop_map(
        |((id, name, text, seq), from, at)| ChatLine {
            id,
            from,
            name,
            text,
            at,
            seq: Seq(seq),
        },
    );
    let waiting = (who(), any::<String>(), time()).prop_map(|(participant_id, name, since)| Waiting {
        participant_id,
        name,
        since,
    });
    let banned =
        (who(), any::<String>()).prop_map(|(participant_id, name)| BannedView { participant_id, name });
    (
        room_view(),
        vec(member, 0..3),
        vec(who(), 0..3),
        vec(line, 0..3),
        vec(waiting, 0..2),
        vec(banned, 0..2),
    )
        .prop_map(|(room, members, hands, chat, lobby, banned)| Snapshot {
            room,
            members,
            hands,
            chat,
            lobby,
            banned,
        })
}

fn error() -> impl Strategy<Value = RoomsError> {
    let mut rejections = examples::rejections();
    rejections.extend([
        Rejection::Invalid("room name"),
        Rejection::Limit("waiting people"),
    ]);
    let rejection = proptest::sample::select(rejections);
    prop_oneof![
        1 => Just(RoomsError::NoSuchRoom),
        2 => rejection.prop_map(RoomsError::Rejected),
        2 => any::<(String, u64)>().prop_map(|(reason, retry_after_ms)| RoomsError::Unavailable {
            reason: reason.into(),
            retry_after_ms
        }),
        1 => Just(RoomsError::TooManyRooms),
    ]
}

fn fact() -> impl Strategy<Value = Arc<Fact>> {
    (position(), time(), event()).prop_map(|(position, at, event)| Arc::new(Fact { position, at, event }))
}

fn event() -> impl Strategy<Value = Event> {
    let joined = (
        (who(), any::<String>(), role(), sources(), sources()),
        (node(), secret(), option::of(secret()), any::<Option<String>>()),
    )
        .prop_map(
            |((participant, name, role, rights, muted), (via, resume, former, address))| {
                Event::MemberJoined {
                    participant,
                    name,
                    role,
                    rights,
                    muted,
                    via,
                    resume,
                    former,
                    address,
                }
            },
        );
    let posted = (who(), any::<(String, String)>(), option::of(command_id()))
        .prop_map(|(from, (name, text), id)| Event::ChatPosted { from, name, text, id });
    prop_oneof![
        1 => settings().prop_map(|settings| Event::Created { settings }),
        1 => joined,
        8 => event_of_someone(),
        1 => (settings(), option::of(who())).prop_map(|(settings, by)| Event::SettingsChanged { settings, by }),
        1 => posted,
        1 => node().prop_map(|node| Event::MediaNodeSet { node }),
        1 => end().prop_map(|reason| Event::Ended { reason }),
    ]
}

fn event_of_someone() -> impl Strategy<Value = Event> {
    let reason = prop_oneof![
        Just(LeaveReason::Left),
        Just(LeaveReason::Kicked),
        Just(LeaveReason::Banned),
        Just(LeaveReason::Timeout)
    ];
    let values = (
        any::<(String, Option<String>, bool)>(),
        role(),
        source(),
        sources(),
        reason,
    );
    let secrets = (secret(), option::of(secret()), node());
    (who(), option::of(who()), values, secrets).prop_flat_map(
        |(
            participant,
            by,
            ((name, address, admitted), role, source, rights, reason),
            (resume, former, via),
        )| {
            proptest::sample::select(vec![
                Event::MemberAttached { participant, via },
                Event::ResumeRotated {
                    participant,
                    resume,
                    former,
                },
                Event::MemberLeft { participant, reason },
                Event::MemberRenamed {
                    participant,
                    name: name.clone(),
                },
                Event::RoleChanged {
                    participant,
                    role,
                    by,
                },
                Event::MemberBanned {
                    participant,
                    name: name.clone(),
                    address,
                    by,
                },
                Event::MemberUnbanned { participant, by },
                Event::MemberMuted {
                    participant,
                    source,
                    by,
                },
                Event::MemberUnmuted {
                    participant,
                    source,
                    by,
                },
                Event::RightsChanged {
                    participant,
                    rights,
                    by,
                },
                Event::LobbyKnocked {
                    participant,
                    name,
                    role,
                },
                Event::LobbyDecided {
                    participant,
                    admitted,
                    by,
                },
                Event::HandRaised { participant },
                Event::HandLowered { participant, by },
            ])
        },
    )
}

fn roll() -> impl Strategy<Value = RollCall> {
    (vec((who(), connection()), 0..3), option::of(position()))
        .prop_map(|(connections, last)| RollCall { connections, last })
}

fn standing() -> impl Strategy<Value = Standing> {
    (epoch(), position(), any::<bool>(), vec(body(), 0..3)).prop_map(|(epoch, position, is_whole, missed)| {
        Standing {
            epoch,
            position,
            is_whole,
            missed,
        }
    })
}

fn body() -> impl Strategy<Value = Body> {
    let note = (who(), state(), media(), any::<String>()).prop_flat_map(|(who, state, media, text)| {
        proptest::sample::select(vec![
            Note::ConnectionChanged {
                participant: who,
                state,
            },
            Note::MediaChanged {
                participant: who,
                media,
            },
            Note::Data {
                from: who,
                data: text.as_str().into(),
            },
            Note::Reaction {
                from: who,
                emoji: text,
            },
        ])
    });
    let why = prop_oneof![
        Just(CloseReason::Left),
        (option::of(who()), any::<bool>()).prop_map(|(by, banned)| CloseReason::Kicked { by, banned }),
        Just(CloseReason::Ended),
    ];
    prop_oneof![
        4 => fact().prop_map(Body::Durable),
        2 => note.prop_map(Body::Ephemeral),
        1 => Just(Body::Moving),
        1 => any::<(String, u64)>().prop_map(|(node, seq)| Body::Resumed { node, seq: Seq(seq) }),
        1 => (option::of(who()), why).prop_map(|(participant, why)| Body::Closed { participant, why }),
        1 => (who(), any::<bool>()).prop_map(|(participant, admitted)| Body::LobbyDecided {
            participant,
            admitted
        }),
        1 => (who(), connection()).prop_map(|(participant, connection)| Body::ResumeRotated {
            participant,
            connection
        }),
    ]
}
