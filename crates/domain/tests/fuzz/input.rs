//! From bytes to a history of a room. Few people and few names, so that they meet; texts and numbers as strange as the bytes are.

use arbitrary::{Arbitrary, Unstructured};
use videorooms_domain::{
    Actor, Command, ConnectionId, EndReason, Join, MediaState, NodeIncarnation, ParticipantId, PasswordHash,
    Request, Resume, Role, SecretHash, SettingsPatch, Signal, Source, SourceSet,
};

/// What happens next.
#[derive(Debug, Arbitrary)]
pub(crate) enum Step {
    Command(By, Option<u8>, Order),
    Signal(Cry),
    /// Time passes, in tenths of a second, and what is due is asked.
    Wait(u16),
    /// The room is read from the store by the next boot of the node.
    Restart,
    /// The log's last record, damaged at a few places, is read.
    Damage(Vec<(u16, u8)>),
    /// Somebody else's bytes are read as a record and as a snapshot.
    Read(Vec<u8>),
}

#[derive(Debug, Arbitrary)]
pub(crate) enum By {
    One,
    Other(Who),
    System,
}

#[derive(Debug, Clone, Copy, Arbitrary)]
pub(crate) struct Who(u8);

#[derive(Debug, Arbitrary)]
pub(crate) enum Text {
    Plain(u8),
    Odd(String),
    Long(u16),
}

#[derive(Debug, Clone, Copy, Arbitrary)]
pub(crate) struct Boot(u8);

#[derive(Debug, Clone, Copy, Arbitrary)]
pub(crate) enum Rank {
    Host,
    Moderator,
    Participant,
    Viewer,
}

/// A [`Command`].
#[derive(Debug, Arbitrary)]
pub(crate) enum Order {
    Join(Text, Rank, Boot, u8, Option<Text>),
    JoinPlainly(Rank),
    Resume(u8, u8, Boot),
    Attach(Boot),
    RotateResume(u8),
    Leave,
    Expire(Who),
    Rename(Text),
    SetRole(Who, Rank),
    Kick(Who, bool, bool),
    Unban(Who),
    Mute(Who, u8),
    Unmute(Who, u8),
    SetRights(Who, u8),
    DecideLobby(Who, bool),
    ChangeSettings(
        Option<Text>,
        Option<bool>,
        Option<bool>,
        Option<Option<Text>>,
        Option<u32>,
    ),
    Lobby(bool),
    RaiseHand,
    LowerHand(Who),
    Chat(Text),
    SetMediaNode(Boot),
    /// Ends are rare, so that histories are long.
    End(u8, u8),
}

/// A [`Signal`].
#[derive(Debug, Arbitrary)]
pub(crate) enum Cry {
    Attached(Who, u8, Boot),
    Detached(Who, u8, Boot),
    NodeDied(Boot),
    Media(Who, bool, bool, bool),
    React(Who, Text),
    Data(Who, Text),
}

/// Steps until the bytes are used up. Any bytes are a history.
pub(crate) fn steps(bytes: &[u8]) -> Vec<Step> {
    let mut rest = Unstructured::new(bytes);
    let mut steps = Vec::new();
    while !rest.is_empty() {
        match Step::arbitrary(&mut rest) {
            Ok(step) => steps.push(step),
            Err(_) => break,
        }
    }
    steps
}

impl Who {
    pub(crate) fn id(self) -> ParticipantId {
        ParticipantId(1 + u64::from(self.0 % 6))
    }
}

impl Boot {
    fn node(self) -> NodeIncarnation {
        let node = if self.0 % 4 == 3 { "b" } else { "a" };
        NodeIncarnation {
            node: node.parse().unwrap(),
            incarnation: 1 + u64::from(self.0 / 4 % 3),
        }
    }
}

impl Text {
    fn get(self) -> String {
        match self {
            Self::Plain(n) => format!("text {n}"),
            Self::Odd(text) => text,
            Self::Long(n) => "ж".repeat(usize::from(n)),
        }
    }
}

impl Rank {
    fn role(self) -> Role {
        match self {
            Self::Host => Role::Host,
            Self::Moderator => Role::Moderator,
            Self::Participant => Role::Participant,
            Self::Viewer => Role::Viewer,
        }
    }
}

fn source(n: u8) -> Source {
    Source::ALL[usize::from(n) % Source::ALL.len()]
}

fn sources(bits: u8) -> SourceSet {
    (0..4).filter(|n| bits & (1 << n) != 0).map(source).collect()
}

pub(crate) fn request(by: By, id: Option<u8>, order: Order) -> Request {
    let by = match by {
        By::One => Actor::Participant(ParticipantId(1)),
        By::Other(who) => Actor::Participant(who.id()),
        By::System => Actor::System,
    };
    // Few names, so that some are used again.
    let id = id.map(|n| format!("c{}", n % 32).parse().unwrap());
    Request {
        by,
        id,
        command: order.command(),
    }
}

impl Order {
    fn command(self) -> Command {
        match self {
            Self::Join(name, rank, boot, secret, address) => Command::Join(Join {
                name: name.get(),
                role: rank.role(),
                via: boot.node(),
                resume: SecretHash([secret; 32]),
                address: address.map(Text::get),
            }),
            Self::JoinPlainly(rank) => Command::Join(Join {
                name: "Ann".to_owned(),
                role: rank.role(),
                via: Boot(0).node(),
                resume: SecretHash([7; 32]),
                address: Some("192.0.2.1".to_owned()),
            }),
            Self::Resume(used, fresh, boot) => Command::Resume(Resume {
                used: SecretHash([used; 32]),
                fresh: SecretHash([fresh; 32]),
                via: boot.node(),
                address: None,
            }),
            Self::Attach(boot) => Command::Attach { via: boot.node() },
            Self::RotateResume(secret) => Command::RotateResume {
                resume: SecretHash([secret; 32]),
            },
            Self::Leave => Command::Leave,
            Self::Expire(who) => Command::Expire {
                participant: who.id(),
            },
            Self::Rename(name) => Command::Rename { name: name.get() },
            Self::SetRole(who, rank) => Command::SetRole {
                participant: who.id(),
                role: rank.role(),
            },
            Self::Kick(who, ban, ban_address) => Command::Kick {
                participant: who.id(),
                ban,
                ban_address,
            },
            Self::Unban(who) => Command::Unban {
                participant: who.id(),
            },
            Self::Mute(who, n) => Command::Mute {
                participant: who.id(),
                source: source(n),
            },
            Self::Unmute(who, n) => Command::Unmute {
                participant: who.id(),
                source: source(n),
            },
            Self::SetRights(who, bits) => Command::SetRights {
                participant: who.id(),
                rights: sources(bits),
            },
            Self::DecideLobby(who, admit) => Command::DecideLobby {
                participant: who.id(),
                admit,
            },
            Self::ChangeSettings(name, locked, lobby, password, participant_limit) => {
                Command::ChangeSettings(SettingsPatch {
                    name: name.map(Text::get),
                    locked,
                    lobby,
                    password: password.map(|password| password.map(|text| PasswordHash(text.get()))),
                    participant_limit,
                })
            }
            Self::Lobby(on) => Command::ChangeSettings(SettingsPatch {
                lobby: Some(on),
                ..SettingsPatch::default()
            }),
            Self::RaiseHand => Command::RaiseHand,
            Self::LowerHand(who) => Command::LowerHand {
                participant: who.id(),
            },
            Self::Chat(text) => Command::Chat { text: text.get() },
            Self::SetMediaNode(boot) => Command::SetMediaNode { node: boot.node() },
            Self::End(reason, 0..8) => {
                let reasons = [EndReason::Host, EndReason::Empty, EndReason::Operator];
                Command::End {
                    reason: reasons[usize::from(reason) % 3],
                }
            }
            Self::End(..) => Command::RaiseHand,
        }
    }
}

impl Cry {
    pub(crate) fn signal(self) -> Signal {
        let connection = |n: u8| ConnectionId(u64::from(n % 4));
        match self {
            Self::Attached(who, n, boot) => Signal::Attached {
                participant: who.id(),
                connection: connection(n),
                via: boot.node(),
            },
            Self::Detached(who, n, boot) => Signal::Detached {
                participant: who.id(),
                connection: connection(n),
                via: boot.node(),
            },
            Self::NodeDied(boot) => Signal::NodeDied { via: boot.node() },
            Self::Media(who, microphone, camera, screen) => Signal::Media {
                participant: who.id(),
                media: MediaState {
                    microphone,
                    camera,
                    screen,
                },
            },
            Self::React(who, emoji) => Signal::React {
                participant: who.id(),
                emoji: emoji.get(),
            },
            Self::Data(who, data) => Signal::Data {
                participant: who.id(),
                data: data.get().into(),
            },
        }
    }
}
