//! The envelope of calls to media.

use serde::{Deserialize, Serialize};
use videorooms_domain::NodeIncarnation;

use super::call::{Answer, Ask, Refused, Tell};
use crate::calls::{WireError, codec};

/// Longest envelope, in bytes: a session description of 512 KiB fits though each of its characters be escaped.
pub const ENVELOPE_BYTES: usize = 2 * 1024 * 1024;

/// One message between the media of two nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// Format; see [`Envelope::VERSION`].
    pub v: u16,
    /// The sender's boot. Whoever reads it compares it with what the link says.
    pub from: NodeIncarnation,
    /// How long the sender will wait for an answer, in milliseconds from when it was sent. None where nobody waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<u64>,
    /// What it holds.
    pub content: Content,
}

/// What is in an envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// To a media server, which answers.
    Call(Ask),
    /// To a media server or from one, not answered.
    Cast(Tell),
    /// The call was done.
    Answer(Answer),
    /// The call was not done, or its fate is unknown.
    Refused(Refused),
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
