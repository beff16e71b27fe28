//! `SfuProvider`: what the product asks of a media server, whatever server it is.
//!
//! The five required calls are fixed by name and argument; everything else is a
//! capability with a default that refuses. The port knows rooms and participants by id only; it keeps no rule of a
//! room. Implementations: [`crate::embedded`], [`crate::fake`]; the suite in [`crate::contract`] holds them alike.
//!
//! ```text
//! first attach in a room   create_room ──► generate_token ──► (client talks to the media server)
//! kick, leave              remove_participant
//! mute, rights             set_publishing
//! end of room              delete_room
//! ```

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::sync::mpsc;
use videorooms_domain::{ParticipantId, RoomId, Source, SourceSet};

/// A media server.
///
/// Every method may be called at any time and in any order, repeatedly (idempotent), and may be cancelled by dropping its
/// future; callers bound each call with a deadline of their own.
#[async_trait]
pub trait SfuProvider: Send + Sync + 'static {
    /// Name by which configuration and status know it: `embedded`, `livekit`, …
    fn name(&self) -> &str;

    /// What this server can do beyond the five required calls.
    fn capabilities(&self) -> Capabilities;

    /// Makes the media room, or leaves it as it is when it is there.
    ///
    /// # Errors
    /// [`SfuError::Full`] when the server takes no more rooms, [`SfuError::Unavailable`] when it cannot be reached.
    async fn create_room(&self, room_id: &RoomId, opts: RoomOptions) -> Result<RoomInfo, SfuError>;

    /// Ends the media room and every connection in it; succeeds when there is none.
    ///
    /// # Errors
    /// [`SfuError::Unavailable`].
    async fn delete_room(&self, room_id: &RoomId) -> Result<(), SfuError>;

    /// Makes the credential with which this participant's browser connects to the media server.
    ///
    /// # Errors
    /// [`SfuError::NoSuchRoom`] before `create_room`; [`SfuError::Unavailable`].
    async fn generate_token(
        &self,
        room_id: &RoomId,
        participant_id: &ParticipantId,
        name: &str,
        opts: TokenOptions,
    ) -> Result<SfuToken, SfuError>;

    /// Says who has media in the room.
    ///
    /// # Errors
    /// [`SfuError::NoSuchRoom`], [`SfuError::Unavailable`].
    async fn get_room_info(&self, room_id: &RoomId) -> Result<RoomInfo, SfuError>;

    /// Says whether the server takes calls.
    ///
    /// # Errors
    /// [`SfuError::Unavailable`] with the reason.
    async fn health_check(&self) -> Result<Health, SfuError>;

    /// Cuts the participant's media now; succeeds when there is none. Needs `capabilities().remove_participant`.
    ///
    /// # Errors
    /// [`SfuError::Unsupported`], [`SfuError::Unavailable`].
    async fn remove_participant(&self, _room: &RoomId, _participant: &ParticipantId) -> Result<(), SfuError> {
        Err(SfuError::Unsupported)
    }

    /// Sets what the participant may publish; other sources are not forwarded, whatever the client sends.
    /// Kept for a participant that has not connected yet. Needs `capabilities().set_publishing`.
    ///
    /// # Errors
    /// [`SfuError::Unsupported`], [`SfuError::NoSuchRoom`], [`SfuError::Unavailable`].
    async fn set_publishing(
        &self,
        _room: &RoomId,
        _participant: &ParticipantId,
        _allowed: SourceSet,
    ) -> Result<(), SfuError> {
        Err(SfuError::Unsupported)
    }

    /// The door for signalling over our own socket (`sfu:<id>`), where this server has no signalling of its own.
    fn signalling(&self) -> Option<&dyn Signalling> {
        None
    }
}

/// Signalling that we carry: the client offers, the server answers. One session is one peer of one participant.
#[async_trait]
pub trait Signalling: Send + Sync {
    /// Attaches a socket to a new peer, or to the living peer named by `request.peer`.
    ///
    /// A participant has at most one peer: a new one closes the former, whose events end with
    /// [`SignalEvent::Reset`]. `events` is bounded; when it is full, the newest [`SignalEvent::Slots`] wins and levels are dropped. Its end
    /// says the same as a reset, for which there was no room.
    ///
    /// # Errors
    /// [`SfuError::Forbidden`] for a wrong token or one that expired unused, [`SfuError::NoSuchRoom`], [`SfuError::Full`].
    async fn attach(
        &self,
        room: &RoomId,
        participant: &ParticipantId,
        request: AttachRequest,
        events: mpsc::Sender<SignalEvent>,
    ) -> Result<Attached, SfuError>;

    /// Answers an offer. Offers of one peer are answered in order; one with a stale `gen` is refused.
    ///
    /// # Errors
    /// [`SfuError::NoSuchPeer`], [`SfuError::Invalid`] for SDP that cannot be taken, [`SfuError::TooFast`].
    async fn offer(&self, peer: PeerId, offer: Offer) -> Result<Answer, SfuError>;

    /// Stops or resumes forwarding of one of the peer's own sources.
    ///
    /// # Errors
    /// [`SfuError::NoSuchPeer`].
    async fn mute(&self, peer: PeerId, source: Source, muted: bool) -> Result<(), SfuError>;

    /// Asks the publisher behind a receiving m-line for a keyframe (throttled).
    ///
    /// # Errors
    /// [`SfuError::NoSuchPeer`].
    async fn keyframe(&self, peer: PeerId, mid: &str) -> Result<(), SfuError>;

    /// The socket of that attachment is gone; another that was attached meanwhile is not touched. The peer lives on while its media
    /// flows, at most for its idle time.
    fn detach(&self, peer: PeerId, attachment: u64);

    /// Closes the peer.
    ///
    /// # Errors
    /// [`SfuError::NoSuchPeer`].
    async fn leave(&self, peer: PeerId) -> Result<(), SfuError>;
}

/// What a provider can do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Capabilities {
    /// [`SfuProvider::remove_participant`] works.
    pub remove_participant: bool,
    /// [`SfuProvider::set_publishing`] works.
    pub set_publishing: bool,
    /// [`SfuProvider::signalling`] is there.
    pub signalling: bool,
    /// Media lives in the orchestrator's process and dies with it.
    pub in_process: bool,
}

/// How a media room is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoomOptions {
    /// Most participants with media.
    pub max_participants: u32,
    /// How long an empty media room is kept.
    pub empty_timeout: Duration,
}

/// Rights and life of a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenOptions {
    /// Sources the bearer may publish; empty for a viewer.
    pub publish: SourceSet,
    /// May the bearer receive media.
    pub subscribe: bool,
    /// From now to the last moment of the first use. A used credential is good until the participant is removed or the room ends.
    pub ttl: Duration,
}

/// A credential for the browser. `Debug` hides it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SfuToken {
    /// The credential itself.
    pub token: String,
    /// Where the browser connects, for servers with signalling of their own.
    pub url: Option<String>,
}

impl std::fmt::Debug for SfuToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SfuToken")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// Who has media in a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomInfo {
    /// The room.
    pub room_id: RoomId,
    /// Participants with a living media connection, in order of id.
    pub participants: Vec<MediaParticipant>,
    /// Everyone who has a connection, is about to have one, or holds a credential for one, as far as the server knows; in order of id.
    /// Those of `participants` are among them.
    pub admitted: Vec<ParticipantId>,
}

/// One participant's media.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaParticipant {
    /// The participant.
    pub participant_id: ParticipantId,
    /// Sources it publishes now.
    pub publishing: SourceSet,
}

/// State of a media server that answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// Rooms with media.
    pub rooms: u64,
    /// Connected peers.
    pub peers: u64,
    /// For people: version, address.
    pub detail: String,
}

/// Why a provider refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SfuError {
    /// The media room does not exist (any more): create it and try again.
    #[error("no such media room")]
    NoSuchRoom,
    /// The peer is gone: attach anew.
    #[error("no such peer")]
    NoSuchPeer,
    /// Wrong, expired or foreign credential.
    #[error("credential refused")]
    Forbidden,
    /// A limit is reached.
    #[error("media server is full: {0}")]
    Full(Cow<'static, str>),
    /// The client asks too often: again after this time.
    #[error("too fast")]
    TooFast(Duration),
    /// The client sent something that cannot be used.
    #[error("invalid request: {0}")]
    Invalid(String),
    /// The server does not answer; try later.
    #[error("media server unavailable: {0}")]
    Unavailable(String),
    /// This provider cannot do that.
    #[error("not supported by this provider")]
    Unsupported,
}

/// Generational id of a peer; never reused within a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PeerId(pub u64);

/// A socket's wish to signal for a participant.
#[derive(Clone)]
pub struct AttachRequest {
    /// From [`SfuProvider::generate_token`].
    pub token: String,
    /// A living peer to re-attach to after a lost socket.
    pub peer: Option<PeerId>,
    /// The address of this machine at which the client's request came in; `None` when it came through a proxy.
    pub reached: Option<IpAddr>,
}

/// Answer to [`Signalling::attach`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attached {
    /// The peer, old or new.
    pub peer: PeerId,
    /// The named peer was found alive and its connection stands.
    pub resumed: bool,
    /// Names this attachment to [`Signalling::detach`]: never the same twice for a peer.
    pub attachment: u64,
    /// Receiving m-lines the client should offer at first.
    pub slots: SlotPlan,
}

/// How many receiving m-lines of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotPlan {
    /// Audio m-lines.
    pub audio: u8,
    /// Video m-lines.
    pub video: u8,
}

/// An offer of the client. `Debug` hides the description, which holds what opens the connection.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// Rises with each offer of a peer.
    pub r#gen: u32,
    /// Session description, at most 512 KiB.
    pub sdp: String,
    /// Which m-line carries which source.
    pub tracks: Vec<(String, Source)>,
}

/// The answer to an [`Offer`]. `Debug` hides the description.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// That of the offer.
    pub r#gen: u32,
    /// Session description.
    pub sdp: String,
}

impl std::fmt::Debug for Offer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Offer")
            .field("gen", &self.r#gen)
            .field("tracks", &self.tracks)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answer")
            .field("gen", &self.r#gen)
            .finish_non_exhaustive()
    }
}

/// What the media server tells a signalling socket.
#[derive(Debug, Clone, PartialEq)]
pub enum SignalEvent {
    /// The whole mapping of receiving m-lines; `rev` rises.
    Slots {
        /// Revision.
        rev: u64,
        /// Every bound m-line.
        map: Vec<Slot>,
    },
    /// More receiving m-lines are needed than were offered.
    NeedSlots(SlotPlan),
    /// Who speaks; the same list for everyone in the room.
    Speakers(Arc<SpeakerLevels>),
    /// The peer is gone; nothing follows.
    Reset(Cow<'static, str>),
}

/// Audio levels, loudest first; 0 is loudest, 127 silence (RFC 6464).
///
/// One list goes to a whole room, so it carries its encoded form with it: whoever sends it first encodes it for all.
#[derive(Debug, Default)]
pub struct SpeakerLevels {
    levels: Vec<(ParticipantId, u8)>,
    encoded: OnceLock<Box<RawValue>>,
}

impl SpeakerLevels {
    /// A list to be shared.
    #[must_use]
    pub fn new(levels: Vec<(ParticipantId, u8)>) -> Arc<Self> {
        Arc::new(Self {
            levels,
            encoded: OnceLock::new(),
        })
    }

    /// The list.
    #[must_use]
    pub fn levels(&self) -> &[(ParticipantId, u8)] {
        &self.levels
    }

    /// The list as `encode` made it the first time.
    pub fn encoded(&self, encode: impl FnOnce(&[(ParticipantId, u8)]) -> Box<RawValue>) -> &RawValue {
        self.encoded.get_or_init(|| encode(&self.levels))
    }
}

impl PartialEq for SpeakerLevels {
    fn eq(&self, other: &Self) -> bool {
        self.levels == other.levels
    }
}

/// A receiving m-line and who is on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// The m-line's id in the subscriber's session.
    pub mid: String,
    /// The publisher.
    pub participant: ParticipantId,
    /// What it publishes there.
    pub source: Source,
    /// Nothing flows at present.
    pub muted: bool,
}
