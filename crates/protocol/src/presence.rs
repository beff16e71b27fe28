//! Phoenix Presence on the wire. Keys are participant ids; viewers are not in it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::room::{ConnectionState, Role};

/// Event with which a newcomer hears who is there.
pub const STATE: &str = "presence_state";
/// Event with which all hear what changed.
pub const DIFF: &str = "presence_diff";

/// One presence of a participant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct PresenceMeta {
    /// Names exactly this meta: the same for the same content, so a change of owner or node plays no leaves and joins.
    pub phx_ref: String,
    /// Shown name.
    pub name: String,
    /// Role.
    pub role: Role,
    /// Connection.
    pub state: ConnectionState,
}

/// What stands under one key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct PresenceEntry {
    /// Always one here: a member's sockets are one presence.
    pub metas: Vec<PresenceMeta>,
}

/// Payload of [`STATE`]: everyone, by participant id.
pub type PresenceState = BTreeMap<String, PresenceEntry>;

/// Payload of [`DIFF`]; an update is the old meta under `leaves` and the new one under `joins`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct PresenceDiff {
    /// Metas that are new.
    pub joins: PresenceState,
    /// Metas that are gone.
    pub leaves: PresenceState,
}
