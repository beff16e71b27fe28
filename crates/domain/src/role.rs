//! Who may do what, by rank.

use serde::{Deserialize, Serialize};

use crate::SourceSet;

/// A member's role, lowest first: `Ord` is rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Sees and hears; publishes and writes nothing; not in Presence, only counted.
    Viewer,
    /// Takes part.
    Participant,
    /// Keeps order.
    Moderator,
    /// Owns the room. At most one; when it leaves, the longest-present moderator succeeds, else the longest-present participant.
    Host,
}

impl Role {
    /// May it mute, admit, kick, change settings.
    #[must_use]
    pub fn moderates(self) -> bool {
        self >= Self::Moderator
    }

    /// May it send application data.
    #[must_use]
    pub fn may_send_data(self) -> bool {
        self > Self::Viewer
    }

    /// What it may publish unless a moderator said otherwise.
    #[must_use]
    pub fn default_rights(self) -> SourceSet {
        match self {
            Self::Viewer => SourceSet::NONE,
            Self::Participant | Self::Moderator | Self::Host => SourceSet::ALL,
        }
    }

    /// Name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Participant => "participant",
            Self::Moderator => "moderator",
            Self::Host => "host",
        }
    }
}
