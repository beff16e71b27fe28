//! Settings, where media lives, and the end of a room.

use super::asker::system;
use super::{Decision, Room, text};
use crate::limits::{PARTICIPANT_LIMIT, PASSWORD_HASH_BYTES};
use crate::{Actor, EndReason, Event, NodeIncarnation, Rejection, Role, Settings, SettingsPatch};

/// Settings in range, the name trimmed.
pub(super) fn checked(settings: Settings) -> Result<Settings, Rejection> {
    if !(1..=PARTICIPANT_LIMIT).contains(&settings.participant_limit) {
        return Err(Rejection::Invalid("participant limit"));
    }
    if settings
        .password
        .as_ref()
        .is_some_and(|hash| !(1..=PASSWORD_HASH_BYTES).contains(&hash.0.len()))
    {
        return Err(Rejection::Invalid("password"));
    }
    Ok(Settings {
        name: text::room_name(&settings.name)?,
        ..settings
    })
}

fn patched(now: &Settings, patch: &SettingsPatch) -> Settings {
    Settings {
        name: patch.name.clone().unwrap_or_else(|| now.name.clone()),
        locked: patch.locked.unwrap_or(now.locked),
        lobby: patch.lobby.unwrap_or(now.lobby),
        password: patch.password.clone().unwrap_or_else(|| now.password.clone()),
        participant_limit: patch.participant_limit.unwrap_or(now.participant_limit),
    }
}

impl Room {
    /// Who waits when the lobby is closed is admitted in the same record.
    pub(super) fn change_settings(&self, by: Actor, patch: &SettingsPatch) -> Decision {
        let by = self.moderator(by)?.id();
        let settings = checked(patched(&self.settings, patch))?;
        if settings == self.settings {
            return Ok(Vec::new());
        }
        let closes_lobby = self.settings.lobby && !settings.lobby;
        let mut events = vec![Event::SettingsChanged { settings, by }];
        if closes_lobby {
            events.extend(self.everyone_in(by));
        }
        Ok(events)
    }

    pub(super) fn set_media_node(&self, by: Actor, node: &NodeIncarnation) -> Decision {
        system(by)?;
        if self.media_node.as_ref() == Some(node) {
            return Ok(Vec::new());
        }
        Ok(vec![Event::MediaNodeSet { node: node.clone() }])
    }

    /// The host ends it as host; the house because nobody is there, or for an operator.
    pub(super) fn end(&self, by: Actor, reason: EndReason) -> Decision {
        let may = match (by, reason) {
            (Actor::Participant(_), EndReason::Host) => self.asking_member(by)?.role == Role::Host,
            (Actor::Participant(_), EndReason::Empty | EndReason::Operator) => false,
            (Actor::System, EndReason::Empty) => self.members.len() == 0,
            (Actor::System, EndReason::Operator) => true,
            (Actor::System, EndReason::Host) => false,
        };
        if may {
            Ok(vec![Event::Ended { reason }])
        } else {
            Err(Rejection::Forbidden)
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::room::testing::{NOW, Scene, id, join_as, node, secret};
    use crate::{
        Command, EndReason, Epoch, PasswordHash, Rejection, Role, Room, RoomId, Settings, SettingsPatch,
    };

    fn patch() -> SettingsPatch {
        SettingsPatch::default()
    }

    #[test]
    fn moderators_change_settings_and_absent_fields_stay() {
        let mut scene = Scene::with(&[(1, Role::Host), (2, Role::Participant)]);
        let password = Some(Some(PasswordHash("$argon2id$x".into())));
        scene.ok(1, Command::ChangeSettings(SettingsPatch { password, ..patch() }));
        scene.ok(
            1,
            Command::ChangeSettings(SettingsPatch {
                name: Some(" Tea ".into()),
                ..patch()
            }),
        );
        assert_eq!(scene.room.settings().name, "Tea");
        assert!(scene.room.view().has_password);
        scene.ok(
            1,
            Command::ChangeSettings(SettingsPatch {
                password: Some(None),
                ..patch()
            }),
        );
        assert!(!scene.room.view().has_password);
        assert_eq!(scene.ok(1, Command::ChangeSettings(patch())), vec![]);
        assert_eq!(
            scene.refused(2, Command::ChangeSettings(patch())),
            Rejection::Forbidden
        );
    }

    #[test]
    fn settings_out_of_range_are_refused_at_birth_and_later() {
        let mut scene = Scene::with(&[(1, Role::Host)]);
        let bad = [
            SettingsPatch {
                participant_limit: Some(0),
                ..patch()
            },
            SettingsPatch {
                participant_limit: Some(100_001),
                ..patch()
            },
            SettingsPatch {
                name: Some("a\nb".into()),
                ..patch()
            },
            SettingsPatch {
                password: Some(Some(PasswordHash(String::new()))),
                ..patch()
            },
        ];
        for patch in bad {
            assert!(matches!(
                scene.refused(1, Command::ChangeSettings(patch)),
                Rejection::Invalid(_)
            ));
        }
        let settings = Settings {
            participant_limit: 0,
            ..Settings::default()
        };
        let refused = Room::create(RoomId(1), NOW, Epoch(1), settings).map(|(_, record)| record);
        assert_eq!(refused, Err(Rejection::Invalid("participant limit")));
    }

    #[test]
    fn the_host_ends_a_room_and_nothing_follows() {
        let mut scene = Scene::with(&[(1, Role::Host), (2, Role::Moderator)]);
        let end = Command::End {
            reason: EndReason::Host,
        };
        assert_eq!(scene.refused(2, end.clone()), Rejection::Forbidden);
        assert_eq!(
            scene.refused(
                1,
                Command::End {
                    reason: EndReason::Operator
                }
            ),
            Rejection::Forbidden
        );
        scene.ok(1, end);
        assert_eq!(scene.room.ended(), Some(EndReason::Host));
        assert_eq!(scene.room.members().count(), 0);
        assert_eq!(scene.refused(1, join_as(Role::Host, "p1")), Rejection::Ended);
        assert_eq!(
            scene.system(Command::End {
                reason: EndReason::Operator
            }),
            Err(Rejection::Ended)
        );
        assert_eq!(scene.room.verify_resume(id(1), &secret(1)), Err(Rejection::Ended));
    }

    #[test]
    fn a_room_ends_as_empty_only_if_it_is() {
        let mut scene = Scene::with(&[(1, Role::Host)]);
        let end = Command::End {
            reason: EndReason::Empty,
        };
        assert_eq!(scene.system(end.clone()), Err(Rejection::Forbidden));
        scene.ok(1, Command::Leave);
        scene.system(end).unwrap();
        assert_eq!(scene.room.ended(), Some(EndReason::Empty));
    }

    #[test]
    fn the_house_says_where_media_lives() {
        let mut scene = Scene::with(&[(1, Role::Host)]);
        let here = Command::SetMediaNode { node: node(1) };
        assert_eq!(scene.refused(1, here.clone()), Rejection::Forbidden);
        scene.system(here.clone()).unwrap();
        assert_eq!(scene.system(here), Ok(vec![]));
        assert_eq!(scene.room.media_node(), Some(&node(1)));
    }
}
