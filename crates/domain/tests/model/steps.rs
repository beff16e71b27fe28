//! What may happen to a room in the model test: everything anyone can ask, from few people, so that they meet, with values that are often wrong.

use proptest::prelude::*;
use videorooms_domain::{
    Actor, Command, ConnectionId, EndReason, Join, MediaState, NodeIncarnation, ParticipantId, PasswordHash,
    Request, Resume, Role, SecretHash, SettingsPatch, Signal, Source, SourceSet,
};

#[derive(Debug, Clone)]
pub(crate) enum Step {
    Command(Request),
    Signal(Signal),
    /// Time passes, in milliseconds, and what is due is asked.
    Wait(u64),
    /// The room is read from the store by the next boot of the node.
    Restart,
}

pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let seconds = prop_oneof![
        8 => 0u64..3_000,
        4 => 15_000u64..25_000,
        1 => 250_000u64..700_000,
        1 => Just(6 * 24 * 3600 * 1000),
    ];
    let step = prop_oneof![
        60 => request().prop_map(Step::Command),
        20 => signal().prop_map(Step::Signal),
        2 => seconds.prop_map(Step::Wait),
        1 => Just(Step::Restart),
    ];
    // As in life the creator mostly comes first, though nobody makes it.
    let opening = prop::option::weighted(0.75, join(Just(Role::Host)));
    (opening, prop::collection::vec(step, 1..300)).prop_map(|(opening, steps)| {
        let opening = opening.map(|command| {
            Step::Command(Request {
                by: Actor::Participant(ParticipantId(0)),
                id: None,
                command,
            })
        });
        opening.into_iter().chain(steps).collect()
    })
}

pub(crate) fn node(name: &str, incarnation: u64) -> NodeIncarnation {
    NodeIncarnation {
        node: name.parse().unwrap(),
        incarnation,
    }
}

fn who() -> impl Strategy<Value = ParticipantId> {
    (1u64..8).prop_map(ParticipantId)
}

fn via() -> impl Strategy<Value = NodeIncarnation> {
    (prop_oneof![3 => Just("a"), 1 => Just("b")], 1u64..4).prop_map(|(name, boot)| node(name, boot))
}

fn role() -> impl Strategy<Value = Role> {
    prop_oneof![
        2 => Just(Role::Host),
        2 => Just(Role::Moderator),
        4 => Just(Role::Participant),
        2 => Just(Role::Viewer),
    ]
}

fn source() -> impl Strategy<Value = Source> {
    prop::sample::select(Source::ALL.to_vec())
}

fn rights() -> impl Strategy<Value = SourceSet> {
    prop::collection::vec(source(), 0..4).prop_map(|sources| sources.into_iter().collect())
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        12 => prop::sample::select(vec!["Ann", " Ann ", "Боб", "C"]).prop_map(str::to_owned),
        1 => prop::sample::select(vec!["", "  ", "a\u{0}", "\u{202E}x", "a\nb"]).prop_map(str::to_owned),
        1 => (60usize..130).prop_map(|n| "ж".repeat(n)),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        12 => prop::sample::select(vec!["hi", " two\nlines ", "\t."]).prop_map(str::to_owned),
        1 => prop::sample::select(vec!["", " \n", "\u{7}"]).prop_map(str::to_owned),
        1 => (3999usize..4002).prop_map(|n| "x".repeat(n)),
    ]
}

fn secret() -> impl Strategy<Value = SecretHash> {
    (0u8..4).prop_map(|n| SecretHash([n; 32]))
}

fn join(role: impl Strategy<Value = Role>) -> impl Strategy<Value = Command> {
    let address = prop::option::of(prop::sample::select(vec!["192.0.2.1", "192.0.2.2", "192.0.2.3"]));
    (name(), role, via(), secret(), address).prop_map(|(name, role, via, resume, address)| {
        Command::Join(Join {
            name,
            role,
            via,
            resume,
            address: address.map(str::to_owned),
        })
    })
}

fn resume() -> impl Strategy<Value = Command> {
    (secret(), secret(), via()).prop_map(|(used, fresh, via)| {
        let address = Some("192.0.2.4".to_owned());
        Command::Resume(Resume {
            used,
            fresh,
            via,
            address,
        })
    })
}

fn patch() -> impl Strategy<Value = SettingsPatch> {
    let password = prop::option::of(prop::option::of(Just(PasswordHash("$argon2id$x".to_owned()))));
    let limit = prop_oneof![6 => 1u32..9, 1 => Just(0), 1 => Just(100_001)];
    let fields = (
        prop::option::of(name()),
        prop::option::of(prop::bool::weighted(0.2)),
        prop::option::of(prop::bool::weighted(0.5)),
        password,
        prop::option::of(limit),
    );
    fields.prop_map(
        |(name, locked, lobby, password, participant_limit)| SettingsPatch {
            name,
            locked,
            lobby,
            password,
            participant_limit,
        },
    )
}

fn command() -> impl Strategy<Value = Command> {
    let reason = prop::sample::select(vec![EndReason::Host, EndReason::Empty, EndReason::Operator]);
    let mine = prop_oneof![
        12 => join(role()),
        4 => resume(),
        1 => via().prop_map(|via| Command::Attach { via }),
        2 => secret().prop_map(|resume| Command::RotateResume { resume }),
        2 => Just(Command::Leave),
        2 => name().prop_map(|name| Command::Rename { name }),
        3 => Just(Command::RaiseHand),
        4 => text().prop_map(|text| Command::Chat { text }),
    ];
    let orders = prop_oneof![
        3 => (who(), role()).prop_map(|(participant, role)| Command::SetRole { participant, role }),
        3 => (who(), any::<bool>(), any::<bool>())
            .prop_map(|(participant, ban, ban_address)| Command::Kick { participant, ban, ban_address }),
        4 => who().prop_map(|participant| Command::Unban { participant }),
        3 => (who(), source()).prop_map(|(participant, source)| Command::Mute { participant, source }),
        2 => (who(), source()).prop_map(|(participant, source)| Command::Unmute { participant, source }),
        2 => (who(), rights()).prop_map(|(participant, rights)| Command::SetRights { participant, rights }),
        3 => (who(), any::<bool>()).prop_map(|(participant, admit)| Command::DecideLobby { participant, admit }),
        3 => patch().prop_map(Command::ChangeSettings),
        1 => who().prop_map(|participant| Command::LowerHand { participant }),
        1 => who().prop_map(|participant| Command::Expire { participant }),
        1 => via().prop_map(|node| Command::SetMediaNode { node }),
    ];
    prop_oneof![
        150 => mine.boxed(),
        150 => orders.boxed(),
        1 => reason.prop_map(|reason| Command::End { reason }).boxed(),
    ]
}

fn request() -> impl Strategy<Value = Request> {
    // The first few are more often in charge, so that orders are often obeyed.
    let busy = (1u64..4).prop_map(ParticipantId);
    let by = prop_oneof![
        6 => busy.prop_map(Actor::Participant),
        6 => who().prop_map(Actor::Participant),
        1 => Just(Actor::System),
    ];
    let id = prop::option::weighted(0.3, (0u8..30).prop_map(|n| format!("c{n}").parse().unwrap()));
    let asked = (by, id, command()).prop_map(|(by, id, command)| Request { by, id, command });
    let expired = who().prop_map(|participant| Request {
        by: Actor::System,
        id: None,
        command: Command::Expire { participant },
    });
    prop_oneof![30 => asked, 1 => expired]
}

fn signal() -> impl Strategy<Value = Signal> {
    let connection = || (1u64..4).prop_map(ConnectionId);
    let media = any::<(bool, bool, bool)>().prop_map(|(microphone, camera, screen)| MediaState {
        microphone,
        camera,
        screen,
    });
    let emoji = prop::sample::select(vec!["👍", "", "far too long for one emoji"]).prop_map(str::to_owned);
    prop_oneof![
        6 => (who(), connection(), via())
            .prop_map(|(participant, connection, via)| Signal::Attached { participant, connection, via }),
        4 => (who(), connection(), via())
            .prop_map(|(participant, connection, via)| Signal::Detached { participant, connection, via }),
        2 => via().prop_map(|via| Signal::NodeDied { via }),
        4 => (who(), media).prop_map(|(participant, media)| Signal::Media { participant, media }),
        1 => (who(), emoji).prop_map(|(participant, emoji)| Signal::React { participant, emoji }),
        1 => (who(), prop::sample::select(vec![2usize, 16_384, 16_385]))
            .prop_map(|(participant, size)| Signal::Data { participant, data: "x".repeat(size).into() }),
    ]
}
