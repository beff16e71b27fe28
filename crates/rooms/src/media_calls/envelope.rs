//! The envelope of calls to media.

use serde::{Deserialize, Serialize};

use super::call::{Answer, Ask, Refused, Tell};
use crate::calls::codec;

/// Longest envelope, in bytes: a session description of 512 KiB fits though each of its characters be escaped.
pub const ENVELOPE_BYTES: usize = 2 * 1024 * 1024;

/// One message between the media of two nodes.
pub type Envelope = codec::Envelope<Content>;

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

impl codec::Payload for Content {
    const VERSION: u16 = 1;
    const BYTES: usize = ENVELOPE_BYTES;
}
