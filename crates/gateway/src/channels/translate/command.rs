//! What a client asks → a command or a signal of the room.

use std::sync::Arc;

use videorooms_domain::limits::DATA_BYTES;
use videorooms_domain::{
    Command, CommandId, EndReason, MediaState, ParticipantId, PasswordHash, Rejection, Role, SettingsPatch,
    Signal, check_reaction,
};
use videorooms_protocol::room::{DurablePush, RoomPush, SettingsChange};
use videorooms_protocol::{ErrorReply, Reason};

use super::view::{role, source};
use crate::channels::rejected;

/// What a member said, ready for the room.
pub(crate) enum Said {
    /// To be committed; a password still has to be hashed.
    Durable {
        /// The client's name for it.
        id: Option<CommandId>,
        /// What.
        settled: Settled,
    },
    /// Nothing waits for it.
    Signal(Signal),
    /// Asks for everything.
    Snapshot,
}

/// A durable command, or one that lacks a hash.
pub(crate) enum Settled {
    /// Ready.
    Command(Command),
    /// `settings`.
    Settings(SettingsChange),
}

/// A push as `me` means it. What is said in passing is judged here already, by the room's own rules: the room does not answer it.
pub(crate) fn said(me: ParticipantId, my: Role, push: RoomPush<'_>) -> Result<Said, ErrorReply> {
    Ok(match push {
        RoomPush::Durable { id, push } => Said::Durable {
            id: ids(id)?,
            settled: durable(me, push)?,
        },
        RoomPush::Media(media) => {
            let media = MediaState {
                microphone: media.microphone,
                camera: media.camera,
                screen: media.screen,
            };
            Said::Signal(Signal::Media {
                participant: me,
                media,
            })
        }
        RoomPush::React(react) => {
            check_reaction(&react.emoji).map_err(rejected)?;
            Said::Signal(Signal::React {
                participant: me,
                emoji: react.emoji,
            })
        }
        RoomPush::Data(_) if !my.may_send_data() => return Err(rejected(Rejection::Forbidden)),
        RoomPush::Data(data) => {
            if data.get().len() > DATA_BYTES {
                return Err(ErrorReply::new(Reason::TooLarge, "data has at most 16 KiB"));
            }
            Said::Signal(Signal::Data {
                participant: me,
                data: Arc::from(data.get()),
            })
        }
        RoomPush::Snapshot => Said::Snapshot,
    })
}

/// The client's name for a command.
pub(crate) fn ids(id: Option<String>) -> Result<Option<CommandId>, ErrorReply> {
    let invalid = |_| ErrorReply::new(Reason::Invalid, "an id has 1 to 64 printable ASCII characters");
    id.map(|id| id.parse().map_err(invalid)).transpose()
}

fn durable(me: ParticipantId, push: DurablePush) -> Result<Settled, ErrorReply> {
    let command = match push {
        DurablePush::ChatSend(chat) => Command::Chat { text: chat.text },
        DurablePush::HandRaise => Command::RaiseHand,
        DurablePush::HandLower(hand) => Command::LowerHand {
            participant: or_me(me, hand.participant_id)?,
        },
        DurablePush::Leave => Command::Leave,
        DurablePush::Rename(rename) => Command::Rename { name: rename.name },
        DurablePush::MemberRole(change) => Command::SetRole {
            participant: whom(&change.participant_id)?,
            role: role(change.role),
        },
        DurablePush::MemberKick(kick) => Command::Kick {
            participant: whom(&kick.participant_id)?,
            ban: kick.ban,
            ban_address: kick.ban_address,
        },
        DurablePush::MemberUnban(target) => Command::Unban {
            participant: whom(&target.participant_id)?,
        },
        DurablePush::MemberMute(mute) => Command::Mute {
            participant: whom(&mute.participant_id)?,
            source: source(mute.source),
        },
        DurablePush::MemberUnmute(mute) => Command::Unmute {
            participant: or_me(me, mute.participant_id)?,
            source: source(mute.source),
        },
        DurablePush::MemberRights(change) => Command::SetRights {
            participant: whom(&change.participant_id)?,
            rights: change.rights.into_iter().map(source).collect(),
        },
        DurablePush::Settings(change) => return Ok(Settled::Settings(change)),
        DurablePush::LobbyAdmit(target) => Command::DecideLobby {
            participant: whom(&target.participant_id)?,
            admit: true,
        },
        DurablePush::LobbyRefuse(target) => Command::DecideLobby {
            participant: whom(&target.participant_id)?,
            admit: false,
        },
        DurablePush::RoomEnd => Command::End {
            reason: EndReason::Host,
        },
    };
    Ok(Settled::Command(command))
}

/// A change of settings, its password hashed.
pub(crate) fn command(change: SettingsChange, password: Option<Option<PasswordHash>>) -> Command {
    let SettingsChange {
        name,
        locked,
        lobby,
        password: _,
        participant_limit,
    } = change;
    Command::ChangeSettings(SettingsPatch {
        name,
        locked,
        lobby,
        password,
        participant_limit,
    })
}

fn or_me(me: ParticipantId, whose: Option<String>) -> Result<ParticipantId, ErrorReply> {
    whose.map_or(Ok(me), |whose| whom(&whose))
}

fn whom(text: &str) -> Result<ParticipantId, ErrorReply> {
    text.parse()
        .map_err(|_| ErrorReply::new(Reason::Invalid, "not a participant id"))
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;

    const ME: ParticipantId = ParticipantId(1);

    fn read<'a>(event: &str, payload: &'a str) -> RoomPush<'a> {
        let payload: &RawValue = serde_json::from_str(payload).unwrap();
        RoomPush::parse(event, payload).unwrap().unwrap()
    }

    fn check(event: &str, payload: &str) -> Result<Command, Reason> {
        match said(ME, Role::Participant, read(event, payload)).map_err(|refusal| refusal.reason)? {
            Said::Durable {
                settled: Settled::Command(command),
                ..
            } => Ok(command),
            Said::Durable { .. } | Said::Signal(_) | Said::Snapshot => panic!("{event} is a plain command"),
        }
    }

    #[test]
    fn a_hand_is_ones_own_unless_another_is_named() {
        assert_eq!(
            check("hand_lower", "{}"),
            Ok(Command::LowerHand { participant: ME })
        );
        let other = r#"{"participant_id":"0000000000002"}"#;
        assert_eq!(
            check("hand_lower", other),
            Ok(Command::LowerHand {
                participant: ParticipantId(2)
            })
        );
    }

    #[test]
    fn what_is_no_id_is_invalid() {
        assert_eq!(
            check("member_kick", r#"{"participant_id":"nobody"}"#),
            Err(Reason::Invalid)
        );
        assert_eq!(
            check("chat_send", r#"{"id":"","text":"x"}"#),
            Err(Reason::Invalid)
        );
        assert_eq!(
            check("chat_send", r#"{"id":"a b","text":"x"}"#),
            Err(Reason::Invalid)
        );
    }

    #[test]
    fn a_kick_bans_only_when_it_says_so() {
        let kick = |ban, ban_address| {
            Ok(Command::Kick {
                participant: ParticipantId(2),
                ban,
                ban_address,
            })
        };
        assert_eq!(
            check("member_kick", r#"{"participant_id":"0000000000002"}"#),
            kick(false, false)
        );
        assert_eq!(
            check("member_kick", r#"{"participant_id":"0000000000002","ban":true}"#),
            kick(true, false)
        );
    }

    #[test]
    fn data_and_reactions_have_their_bounds() {
        let data = format!("{{\"a\":\"{}\"}}", "x".repeat(DATA_BYTES));
        let raw: &RawValue = serde_json::from_str(&data).unwrap();
        let refusal = |role, push| said(ME, role, push).err().map(|refusal| refusal.reason);
        assert_eq!(
            refusal(Role::Participant, RoomPush::Data(raw)),
            Some(Reason::TooLarge)
        );
        for emoji in [r#"{"emoji":"seventeen bytes.."}"#, r#"{"emoji":"\n"}"#] {
            let push = read("reaction", emoji);
            assert_eq!(refusal(Role::Participant, push), Some(Reason::Invalid), "{emoji}");
        }
    }

    #[test]
    fn a_viewer_sends_no_data_and_may_react() {
        let refusal = |role, event, payload| {
            let refusal = said(ME, role, read(event, payload)).err();
            refusal.map(|refusal| refusal.reason)
        };
        assert_eq!(refusal(Role::Viewer, "data", "{}"), Some(Reason::Forbidden));
        assert_eq!(refusal(Role::Participant, "data", "{}"), None);
        assert_eq!(refusal(Role::Viewer, "reaction", r#"{"emoji":"x"}"#), None);
    }
}
