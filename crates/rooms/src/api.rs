//! The values that cross the door of this crate: what a gateway asks and hears.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use videorooms_domain::{
    ConnectionId, Epoch, Event, LiveView, Note, ParticipantId, Position, Rejection, Role, RoomId, RoomView,
    SecretHash, Seq, Settings, ShardId, Snapshot, SourceSet, Timestamp,
};

/// Where rooms say what happened. One a node: the gateway's hub. Called on a room's task: it must not block, and is bounded by itself.
pub trait Subscribers: Send + Sync + 'static {
    /// Hands a publication to this node's sockets.
    fn publish(&self, publication: Publication);

    /// Rooms of the shard in which someone is attached on this node.
    fn rooms(&self, shard: ShardId) -> Vec<RoomId>;

    /// Who is attached to a room on this node, and the last durable position handed out here: asked by a room that came
    /// back from the store, so that it knows its connections and publishes what was committed but never said.
    fn roll_call(&self, room: RoomId) -> RollCall;
}

/// The answer to [`Subscribers::roll_call`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollCall {
    /// Sockets whose attachment was answered, of members and of those who wait in the lobby.
    pub connections: Vec<(ParticipantId, ConnectionId)>,
    /// The newest position published to them; none when nobody is there.
    pub last: Option<Position>,
}

/// Something a room says, once per node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Publication {
    /// Which room.
    pub room: RoomId,
    /// In whose reign; sockets drop what is older than they have seen.
    pub epoch: Epoch,
    /// What.
    pub body: Body,
}

/// What a room says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    /// A committed durable event.
    Durable(Arc<Fact>),
    /// An ephemeral note for everyone.
    Ephemeral(Note),
    /// The room lost its actor or owner and is being re-attached; nothing to do.
    Moving,
    /// It is back. A client whose seq is behind asks for a snapshot; it says its devices' state again.
    Resumed {
        /// The owner's name.
        node: String,
        /// Seq of the last committed event.
        seq: Seq,
    },
    /// These connections' membership is over: close their channel. Follows the event that says why.
    Closed {
        /// Whom; none: everyone.
        participant: Option<ParticipantId>,
        /// Why.
        why: CloseReason,
    },
    /// Someone waiting in the lobby was decided on.
    LobbyDecided {
        /// Who.
        participant: ParticipantId,
        /// Come in, or go.
        admitted: bool,
    },
    /// The fresh secret that this connection brought when it came back is durable: from now on it counts.
    ResumeRotated {
        /// Whose.
        participant: ParticipantId,
        /// Which socket's.
        connection: ConnectionId,
    },
}

/// A committed event with its place and time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// Where in the history.
    pub position: Position,
    /// When it was decided.
    pub at: Timestamp,
    /// What.
    pub event: Event,
}

/// Why a membership ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CloseReason {
    /// Left by its own word, or timed out.
    Left,
    /// Removed.
    Kicked {
        /// By whom.
        by: Option<ParticipantId>,
        /// For good.
        banned: bool,
    },
    /// The room is over.
    Ended,
}

/// A wish for a new room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateRoom {
    /// How it begins.
    pub settings: Settings,
}

/// What anyone with the link may know of a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overview {
    /// Settings.
    pub room: RoomView,
    /// Members, viewers included.
    pub members: u32,
    /// It is over.
    pub ended: bool,
    /// Argon2id hash to check a password against; for the gateway only.
    pub password: Option<videorooms_domain::PasswordHash>,
}

/// Proof with which a socket attaches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Credential {
    /// A verified join token.
    Token {
        /// For whom.
        participant: ParticipantId,
        /// Shown name.
        name: String,
        /// Role for a newcomer.
        role: Role,
    },
    /// The resume secret's hash.
    Resume {
        /// Whose.
        participant: ParticipantId,
        /// SHA-256 of the secret presented.
        secret: SecretHash,
    },
}

/// A socket's wish to be in a room. The gateway subscribes in its hub *before* it asks, holding back what comes until the answer's position.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attach {
    /// Who.
    pub credential: Credential,
    /// SHA-256 of a fresh secret. The gateway hands the secret itself out: with the answer if it says so, else when it hears
    /// [`Body::ResumeRotated`].
    pub fresh_resume: SecretHash,
    /// The socket.
    pub connection: ConnectionId,
    /// What the client has seen.
    pub since: Option<Position>,
    /// Address prefix of the client.
    pub address: Option<String>,
}

/// The answer to [`Attach`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attached {
    /// Who it is.
    pub participant: ParticipantId,
    /// Role now.
    pub role: Role,
    /// Name now.
    pub name: String,
    /// What it may send to the media server now.
    pub publishable: SourceSet,
    /// When the room began.
    pub created_at: Timestamp,
    /// `fresh_resume` counts already: give the secret to the client.
    pub fresh_resume_taken: bool,
    /// Everything up to here is in `history`.
    pub position: Position,
    /// What the client missed.
    pub history: History,
}

/// What a client needs to be up to date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum History {
    /// Everything.
    Snapshot(Box<Snapshot>),
    /// The tail after `since`, whole, and what is in no event.
    Tail {
        /// The events.
        facts: Vec<Arc<Fact>>,
        /// Connection and devices of each member now.
        live: Vec<LiveView>,
    },
    /// Not a member yet: waits in the lobby for [`Body::LobbyDecided`].
    Waiting,
}

/// Why a room did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum RoomsError {
    /// Never existed, or is forgotten.
    #[error("no such room")]
    NoSuchRoom,
    /// The rules say no.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// Not now: the store or the owner is away, or the room's queue is full. Nothing was done, or the same command id may be sent again.
    #[error("room unavailable: {reason}")]
    Unavailable {
        /// For people.
        reason: Cow<'static, str>,
        /// When to try again.
        retry_after_ms: u64,
    },
    /// The room's node has as many rooms in memory as it may have. Nothing was done.
    #[error("the node has as many rooms in memory as its rooms.max_live allows")]
    TooManyRooms,
}
