//! The envelope.

use serde::{Deserialize, Serialize};
use videorooms_domain::{Epoch, NodeIncarnation, RoomId};

use super::codec::{self, WireError};
use super::{Answer, Call, Cast, Subscribed, Subscription};
use crate::api::{Publication, RollCall, RoomsError};

/// Longest envelope, in bytes. A room of 1000 members with the fullest chat that a room keeps fits twice; a link cuts what exceeds its
/// own frames.
pub const ENVELOPE_BYTES: usize = 8 * 1024 * 1024;

/// One message between nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// Format; see [`Envelope::VERSION`].
    pub v: u16,
    /// The sender's boot. The link has authenticated the node; whoever reads it compares.
    pub from: NodeIncarnation,
    /// How long the sender will wait for an answer, in milliseconds from when it was sent: clocks of nodes are never compared. None where nobody
    /// waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<u64>,
    /// What it holds.
    pub content: Content,
}

/// What is in an envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// To the room's owner, which answers.
    Call(Call),
    /// To the room's owner, which does not answer.
    Cast(Cast),
    /// The call was done.
    Answer(Answer),
    /// The call was not done, or its fate is unknown.
    Refused(RoomsError),
    /// This node does not own the room (any more), and nothing was done.
    Moved {
        /// The reign in which it knows the room; 0: none.
        #[serde(default)]
        epoch: Epoch,
    },
    /// From a node that has changed who owns what: look at the table.
    TableChanged,
    /// From a node whose sockets are attached to the rooms' owner.
    Subscribe(Vec<Subscription>),
    /// The answers, in the same order.
    Subscribed(Vec<Subscribed>),
    /// From the room's owner to a node whose sockets are attached.
    Publication(Publication),
    /// From the room's owner to such a node: who is there?
    AskRollCall {
        /// In which room.
        room: RoomId,
    },
    /// The answer.
    RollCall(RollCall),
}

impl Envelope {
    /// The format written by this version.
    pub const VERSION: u16 = 1;

    /// An envelope for which nobody waits.
    #[must_use]
    pub fn new(from: NodeIncarnation, content: Content) -> Self {
        Self {
            v: Self::VERSION,
            from,
            deadline_ms: None,
            content,
        }
    }

    /// The bytes of it.
    ///
    /// # Errors
    /// [`WireError::TooLarge`].
    pub fn encode(&self) -> Result<Vec<u8>, WireError> {
        codec::write(self, ENVELOPE_BYTES)
    }

    /// The envelope that [`Self::encode`] wrote, here or in another version.
    ///
    /// # Errors
    /// [`WireError`], the size first and the version second.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        codec::read(bytes, ENVELOPE_BYTES, Self::VERSION)
    }
}
