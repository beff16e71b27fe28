//! The ephemeral half of the language: signals go in, notes come out. Neither is ever stored.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{NodeIncarnation, ParticipantId};

/// One socket's attachment to a room; unique within a node's boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ConnectionId(pub u64);

/// What a member says of its own devices.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MediaState {
    /// Microphone is on.
    pub microphone: bool,
    /// Camera is on.
    pub camera: bool,
    /// A screen is shared.
    pub screen: bool,
}

/// Is a member's connection there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionState {
    /// At least one socket is attached, or its gateway has not denied it.
    Connected,
    /// None is; the grace runs.
    Reconnecting,
}

/// An ephemeral input; decided on the committed durable state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// A socket is attached for this member.
    Attached {
        /// Who.
        participant: ParticipantId,
        /// Which socket.
        connection: ConnectionId,
        /// On which node.
        via: NodeIncarnation,
    },
    /// That socket is gone. One that was replaced meanwhile changes nothing.
    Detached {
        /// Who.
        participant: ParticipantId,
        /// Which socket.
        connection: ConnectionId,
        /// On which node.
        via: NodeIncarnation,
    },
    /// A node's boot is declared dead: its members are reconnecting.
    NodeDied {
        /// Which boot.
        via: NodeIncarnation,
    },
    /// A member says what its devices do.
    Media {
        /// Who.
        participant: ParticipantId,
        /// What.
        media: MediaState,
    },
    /// A reaction.
    React {
        /// Who.
        participant: ParticipantId,
        /// At most 16 bytes.
        emoji: String,
    },
    /// Application data.
    Data {
        /// Who.
        participant: ParticipantId,
        /// A JSON object as text, at most 16 KiB; the room does not look inside.
        data: Arc<str>,
    },
}

/// An ephemeral output, for everyone in the room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Note {
    /// A member's connection came or went.
    ConnectionChanged {
        /// Whose.
        participant: ParticipantId,
        /// How it is now.
        state: ConnectionState,
    },
    /// A member's devices changed.
    MediaChanged {
        /// Whose.
        participant: ParticipantId,
        /// How they are now.
        media: MediaState,
    },
    /// A reaction.
    Reaction {
        /// Whose.
        from: ParticipantId,
        /// Which.
        emoji: String,
    },
    /// Application data.
    Data {
        /// Whose.
        from: ParticipantId,
        /// JSON text.
        data: Arc<str>,
    },
}
