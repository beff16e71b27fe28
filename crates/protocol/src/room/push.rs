//! What a client may push on `room:<id>`. Lengths and ranks are the room's business; here only the shape counts.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use ts_rs::TS;

use super::{MediaState, Role, Source};

/// `chat_send`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, TS)]
pub struct ChatSend {
    /// 1–4000 characters.
    pub text: String,
}

/// `hand_lower`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, TS)]
pub struct HandLower {
    /// Whose; oneself when absent.
    #[serde(default)]
    #[ts(optional)]
    pub participant_id: Option<String>,
}

/// `rename`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, TS)]
pub struct Rename {
    /// 1–64 characters.
    pub name: String,
}

/// `member_unban`, `lobby_admit`, `lobby_refuse`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, TS)]
pub struct Target {
    /// Whom.
    pub participant_id: String,
}

/// `member_role`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, TS)]
pub struct MemberRole {
    /// Whose.
    pub participant_id: String,
    /// Which.
    pub role: Role,
}

/// `member_kick`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, TS)]
pub struct MemberKick {
    /// Whom.
    pub participant_id: String,
    /// For good.
    #[serde(default)]
    #[ts(optional, as = "Option<_>")]
    pub ban: bool,
    /// Its address, too.
    #[serde(default)]
    #[ts(optional, as = "Option<_>")]
    pub ban_address: bool,
}

/// `member_mute`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, TS)]
pub struct MemberMute {
    /// Whose.
    pub participant_id: String,
    /// What.
    pub source: Source,
}

/// `member_unmute`: lifts the mark, switches nothing on.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, TS)]
pub struct MemberUnmute {
    /// Whose; oneself when absent.
    #[serde(default)]
    #[ts(optional)]
    pub participant_id: Option<String>,
    /// What.
    pub source: Source,
}

/// `member_rights`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, TS)]
pub struct MemberRights {
    /// Whose.
    pub participant_id: String,
    /// All that it may publish.
    pub rights: Vec<Source>,
}

/// `settings`, and the body of `PATCH /api/rooms/{id}`: what is absent stays.
#[derive(Clone, Default, PartialEq, Eq, Deserialize, TS)]
pub struct SettingsChange {
    /// At most 120 characters.
    #[serde(default)]
    #[ts(optional)]
    pub name: Option<String>,
    /// Nobody new.
    #[serde(default)]
    #[ts(optional)]
    pub locked: Option<bool>,
    /// Newcomers knock.
    #[serde(default)]
    #[ts(optional)]
    pub lobby: Option<bool>,
    /// `null` takes it away.
    #[serde(default, deserialize_with = "present")]
    #[ts(optional = nullable)]
    pub password: Option<Option<String>>,
    /// Most members.
    #[serde(default)]
    #[ts(optional)]
    pub participant_limit: Option<u32>,
}

/// Tells `null` from absent.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// `reaction`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, TS)]
pub struct React {
    /// At most 16 bytes.
    pub emoji: String,
}

/// The part that every durable push may have.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, TS)]
pub struct Named {
    /// 1–64 characters: the same twice is one command.
    #[serde(default)]
    #[ts(optional)]
    pub id: Option<String>,
}

/// Answer to a durable push is a [`super::Position`]; to an ephemeral one this.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, TS)]
pub struct Done {}

/// A push, by event.
#[derive(Clone)]
pub enum RoomPush<'a> {
    /// Committed before it is answered.
    Durable {
        /// The client's name for it.
        id: Option<String>,
        /// What.
        push: DurablePush,
    },
    /// `media`.
    Media(MediaState),
    /// `reaction`.
    React(React),
    /// `data`: any object, unread.
    Data(&'a RawValue),
    /// `snapshot`.
    Snapshot,
}

/// A durable push.
#[derive(Clone, PartialEq, Eq)]
pub enum DurablePush {
    /// `chat_send`.
    ChatSend(ChatSend),
    /// `hand_raise`.
    HandRaise,
    /// `hand_lower`.
    HandLower(HandLower),
    /// `leave`.
    Leave,
    /// `rename`.
    Rename(Rename),
    /// `member_role`.
    MemberRole(MemberRole),
    /// `member_kick`.
    MemberKick(MemberKick),
    /// `member_unban`.
    MemberUnban(Target),
    /// `member_mute`.
    MemberMute(MemberMute),
    /// `member_unmute`.
    MemberUnmute(MemberUnmute),
    /// `member_rights`.
    MemberRights(MemberRights),
    /// `settings`.
    Settings(SettingsChange),
    /// `lobby_admit`.
    LobbyAdmit(Target),
    /// `lobby_refuse`.
    LobbyRefuse(Target),
    /// `room_end`.
    RoomEnd,
}

impl<'a> RoomPush<'a> {
    /// Reads a push; `None` for an event that does not exist.
    ///
    /// # Errors
    /// What is wrong with the payload.
    pub fn parse(event: &str, payload: &'a RawValue) -> Option<Result<Self, serde_json::Error>> {
        let text = payload.get();
        Some(match event {
            "data" => Ok(Self::Data(payload)),
            "media" => serde_json::from_str(text).map(Self::Media),
            "reaction" => serde_json::from_str(text).map(Self::React),
            "snapshot" => Ok(Self::Snapshot),
            _ => DurablePush::parse(event, text)?.and_then(|push| {
                Ok(Self::Durable {
                    id: serde_json::from_str::<Named>(text)?.id,
                    push,
                })
            }),
        })
    }
}

impl DurablePush {
    fn parse(event: &str, text: &str) -> Option<Result<Self, serde_json::Error>> {
        Some(match event {
            "chat_send" => serde_json::from_str(text).map(Self::ChatSend),
            "hand_raise" => Ok(Self::HandRaise),
            "hand_lower" => serde_json::from_str(text).map(Self::HandLower),
            "leave" => Ok(Self::Leave),
            "rename" => serde_json::from_str(text).map(Self::Rename),
            "member_role" => serde_json::from_str(text).map(Self::MemberRole),
            "member_kick" => serde_json::from_str(text).map(Self::MemberKick),
            "member_unban" => serde_json::from_str(text).map(Self::MemberUnban),
            "member_mute" => serde_json::from_str(text).map(Self::MemberMute),
            "member_unmute" => serde_json::from_str(text).map(Self::MemberUnmute),
            "member_rights" => serde_json::from_str(text).map(Self::MemberRights),
            "settings" => serde_json::from_str(text).map(Self::Settings),
            "lobby_admit" => serde_json::from_str(text).map(Self::LobbyAdmit),
            "lobby_refuse" => serde_json::from_str(text).map(Self::LobbyRefuse),
            "room_end" => Ok(Self::RoomEnd),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn raw(text: &str) -> &RawValue {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_password_of_null_is_not_the_same_as_none() {
        let read = |text| serde_json::from_str::<SettingsChange>(text).unwrap().password;
        assert_eq!(read("{}"), None);
        assert_eq!(read(r#"{"password":null}"#), Some(None));
        assert_eq!(read(r#"{"password":"x"}"#), Some(Some("x".into())));
    }

    #[test]
    fn a_durable_push_keeps_the_clients_id_beside_its_payload() {
        let Some(Ok(RoomPush::Durable { id, push })) =
            RoomPush::parse("chat_send", raw(r#"{"id":"a","text":"hi"}"#))
        else {
            panic!("a chat line is durable");
        };
        assert_eq!(id.as_deref(), Some("a"));
        assert!(push == DurablePush::ChatSend(ChatSend { text: "hi".into() }));
    }

    #[test]
    fn an_unknown_event_is_told_from_a_wrong_payload() {
        assert!(RoomPush::parse("dance", raw("{}")).is_none());
        assert!(RoomPush::parse("chat_send", raw("{}")).unwrap().is_err());
        assert!(
            RoomPush::parse("chat_send", raw(r#"{"text":"x","id":7}"#))
                .unwrap()
                .is_err()
        );
    }

    proptest! {
        #[test]
        fn no_object_makes_the_reader_panic(key in "[a-z_]{1,14}", value: i64, event in "[a-z_]{1,14}") {
            let text = format!("{{\"{key}\":{value}}}");
            let _ = RoomPush::parse(&event, raw(&text)).map(|read| read.is_ok());
        }
    }
}
