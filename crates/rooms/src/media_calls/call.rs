//! What can be asked of another node's media server, the answers, and what it tells sockets here.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use videorooms_domain::{ParticipantId, RoomId, Source, SourceSet};
use videorooms_sfu::{
    Answer as Description, Health, Offer, PeerId, RoomInfo, SfuError, SfuToken, SignalEvent, Slot, SlotPlan,
    SpeakerLevels,
};

/// What is asked: the methods of [`videorooms_sfu::SfuProvider`] and [`videorooms_sfu::Signalling`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// `create_room`.
    CreateRoom {
        /// Which.
        room: RoomId,
        /// Most participants with media.
        max_participants: u32,
        /// How long it is kept empty.
        empty_timeout_ms: u64,
    },
    /// `delete_room`.
    DeleteRoom {
        /// Which.
        room: RoomId,
    },
    /// `generate_token`.
    GenerateToken {
        /// Of the room.
        room: RoomId,
        /// For whom.
        participant: ParticipantId,
        /// Shown name.
        name: String,
        /// What it may publish at first.
        publish: SourceSet,
        /// May it receive media.
        subscribe: bool,
        /// How long the credential waits for its first use.
        ttl_ms: u64,
    },
    /// `get_room_info`.
    RoomInfo {
        /// Of which.
        room: RoomId,
    },
    /// `health_check`.
    Health,
    /// `remove_participant`.
    Remove {
        /// From which room.
        room: RoomId,
        /// Whom.
        participant: ParticipantId,
    },
    /// `set_publishing`.
    SetPublishing {
        /// In which room.
        room: RoomId,
        /// Whose rights.
        participant: ParticipantId,
        /// What it may publish from now on.
        allowed: SourceSet,
    },
    /// `attach`; the socket is on the node that sent the envelope.
    Attach(Box<Attach>),
    /// `offer`.
    Offer {
        /// Whose.
        peer: PeerId,
        /// The offer.
        offer: Offer,
    },
    /// `mute`.
    Mute {
        /// Whose.
        peer: PeerId,
        /// Which source.
        source: Source,
        /// Stop or resume.
        muted: bool,
    },
    /// `keyframe`.
    Keyframe {
        /// Who asks.
        peer: PeerId,
        /// Its receiving m-line.
        mid: String,
    },
    /// `leave`.
    Leave {
        /// Who.
        peer: PeerId,
    },
}

/// A socket's wish to signal. The address at which its request came in means nothing on another node and does not travel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attach {
    /// In which room.
    pub room: RoomId,
    /// For whom.
    pub participant: ParticipantId,
    /// What opens the place.
    pub token: Token,
    /// A living peer to attach to again.
    #[serde(default)]
    pub peer: Option<PeerId>,
    /// The sender's number of this attachment, under which its events come and it ends; never the same twice in a boot.
    pub stream: u64,
}

/// A credential. `Debug` hides it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Token(pub String);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

/// What came of an [`Ask`] that was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// There is nothing to say.
    Done,
    /// The media room.
    Room(RoomInfo),
    /// The credential.
    Token(SfuToken),
    /// State of the server.
    Health(Health),
    /// The socket is attached.
    Attached(Attached),
    /// The answer to an offer.
    Description(Description),
}

/// The answer to [`Ask::Attach`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attached {
    /// The peer, old or new.
    pub peer: PeerId,
    /// The peer that was named lives.
    pub resumed: bool,
    /// Receiving m-lines to offer at first.
    pub slots: SlotPlan,
}

/// What is told without an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tell {
    /// From the media server to the socket of an attachment.
    Event {
        /// Which attachment.
        stream: u64,
        /// Counts from 0 for each attachment: a gap is a loss.
        number: u64,
        /// What.
        event: Event,
    },
    /// Nothing follows on this attachment, for whatever reason.
    Ended {
        /// Which.
        stream: u64,
    },
    /// To the media server: the socket of that attachment is gone. See [`videorooms_sfu::Signalling::detach`].
    Release {
        /// Which.
        stream: u64,
    },
}

/// A [`SignalEvent`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The whole mapping of receiving m-lines.
    Slots {
        /// Revision.
        rev: u64,
        /// Every bound m-line.
        map: Vec<Slot>,
    },
    /// More receiving m-lines are needed.
    NeedSlots(SlotPlan),
    /// Who speaks, loudest first.
    Speakers(Vec<(ParticipantId, u8)>),
    /// The peer is gone.
    Reset(Cow<'static, str>),
}

impl From<SignalEvent> for Event {
    fn from(event: SignalEvent) -> Self {
        match event {
            SignalEvent::Slots { rev, map } => Self::Slots { rev, map },
            SignalEvent::NeedSlots(plan) => Self::NeedSlots(plan),
            SignalEvent::Speakers(levels) => Self::Speakers(levels.levels().to_vec()),
            SignalEvent::Reset(reason) => Self::Reset(reason),
        }
    }
}

impl From<Event> for SignalEvent {
    fn from(event: Event) -> Self {
        match event {
            Event::Slots { rev, map } => Self::Slots { rev, map },
            Event::NeedSlots(plan) => Self::NeedSlots(plan),
            Event::Speakers(levels) => Self::Speakers(SpeakerLevels::new(levels)),
            Event::Reset(reason) => Self::Reset(reason),
        }
    }
}

/// An [`SfuError`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refused {
    /// The media room does not exist.
    NoSuchRoom,
    /// The peer is gone.
    NoSuchPeer,
    /// The credential is not good.
    Forbidden,
    /// A limit is reached: which.
    Full(Cow<'static, str>),
    /// Again after so long.
    TooFast {
        /// How long.
        wait_ms: u64,
    },
    /// What was sent cannot be used: why.
    Invalid(String),
    /// Try later: why.
    Unavailable(String),
    /// The server cannot do that.
    Unsupported,
}

impl From<SfuError> for Refused {
    fn from(error: SfuError) -> Self {
        match error {
            SfuError::NoSuchRoom => Self::NoSuchRoom,
            SfuError::NoSuchPeer => Self::NoSuchPeer,
            SfuError::Forbidden => Self::Forbidden,
            SfuError::Full(what) => Self::Full(what),
            SfuError::TooFast(wait) => Self::TooFast {
                // Never less than what was asked for.
                wait_ms: wait.as_nanos().div_ceil(1_000_000) as u64,
            },
            SfuError::Invalid(why) => Self::Invalid(why),
            SfuError::Unavailable(why) => Self::Unavailable(why),
            SfuError::Unsupported => Self::Unsupported,
        }
    }
}

impl From<Refused> for SfuError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NoSuchRoom => Self::NoSuchRoom,
            Refused::NoSuchPeer => Self::NoSuchPeer,
            Refused::Forbidden => Self::Forbidden,
            Refused::Full(what) => Self::Full(what),
            Refused::TooFast { wait_ms } => Self::TooFast(Duration::from_millis(wait_ms)),
            Refused::Invalid(why) => Self::Invalid(why),
            Refused::Unavailable(why) => Self::Unavailable(why),
            Refused::Unsupported => Self::Unsupported,
        }
    }
}
