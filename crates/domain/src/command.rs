//! What may be asked of a room, durably: every command that succeeds becomes events in the log.

use serde::{Deserialize, Deserializer, Serialize};

use crate::{CommandId, NodeIncarnation, ParticipantId, Role, Source, SourceSet};

/// A command with who asks and under which name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Who asks.
    pub by: Actor,
    /// The client's name for it; the same name again is answered with the first verdict. Scoped to the participant.
    pub id: Option<CommandId>,
    /// What is asked.
    pub command: Command,
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// A participant (a member, or someone about to become one).
    Participant(ParticipantId),
    /// The house itself: timers, operators, declared deaths.
    System,
}

/// A durable command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Become a member, or knock where there is a lobby, or rejoin as the same participant: a member is at most attached anew, one who is
    /// absent is a member again.
    Join(Join),
    /// Come back by a resume secret, as the same participant: a member is attached and has a fresh secret, one who is absent is a member again.
    Resume(Resume),
    /// Say through which node a member is attached now.
    Attach {
        /// The node's boot.
        via: NodeIncarnation,
    },
    /// Give a member who did not show its secret (its token let it in) a fresh one; the present one stays good until the fresh one was used.
    RotateResume {
        /// SHA-256 of the new secret.
        resume: SecretHash,
    },
    /// Leave of one's own will.
    Leave,
    /// Take out a member that did not come back within the grace (system only).
    Expire {
        /// Whom.
        participant: ParticipantId,
    },
    /// Change one's own name.
    Rename {
        /// 1–64 characters.
        name: String,
    },
    /// Give a role.
    SetRole {
        /// To whom.
        participant: ParticipantId,
        /// Which; giving `Host` makes the giver a moderator.
        role: Role,
    },
    /// Remove from the room; with `ban` for good.
    Kick {
        /// Whom.
        participant: ParticipantId,
        /// Refuse this participant from now on.
        ban: bool,
        /// Refuse the address prefix it came from, too.
        ban_address: bool,
    },
    /// Lift a ban.
    Unban {
        /// Whose.
        participant: ParticipantId,
    },
    /// A moderator's mute: forwarding stops until someone lifts it.
    Mute {
        /// Whose.
        participant: ParticipantId,
        /// What.
        source: Source,
    },
    /// Lift a moderator's mute (by the muted one or a moderator); switches nothing on.
    Unmute {
        /// Whose.
        participant: ParticipantId,
        /// What.
        source: Source,
    },
    /// Say what a participant may publish.
    SetRights {
        /// Whose.
        participant: ParticipantId,
        /// Everything else is refused.
        rights: SourceSet,
    },
    /// Decide on someone who knocked.
    DecideLobby {
        /// On whom.
        participant: ParticipantId,
        /// In, or away.
        admit: bool,
    },
    /// Change settings; absent fields stay.
    ChangeSettings(SettingsPatch),
    /// Raise one's own hand (behind those already raised).
    RaiseHand,
    /// Lower a hand.
    LowerHand {
        /// Whose.
        participant: ParticipantId,
    },
    /// Say something to all.
    Chat {
        /// 1–4000 characters.
        text: String,
    },
    /// Say where the room's media lives (system only).
    SetMediaNode {
        /// The node.
        node: NodeIncarnation,
    },
    /// End the room for all.
    End {
        /// Why.
        reason: EndReason,
    },
}

/// A wish to be in the room, already authenticated by a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Join {
    /// Shown name, 1–64 characters after trimming.
    pub name: String,
    /// The role that the token grants to a newcomer; a known member keeps the role it has.
    pub role: Role,
    /// Through which node.
    pub via: NodeIncarnation,
    /// SHA-256 of a fresh resume secret, used when the participant becomes a member by this command.
    pub resume: SecretHash,
    /// Address prefix (IPv4 /32, IPv6 /64), for address bans.
    pub address: Option<String>,
}

/// A wish to be in the room again, by a secret that the room gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resume {
    /// SHA-256 of the secret that was shown; good until the fresh one was used. Every other one is good no longer.
    pub used: SecretHash,
    /// SHA-256 of the fresh one.
    pub fresh: SecretHash,
    /// Through which node.
    pub via: NodeIncarnation,
    /// Address prefix now (IPv4 /32, IPv6 /64), for bans of an absent one that comes back.
    pub address: Option<String>,
}

/// SHA-256 of a secret. `Debug` hides it.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretHash(pub [u8; 32]);

impl std::fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretHash(…)")
    }
}

/// An Argon2id hash in PHC form. `Debug` hides it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordHash(pub String);

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

/// Settings of a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Shown name, at most 120 characters, may be empty.
    pub name: String,
    /// Nobody new may come in (moderators may).
    pub locked: bool,
    /// Newcomers knock and wait.
    pub lobby: bool,
    /// Asked before a token is given.
    pub password: Option<PasswordHash>,
    /// Most members, viewers included.
    pub participant_limit: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            name: String::new(),
            locked: false,
            lobby: false,
            password: None,
            participant_limit: 1000,
        }
    }
}

/// A change of settings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingsPatch {
    /// New name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// New lock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locked: Option<bool>,
    /// New lobby.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lobby: Option<bool>,
    /// `Some(None)` takes the password away.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub password: Option<Option<PasswordHash>>,
    /// New limit, 1–100000; below the present number only newcomers are refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub participant_limit: Option<u32>,
}

/// A field that is there, though it be `null`: by itself serde reads `Some(None)` as `None`.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(field: D) -> Result<Option<T>, D::Error> {
    T::deserialize(field).map(Some)
}

/// Why a room ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// The host ended it.
    Host,
    /// It stood empty too long.
    Empty,
    /// An operator ended it.
    Operator,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_that_is_taken_away_is_not_read_back_as_one_that_stays() {
        for password in [
            None,
            Some(None),
            Some(Some(PasswordHash("$argon2id$".to_owned()))),
        ] {
            let patch = SettingsPatch {
                password,
                ..SettingsPatch::default()
            };
            let text = serde_json::to_string(&patch).unwrap();
            assert_eq!(
                serde_json::from_str::<SettingsPatch>(&text).unwrap(),
                patch,
                "{text}"
            );
        }
    }
}
