//! Why a room refuses. A rejection changes nothing.

use serde::{Deserialize, Serialize};

/// Why a command was refused; stable on the wire by [`Rejection::code`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Rejection {
    /// The room is over.
    #[error("the room has ended")]
    Ended,
    /// The one who asks is no member.
    #[error("not a member of this room")]
    NotMember,
    /// The one spoken of is no member, or does not wait.
    #[error("no such participant")]
    NoSuchParticipant,
    /// Rank does not suffice.
    #[error("not allowed")]
    Forbidden,
    /// Removed by a moderator: the resume secret died with the membership, and nobody comes in quietly as someone else.
    #[error("removed from this room")]
    Kicked,
    /// Banned from this room.
    #[error("banned from this room")]
    Banned,
    /// The room takes nobody new.
    #[error("the room is locked")]
    Locked,
    /// The participant limit is reached.
    #[error("the room is full")]
    Full,
    /// A text is empty, too long or has control characters; a number is out of range.
    #[error("invalid value: {0}")]
    Invalid(#[serde(skip)] &'static str),
    /// Too many bans, waiting people, …: a bound of the room itself.
    #[error("the room's limit of {0} is reached")]
    Limit(#[serde(skip)] &'static str),
    /// The resume secret is not this participant's (any more).
    #[error("credential refused")]
    Unauthorized,
}

impl Rejection {
    /// Stable code for clients.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Ended => "ended",
            Self::NotMember => "not_joined",
            Self::NoSuchParticipant => "not_found",
            Self::Forbidden => "forbidden",
            Self::Kicked => "kicked",
            Self::Banned => "banned",
            Self::Locked => "locked",
            Self::Full | Self::Limit(_) => "full",
            Self::Invalid(_) => "invalid",
            Self::Unauthorized => "unauthorized",
        }
    }
}
