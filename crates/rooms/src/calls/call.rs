//! What can be asked of a room through a link, what is told without an answer, and the answers.

use serde::{Deserialize, Serialize};
use videorooms_domain::{
    ConnectionId, Epoch, NodeIncarnation, ParticipantId, Position, Request, Role, RoomId, SecretHash, Signal,
    Snapshot,
};

use crate::api::{Attach, Attached, Body, CreateRoom, Overview, RollCall};
use crate::explanation::Explanation;

/// Something asked of a room; answered within the envelope's deadline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// Of which room.
    pub room: RoomId,
    /// The reign in which the caller knows the room; 0: it knows none. Whoever owns it in an earlier one is deposed and must not answer.
    #[serde(default)]
    pub epoch: Epoch,
    /// What.
    pub ask: Ask,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// [`crate::Rooms::create`], under an id that the caller drew.
    Create(CreateRoom),
    /// [`crate::Rooms::overview`].
    Overview,
    /// [`crate::Rooms::explain`].
    Explain,
    /// [`crate::Rooms::verify`].
    Verify {
        /// Whose secret.
        participant: ParticipantId,
        /// SHA-256 of it.
        secret: SecretHash,
    },
    /// [`crate::Rooms::attach`]; the socket is on the node that sent the envelope.
    Attach(Box<Attach>),
    /// [`crate::Rooms::execute`]. Under its command id it may be sent again: it is done once.
    Execute(Box<Request>),
    /// [`crate::Rooms::snapshot`].
    Snapshot {
        /// As who may see it.
        participant: ParticipantId,
    },
    /// [`crate::Rooms::media_node`].
    MediaNode,
}

/// Something told to a room; nobody waits for an answer, and none comes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cast {
    /// To which room.
    pub room: RoomId,
    /// As [`Call::epoch`].
    #[serde(default)]
    pub epoch: Epoch,
    /// What.
    pub tell: Tell,
}

/// What is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tell {
    /// [`crate::Rooms::signal`].
    Signal(Signal),
    /// [`crate::Rooms::detach`]; the socket was on the node that sent the envelope.
    Detach {
        /// Whose socket.
        participant: ParticipantId,
        /// Which.
        connection: ConnectionId,
    },
    /// [`crate::Rooms::media_admitted`].
    MediaAdmitted {
        /// Who was given a way to the media.
        participant: ParticipantId,
    },
}

/// The answer to the [`Ask`] of the same name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The room is durable.
    Create,
    /// What anyone may know.
    Overview(Overview),
    /// Why it is where it is.
    Explain(Box<Explanation>),
    /// The secret is good; the role.
    Verify(Role),
    /// The socket is attached, or its owner waits.
    Attach(Box<Attached>),
    /// Where the command stands in the history.
    Execute(Position),
    /// The room.
    Snapshot {
        /// Where it stands.
        position: Position,
        /// As it may be seen.
        snapshot: Box<Snapshot>,
    },
    /// The node that carries the room's media.
    MediaNode(NodeIncarnation),
}

/// A node's wish to go on hearing a room whose former owner it has lost, or was cut off from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// Which room.
    pub room: RoomId,
    /// Who is attached there, which is the node's last word on it, and what was heard last.
    pub roll: RollCall,
}

/// The owner's answer to a [`Subscription`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscribed {
    /// Which room.
    pub room: RoomId,
    /// None: not the owner, or the room cannot be had now.
    pub standing: Option<Standing>,
}

/// Where a room stands, and what a node has missed of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// In whose reign.
    pub epoch: Epoch,
    /// Everything up to here is known, or in `missed`.
    pub position: Position,
    /// Does `missed` hold all that came after the node's last position; if not, clients ask for the room anew.
    pub is_whole: bool,
    /// What was said, in order.
    pub missed: Vec<Body>,
}
