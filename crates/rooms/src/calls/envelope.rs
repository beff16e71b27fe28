//! The envelope.

use serde::{Deserialize, Serialize};
use videorooms_domain::{Epoch, RoomId};

use super::codec;
use super::{Answer, Call, Cast, Subscribed, Subscription};
use crate::api::{Publication, RollCall, RoomsError};

/// Longest envelope, in bytes. A room of 1000 members with the fullest chat that a room keeps fits twice; a link cuts what exceeds its
/// own frames.
pub const ENVELOPE_BYTES: usize = 8 * 1024 * 1024;

/// One message between nodes.
pub type Envelope = codec::Envelope<Content>;

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

impl codec::Payload for Content {
    const VERSION: u16 = 1;
    const BYTES: usize = ENVELOPE_BYTES;
}
