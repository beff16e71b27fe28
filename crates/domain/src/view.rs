//! What a room shows of itself: values for doors, without secrets.

use serde::{Deserialize, Serialize};

use crate::{ConnectionState, MediaState, ParticipantId, Role, RoomId, Seq, SourceSet, Timestamp};

/// Settings as anyone may see them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomView {
    /// The room.
    pub id: RoomId,
    /// Shown name.
    pub name: String,
    /// Nobody new may come in.
    pub locked: bool,
    /// Newcomers knock.
    pub lobby: bool,
    /// A password is asked.
    pub has_password: bool,
    /// Most members.
    pub participant_limit: u32,
    /// When it was created.
    pub created_at: Timestamp,
}

/// The whole room as one member may see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Settings.
    pub room: RoomView,
    /// Members in order of joining.
    pub members: Vec<MemberView>,
    /// Raised hands, first raised first.
    pub hands: Vec<ParticipantId>,
    /// Chat that is kept, oldest first.
    pub chat: Vec<ChatLine>,
    /// Who waits; empty for those who do not moderate.
    pub lobby: Vec<Waiting>,
    /// Who is banned; empty for those who do not moderate.
    pub banned: Vec<BannedView>,
}

/// A member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberView {
    /// Who.
    pub participant_id: ParticipantId,
    /// Shown name.
    pub name: String,
    /// Role.
    pub role: Role,
    /// Since when.
    pub joined_at: Timestamp,
    /// Connection.
    pub state: ConnectionState,
    /// What it says of its devices.
    pub media: MediaState,
    /// Sources under a moderator's mute.
    pub muted_by_moderator: SourceSet,
    /// Sources it may publish.
    pub rights: SourceSet,
}

/// What of a member stands in no durable event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveView {
    /// Who.
    pub participant_id: ParticipantId,
    /// Connection.
    pub state: ConnectionState,
    /// What it says of its devices.
    pub media: MediaState,
}

/// A line of chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatLine {
    /// The client's id, or `m<seq>`.
    pub id: String,
    /// Whose.
    pub from: ParticipantId,
    /// Name at that time.
    pub name: String,
    /// What.
    pub text: String,
    /// When.
    pub at: Timestamp,
    /// Its event.
    pub seq: Seq,
}

/// Someone in the lobby.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// Who.
    pub participant_id: ParticipantId,
    /// Shown name.
    pub name: String,
    /// Since when.
    pub since: Timestamp,
}

/// Someone banned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BannedView {
    /// Who.
    pub participant_id: ParticipantId,
    /// Name it had.
    pub name: String,
}
