//! Getting in.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{LiveMember, Position, RoomEvent, Snapshot};

/// `phx_join`: by a token or a resume secret, else by the socket's `authToken`.
#[derive(Clone, Default, Deserialize, TS)]
pub struct RoomJoin {
    /// From `POST /api/rooms` or `…/join`.
    #[serde(default)]
    #[ts(optional)]
    pub token: Option<String>,
    /// From an earlier join.
    #[serde(default)]
    #[ts(optional)]
    pub resume: Option<String>,
    /// What the client has seen.
    #[serde(default)]
    #[ts(optional)]
    pub since: Option<Position>,
}

/// Answer to [`RoomJoin`].
#[derive(Clone, Serialize, TS)]
#[serde(untagged)]
pub enum RoomJoined {
    /// In.
    Member(Box<MemberJoin>),
    /// In front of the door.
    Waiting(WaitingJoin),
}

/// In.
#[derive(Clone, Serialize, TS)]
pub struct MemberJoin {
    /// Who one is.
    pub participant_id: String,
    /// The secret to come back with, when it is new: the last one counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub resume: Option<String>,
    /// Where `snapshot` or `events` end.
    #[serde(flatten)]
    pub position: Position,
    /// The node that answers.
    pub node: String,
    /// How to reach the media; `null` while the media server is away: join again later for it.
    pub media: Option<MediaGrant>,
    /// The whole room, unless `events` continue from `since`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub snapshot: Option<Snapshot>,
    /// What was missed after `since`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub events: Option<Vec<MissedEvent>>,
    /// Beside `events`: connection and devices of every member now, since what changed of them meanwhile is in no event.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub live: Option<Vec<LiveMember>>,
}

/// In front of the door.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct WaitingJoin {
    /// Who one is.
    pub participant_id: String,
    /// Always `true`.
    #[ts(type = "true")]
    pub waiting: bool,
    /// Where the room stands.
    #[serde(flatten)]
    pub position: Position,
}

/// How to reach the media.
#[derive(Clone, PartialEq, Eq, Serialize, TS)]
pub struct MediaGrant {
    /// Which adapter.
    pub provider: String,
    /// For the media server.
    pub token: String,
    /// Where it is, for servers with signalling of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub url: Option<String>,
}

/// An event that was missed.
#[derive(Debug, Clone, Serialize, TS)]
pub struct MissedEvent {
    /// Its name.
    pub event: &'static str,
    /// Its payload.
    #[ts(type = "unknown")]
    pub payload: RoomEvent,
}
