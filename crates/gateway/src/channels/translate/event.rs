//! What a room says → what a client hears.

use serde_json::value::RawValue;
use videorooms_domain::{self as domain, Event, Note, ParticipantId, RoomId, Settings, Timestamp};
use videorooms_protocol::room as wire;
use videorooms_rooms::Fact;
use wire::DurableEvent as Heard;

use super::view::{wire_media, wire_role, wire_source, wire_sources, wire_state};

/// Who listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hearing {
    /// Hosts and moderators.
    Everything,
    /// All others: lobby and bans arrive as `hidden`.
    Public,
}

impl Hearing {
    pub(crate) fn of(role: domain::Role) -> Self {
        if role.moderates() {
            Self::Everything
        } else {
            Self::Public
        }
    }
}

/// A durable event as this listener hears it.
pub(crate) fn durable(room: RoomId, created_at: Timestamp, fact: &Fact, hearing: Hearing) -> wire::RoomEvent {
    let stamp = wire::Stamp {
        epoch: fact.position.epoch.0,
        seq: fact.position.seq.0,
        at: fact.at.0,
    };
    let event = if hearing == Hearing::Public && fact.event.is_for_moderators() {
        Heard::Hidden(wire::Hidden {})
    } else {
        heard(room, created_at, fact)
    };
    wire::RoomEvent { stamp, event }
}

fn heard(room: RoomId, created_at: Timestamp, fact: &Fact) -> Heard {
    match &fact.event {
        // The house's own affairs only move the position.
        Event::Created { .. }
        | Event::MemberAttached { .. }
        | Event::ResumeRotated { .. }
        | Event::MediaNodeSet { .. } => Heard::Hidden(wire::Hidden {}),
        Event::MemberJoined {
            participant,
            name,
            role,
            rights,
            muted,
            ..
        } => Heard::MemberJoined(wire::MemberJoined {
            member: wire::Member {
                participant_id: participant.to_string(),
                name: name.clone(),
                role: wire_role(*role),
                joined_at: fact.at.0,
                state: wire::ConnectionState::Connected,
                media: wire_media(domain::MediaState::default()),
                muted_by_moderator: wire_sources(*muted),
                rights: wire_sources(*rights),
            },
        }),
        Event::MemberLeft { participant, reason } => Heard::MemberLeft(wire::MemberLeft {
            participant_id: participant.to_string(),
            reason: leave_reason(*reason),
        }),
        Event::MemberRenamed { participant, name } => Heard::MemberRenamed(named(*participant, name)),
        Event::RoleChanged {
            participant,
            role,
            by,
        } => Heard::RoleChanged(wire::RoleChanged {
            participant_id: participant.to_string(),
            role: wire_role(*role),
            by: text(*by),
        }),
        Event::MemberBanned {
            participant,
            name,
            by,
            ..
        } => Heard::MemberBanned(wire::MemberBanned {
            participant_id: participant.to_string(),
            name: name.clone(),
            by: text(*by),
        }),
        Event::MemberUnbanned { participant, by } => Heard::MemberUnbanned(member_by(*participant, *by)),
        Event::MemberMuted {
            participant,
            source,
            by,
        } => Heard::MemberMuted(mute(*participant, *source, *by)),
        Event::MemberUnmuted {
            participant,
            source,
            by,
        } => Heard::MemberUnmuted(mute(*participant, *source, *by)),
        Event::RightsChanged {
            participant,
            rights,
            by,
        } => Heard::RightsChanged(wire::RightsChanged {
            participant_id: participant.to_string(),
            rights: wire_sources(*rights),
            by: by.unwrap_or(*participant).to_string(),
        }),
        Event::LobbyKnocked {
            participant, name, ..
        } => Heard::LobbyKnocked(named(*participant, name)),
        Event::LobbyDecided {
            participant,
            admitted,
            by,
        } => Heard::LobbyDecided(wire::LobbyDecided {
            participant_id: participant.to_string(),
            admitted: *admitted,
            by: text(*by),
        }),
        Event::SettingsChanged { settings, by } => Heard::SettingsChanged(wire::SettingsChanged {
            room: settings_info(room, created_at, settings),
            by: text(*by),
        }),
        Event::HandRaised { participant } => Heard::HandRaised(wire::HandRaised {
            participant_id: participant.to_string(),
        }),
        Event::HandLowered { participant, by } => Heard::HandLowered(member_by(*participant, *by)),
        Event::ChatPosted { from, name, text, id } => Heard::ChatMessage(wire::ChatPosted {
            id: id.as_ref().map_or_else(
                || format!("m{}", fact.position.seq.0),
                |id| id.as_str().to_owned(),
            ),
            from: from.to_string(),
            name: name.clone(),
            text: text.clone(),
        }),
        Event::Ended { reason } => Heard::RoomEnded(wire::RoomEnded {
            reason: end_reason(*reason),
        }),
    }
}

/// The encoded broadcast of an ephemeral note.
pub(crate) fn note(topic: &str, note: &Note) -> String {
    use videorooms_protocol::frame::broadcast;
    match note {
        Note::ConnectionChanged { participant, state } => {
            let payload = wire::ConnectionChanged {
                participant_id: participant.to_string(),
                state: wire_state(*state),
            };
            broadcast(topic, "connection_changed", &payload)
        }
        Note::MediaChanged { participant, media } => {
            let payload = wire::MediaChanged {
                participant_id: participant.to_string(),
                media: wire_media(*media),
            };
            broadcast(topic, "media_changed", &payload)
        }
        Note::Reaction { from, emoji } => broadcast(
            topic,
            "reaction",
            &wire::Reaction {
                from: from.to_string(),
                emoji: emoji.clone(),
            },
        ),
        Note::Data { from, data } => {
            // The gateway that took the push read it as JSON; should another not have, it is no one's data.
            let data: &RawValue = serde_json::from_str(data).unwrap_or(RawValue::NULL);
            broadcast(
                topic,
                "data",
                &wire::Data {
                    from: from.to_string(),
                    data,
                },
            )
        }
    }
}

fn settings_info(room: RoomId, created_at: Timestamp, settings: &Settings) -> wire::RoomInfo {
    wire::RoomInfo {
        id: room.to_string(),
        name: settings.name.clone(),
        locked: settings.locked,
        lobby: settings.lobby,
        has_password: settings.password.is_some(),
        participant_limit: settings.participant_limit,
        created_at: created_at.0,
    }
}

fn named(participant: ParticipantId, name: &str) -> wire::NamedMember {
    wire::NamedMember {
        participant_id: participant.to_string(),
        name: name.to_owned(),
    }
}

fn member_by(participant: ParticipantId, by: Option<ParticipantId>) -> wire::MemberBy {
    wire::MemberBy {
        participant_id: participant.to_string(),
        by: text(by),
    }
}

fn mute(participant: ParticipantId, source: domain::Source, by: Option<ParticipantId>) -> wire::MuteChanged {
    wire::MuteChanged {
        participant_id: participant.to_string(),
        source: wire_source(source),
        by: by.unwrap_or(participant).to_string(),
    }
}

fn text(by: Option<ParticipantId>) -> Option<String> {
    by.map(|by| by.to_string())
}

fn leave_reason(reason: domain::LeaveReason) -> wire::LeaveReason {
    match reason {
        domain::LeaveReason::Left => wire::LeaveReason::Left,
        domain::LeaveReason::Timeout => wire::LeaveReason::Timeout,
        domain::LeaveReason::Kicked => wire::LeaveReason::Kicked,
        domain::LeaveReason::Banned => wire::LeaveReason::Banned,
    }
}

fn end_reason(reason: domain::EndReason) -> wire::EndReason {
    match reason {
        domain::EndReason::Host => wire::EndReason::Host,
        domain::EndReason::Empty => wire::EndReason::Empty,
        domain::EndReason::Operator => wire::EndReason::Operator,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use videorooms_domain::{CommandId, Epoch, Position, Seq};

    use super::*;

    const ROOM: RoomId = RoomId(1);

    fn heard_as(event: Event, hearing: Hearing) -> serde_json::Value {
        let position = Position {
            epoch: Epoch(3),
            seq: Seq(9),
        };
        let fact = Fact {
            position,
            at: Timestamp(77),
            event,
        };
        let heard = durable(ROOM, Timestamp(5), &fact, hearing);
        json!({ "event": heard.event.name(), "payload": heard })
    }

    #[test]
    fn a_chat_line_carries_its_place_and_the_clients_id_or_its_seq() {
        let chat = |id: Option<CommandId>| Event::ChatPosted {
            from: ParticipantId(1),
            name: "Ada".into(),
            text: "hi".into(),
            id,
        };
        let with_id = heard_as(chat(Some("c1".parse().unwrap())), Hearing::Public);
        let payload = json!({"epoch": 3, "seq": 9, "at": 77, "id": "c1", "from": "0000000000001", "name": "Ada", "text": "hi"});
        assert_eq!(with_id, json!({ "event": "chat_message", "payload": payload }));
        assert_eq!(heard_as(chat(None), Hearing::Public)["payload"]["id"], "m9");
    }

    #[test]
    fn lobby_and_bans_are_hidden_from_the_unprivileged_and_keep_their_place() {
        let knock = || Event::LobbyKnocked {
            participant: ParticipantId(1),
            name: "Eve".into(),
            role: domain::Role::Viewer,
        };
        let hidden = json!({ "event": "hidden", "payload": {"epoch": 3, "seq": 9, "at": 77} });
        assert_eq!(heard_as(knock(), Hearing::Public), hidden);
        assert_eq!(heard_as(knock(), Hearing::Everything)["payload"]["name"], "Eve");
    }

    #[test]
    fn changed_settings_tell_that_there_is_a_password_and_never_which() {
        let password = Some(domain::PasswordHash("$argon2id$secret".into()));
        let settings = Settings {
            password,
            ..Settings::default()
        };
        let heard = heard_as(Event::SettingsChanged { settings, by: None }, Hearing::Public);
        assert_eq!(heard["payload"]["room"]["has_password"], true);
        assert_eq!(heard["payload"]["room"]["created_at"], 5);
        assert!(!heard.to_string().contains("argon2id"));
    }

    #[test]
    fn application_data_arrives_as_it_was_sent() {
        let note_of = |data: &str| {
            note(
                "room:x",
                &Note::Data {
                    from: ParticipantId(1),
                    data: data.into(),
                },
            )
        };
        assert_eq!(
            note_of(r#"{"a": [1, 2.50]}"#),
            r#"[null,null,"room:x","data",{"from":"0000000000001","data":{"a": [1, 2.50]}}]"#
        );
    }
}
