//! The envelope and its codec.

use serde::{Deserialize, Serialize};
use videorooms_domain::{Epoch, NodeIncarnation, RoomId};

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

/// Why an envelope cannot be written or read. It says where and never what stands there: secrets travel in envelopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// Longer than [`ENVELOPE_BYTES`].
    #[error("{bytes} bytes are more than the {ENVELOPE_BYTES} of an envelope")]
    TooLarge {
        /// How long it is.
        bytes: usize,
    },
    /// Written by a newer version of the program, or by none.
    #[error("format {found} is not known, this version reads up to {known}")]
    Version {
        /// What it says it is.
        found: u16,
        /// The newest that can be read.
        known: u16,
    },
    /// Well formed, but something in it is not known to this version, missing, or not what stands there in this format.
    #[error("not understood at column {column}")]
    NotUnderstood {
        /// Where reading ended, from 1; 0 where that is not known.
        column: usize,
    },
    /// Not what any version of this program writes.
    #[error("malformed at column {column}")]
    Malformed {
        /// Where reading ended, from 1; 0 where that is not known.
        column: usize,
    },
}

impl WireError {
    /// Name for metrics.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "too_large",
            Self::Version { .. } => "version",
            Self::NotUnderstood { .. } => "not_understood",
            Self::Malformed { .. } => "malformed",
        }
    }
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
        let bytes = self.to_json();
        check_size(&bytes)?;
        Ok(bytes)
    }

    /// The envelope that [`Self::encode`] wrote, here or in another version.
    ///
    /// # Errors
    /// [`WireError`], the size first and the version second.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        #[derive(Deserialize)]
        struct Versioned {
            v: u16,
        }
        check_size(bytes)?;
        let Versioned { v: found } = serde_json::from_slice(bytes).map_err(|error| WireError::Malformed {
            column: error.column(),
        })?;
        let known = Self::VERSION;
        if !(1..=known).contains(&found) {
            return Err(WireError::Version { found, known });
        }
        serde_json::from_slice(bytes).map_err(unreadable)
    }

    fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self)
            .expect("an envelope has string keys only and nothing that fails to serialize")
    }
}

fn check_size(bytes: &[u8]) -> Result<(), WireError> {
    if bytes.len() > ENVELOPE_BYTES {
        return Err(WireError::TooLarge { bytes: bytes.len() });
    }
    Ok(())
}

fn unreadable(error: serde_json::Error) -> WireError {
    let column = error.column();
    if error.is_data() {
        WireError::NotUnderstood { column }
    } else {
        WireError::Malformed { column }
    }
}
