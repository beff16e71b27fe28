//! Why a request on a topic is refused.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Stable reasons of error replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The token or secret does not count (any more).
    Unauthorized,
    /// Rank does not suffice.
    Forbidden,
    /// No such room or participant.
    NotFound,
    /// The room is over.
    Ended,
    /// Removed from this room by a moderator.
    Kicked,
    /// Banned from this room.
    Banned,
    /// The room takes nobody new.
    Locked,
    /// A limit of the room or the node is reached.
    Full,
    /// The room asks for another password.
    WrongPassword,
    /// The payload is not what the event asks for.
    Invalid,
    /// The payload is longer than the event allows.
    TooLarge,
    /// Slower, please.
    RateLimited,
    /// Try again after `retry_after_ms`.
    Unavailable,
    /// No membership to do this with.
    NotJoined,
    /// Phoenix's words for a topic that is unknown or not joined.
    #[serde(rename = "unmatched topic")]
    UnmatchedTopic,
    /// Phoenix's words for one channel more than a socket may have.
    #[serde(rename = "too many channels joined")]
    TooManyChannels,
    /// It contradicts what is there.
    Conflict,
    /// This server cannot do that.
    Unsupported,
}

/// Response of a reply with status `error`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ErrorReply {
    /// For programs.
    pub reason: Reason,
    /// For people.
    pub message: String,
    /// When to try again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub retry_after_ms: Option<u64>,
}

impl ErrorReply {
    /// A refusal without a time to come back.
    #[must_use]
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            retry_after_ms: None,
        }
    }
}
