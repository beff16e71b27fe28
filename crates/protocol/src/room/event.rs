//! What a client hears on `room:<id>`. A durable event carries its position and time beside what it says; `hidden` takes the place of one that
//! the listener may not see, so that no gap shows.

use serde::Serialize;
use serde_json::value::RawValue;
use ts_rs::TS;

use super::{ConnectionState, MediaState, Member, Role, RoomInfo, Source};

/// Where and when a durable event stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
pub struct Stamp {
    /// In whose reign.
    pub epoch: u64,
    /// Its number.
    pub seq: u64,
    /// Milliseconds since the Unix epoch, by the owner's clock.
    pub at: u64,
}

/// `member_joined`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct MemberJoined {
    /// The new one.
    pub member: Member,
}

/// Why a member is none any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum LeaveReason {
    /// Of its own will.
    Left,
    /// Did not come back.
    Timeout,
    /// Removed.
    Kicked,
    /// Removed for good.
    Banned,
}

/// `member_left`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct MemberLeft {
    /// Who.
    pub participant_id: String,
    /// Why.
    pub reason: LeaveReason,
}

/// `member_renamed`, `lobby_knocked`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct NamedMember {
    /// Who.
    pub participant_id: String,
    /// Shown name.
    pub name: String,
}

/// `role_changed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct RoleChanged {
    /// Whose.
    pub participant_id: String,
    /// Which now.
    pub role: Role,
    /// By whom; absent on succession.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub by: Option<String>,
}

/// `hand_raised`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct HandRaised {
    /// Whose.
    pub participant_id: String,
}

/// `hand_lowered`, `member_unbanned`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct MemberBy {
    /// Whose.
    pub participant_id: String,
    /// By whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub by: Option<String>,
}

/// `chat_message`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct ChatPosted {
    /// The client's id, or `m<seq>`.
    pub id: String,
    /// Whose.
    pub from: String,
    /// Name at that time.
    pub name: String,
    /// What.
    pub text: String,
}

/// `settings_changed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct SettingsChanged {
    /// All of them, as they are now.
    pub room: RoomInfo,
    /// By whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub by: Option<String>,
}

/// `member_muted`, `member_unmuted`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct MuteChanged {
    /// Whose.
    pub participant_id: String,
    /// What.
    pub source: Source,
    /// By whom.
    pub by: String,
}

/// `rights_changed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct RightsChanged {
    /// Whose.
    pub participant_id: String,
    /// All that it may publish.
    pub rights: Vec<Source>,
    /// By whom.
    pub by: String,
}

/// `lobby_decided`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct LobbyDecided {
    /// On whom.
    pub participant_id: String,
    /// In, or away.
    pub admitted: bool,
    /// By whom; absent when it went by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub by: Option<String>,
}

/// `member_banned`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct MemberBanned {
    /// Who.
    pub participant_id: String,
    /// Name it had.
    pub name: String,
    /// By whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub by: Option<String>,
}

/// Why a room ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// The host ended it.
    Host,
    /// It stood empty.
    Empty,
    /// An operator ended it.
    Operator,
}

/// `room_ended`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct RoomEnded {
    /// Why.
    pub reason: EndReason,
}

/// `hidden`: something that is not for this listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
pub struct Hidden {}

/// `connection_changed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct ConnectionChanged {
    /// Whose.
    pub participant_id: String,
    /// How it is now.
    pub state: ConnectionState,
}

/// `media_changed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct MediaChanged {
    /// Whose.
    pub participant_id: String,
    /// What it says of its devices.
    pub media: MediaState,
}

/// `reaction`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Reaction {
    /// Whose.
    pub from: String,
    /// Which.
    pub emoji: String,
}

/// `data`: what an application sent, untouched.
#[derive(Debug, Clone, Serialize, TS)]
pub struct Data<'a> {
    /// Whose.
    pub from: String,
    /// A JSON object.
    #[ts(type = "unknown")]
    pub data: &'a RawValue,
}

/// `room_resumed`: a client behind `seq` asks for a snapshot; every client says its devices' state again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct RoomResumed {
    /// The new reign.
    pub epoch: u64,
    /// The owner's name.
    pub node: String,
    /// Number of the last durable event.
    pub seq: u64,
}

/// `lobby_refused`, followed by `phx_close`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct LobbyRefused {
    /// `refused`, or `ended` with the room.
    pub reason: &'static str,
}

/// `kicked`, followed by `phx_close`; to the one it befalls only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Kicked {
    /// By whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub by: Option<String>,
    /// For good.
    pub banned: bool,
}

/// `resume`: a fresh secret, to the connection only that came back by the one before. Keep it in place of that.
#[derive(Clone, PartialEq, Eq, Serialize, TS)]
pub struct FreshResume {
    /// The secret.
    pub resume: String,
}

impl std::fmt::Debug for FreshResume {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FreshResume(…)")
    }
}

/// One table, three uses: the enum, the names on the wire, and the TypeScript map.
macro_rules! events {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident($payload:ty) = $event:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize)]
        #[serde(untagged)]
        pub enum $name {
            $(#[doc = concat!("`", $event, "`.")] $variant($payload),)*
        }

        impl $name {
            /// Name and payload type of each, for the TypeScript map.
            pub(crate) fn table(config: &ts_rs::Config) -> Vec<(&'static str, String)> {
                vec![$(($event, <$payload as TS>::name(config)),)*]
            }

            /// The event's name; the value itself is its payload.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $event,)*
                }
            }
        }
    };
}

events! {
    /// A durable event, without its stamp.
    DurableEvent {
        MemberJoined(MemberJoined) = "member_joined",
        MemberLeft(MemberLeft) = "member_left",
        MemberRenamed(NamedMember) = "member_renamed",
        RoleChanged(RoleChanged) = "role_changed",
        HandRaised(HandRaised) = "hand_raised",
        HandLowered(MemberBy) = "hand_lowered",
        ChatMessage(ChatPosted) = "chat_message",
        SettingsChanged(SettingsChanged) = "settings_changed",
        MemberMuted(MuteChanged) = "member_muted",
        MemberUnmuted(MuteChanged) = "member_unmuted",
        RightsChanged(RightsChanged) = "rights_changed",
        LobbyKnocked(NamedMember) = "lobby_knocked",
        LobbyDecided(LobbyDecided) = "lobby_decided",
        MemberBanned(MemberBanned) = "member_banned",
        MemberUnbanned(MemberBy) = "member_unbanned",
        RoomEnded(RoomEnded) = "room_ended",
        Hidden(Hidden) = "hidden",
    }
}

/// A durable event with its stamp.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RoomEvent {
    /// Where and when.
    #[serde(flatten)]
    pub stamp: Stamp,
    /// What.
    #[serde(flatten)]
    pub event: DurableEvent,
}

/// Ephemeral events and their payloads, for the TypeScript map.
pub(crate) fn ephemeral_table(config: &ts_rs::Config) -> Vec<(&'static str, String)> {
    use crate::frame::Empty;
    use crate::presence::{DIFF, PresenceDiff, PresenceEntry, STATE};
    vec![
        ("connection_changed", ConnectionChanged::name(config)),
        ("media_changed", MediaChanged::name(config)),
        ("reaction", Reaction::name(config)),
        ("data", Data::name(config)),
        ("room_moving", Empty::name(config)),
        ("room_resumed", RoomResumed::name(config)),
        ("lobby_admitted", Empty::name(config)),
        ("lobby_refused", LobbyRefused::name(config)),
        ("kicked", Kicked::name(config)),
        ("resume", FreshResume::name(config)),
        (STATE, format!("Record<string, {}>", PresenceEntry::name(config))),
        (DIFF, PresenceDiff::name(config)),
    ]
}
