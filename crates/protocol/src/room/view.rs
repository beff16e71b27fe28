//! What a room shows of itself.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A member's role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Owns the room.
    Host,
    /// Keeps order.
    Moderator,
    /// Takes part.
    Participant,
    /// Sees and hears.
    Viewer,
}

/// What can be published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The voice.
    Microphone,
    /// The face.
    Camera,
    /// A shared screen or window.
    Screen,
    /// The sound of what is shared.
    ScreenAudio,
}

/// Is a member's connection there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionState {
    /// Yes.
    Connected,
    /// It is waited for.
    Reconnecting,
}

/// What a member says of its own devices; also the push `media`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct MediaState {
    /// Microphone is on.
    pub microphone: bool,
    /// Camera is on.
    pub camera: bool,
    /// A screen is shared.
    pub screen: bool,
}

/// A point in the room's history, ordered by epoch, then seq.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Position {
    /// Rises with each new owner.
    pub epoch: u64,
    /// Number of the last durable event.
    pub seq: u64,
}

/// A room's settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct RoomInfo {
    /// 26 characters.
    pub id: String,
    /// Shown name; may be empty.
    pub name: String,
    /// Nobody new may come in.
    pub locked: bool,
    /// Newcomers knock.
    pub lobby: bool,
    /// A password is asked.
    pub has_password: bool,
    /// Most members.
    pub participant_limit: u32,
    /// Milliseconds since the Unix epoch.
    pub created_at: u64,
}

/// A member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Member {
    /// 13 characters.
    pub participant_id: String,
    /// Shown name.
    pub name: String,
    /// Role.
    pub role: Role,
    /// Milliseconds since the Unix epoch.
    pub joined_at: u64,
    /// Connection.
    pub state: ConnectionState,
    /// What it says of its devices.
    pub media: MediaState,
    /// Sources under a moderator's mute.
    pub muted_by_moderator: Vec<Source>,
    /// Sources it may publish.
    pub rights: Vec<Source>,
}

/// What of a member stands in no durable event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct LiveMember {
    /// Who.
    pub participant_id: String,
    /// Its connection.
    pub state: ConnectionState,
    /// What it says of its devices.
    pub media: MediaState,
}

/// A line of chat as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ChatMessage {
    /// The client's id, or `m<seq>`.
    pub id: String,
    /// Whose.
    pub from: String,
    /// Name at that time.
    pub name: String,
    /// What.
    pub text: String,
    /// Milliseconds since the Unix epoch.
    pub at: u64,
    /// Its event.
    pub seq: u64,
}

/// Someone in the lobby.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct WaitingPerson {
    /// Who.
    pub participant_id: String,
    /// Shown name.
    pub name: String,
    /// Milliseconds since the Unix epoch.
    pub since: u64,
}

/// Someone banned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct BannedPerson {
    /// Who.
    pub participant_id: String,
    /// Name it had.
    pub name: String,
}

/// The whole room as one member may see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Snapshot {
    /// Settings.
    pub room: RoomInfo,
    /// Members in order of joining.
    pub members: Vec<Member>,
    /// Raised hands, first raised first.
    pub hands: Vec<String>,
    /// Chat that is kept, oldest first.
    pub chat: Vec<ChatMessage>,
    /// For moderators and the host; else empty.
    pub lobby: Vec<WaitingPerson>,
    /// For moderators and the host; else empty.
    pub banned: Vec<BannedPerson>,
}

/// Answer to the push `snapshot`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct SnapshotAnswer {
    /// Everything up to here is in it.
    #[serde(flatten)]
    pub position: Position,
    /// The room.
    pub snapshot: Snapshot,
}
