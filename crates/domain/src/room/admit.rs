//! Who comes in, how, and by which secret again. A token's bearer may join as often as it likes: who is a member stays one, with the role it has.

use super::member::same_secret;
use super::{Decision, Member, Room, text};
use crate::limits::ADDRESS_BYTES;
use crate::{Event, Join, NodeIncarnation, ParticipantId, Rejection, Role, SecretHash};

impl Room {
    /// Bans first, then membership, then the doors: lock, limit, lobby. Who was admitted passes lock and lobby, moderators pass both by
    /// themselves; nobody passes the limit. A ban of an address binds newcomers only, so that a ban of a shared one empties no room.
    pub(super) fn join(&self, participant: ParticipantId, join: &Join) -> Decision {
        if self.bans.contains(participant) {
            return Err(Rejection::Banned);
        }
        if let Some(member) = self.member(participant) {
            return self.attach(member, &join.via);
        }
        if self.bans.binds_address(join.address.as_deref()) {
            return Err(Rejection::Banned);
        }
        let name = text::participant_name(&join.name)?;
        if join
            .address
            .as_ref()
            .is_some_and(|address| address.len() > ADDRESS_BYTES)
        {
            return Err(Rejection::Invalid("address"));
        }
        let invited = join.role.moderates() || self.lobby.is_admitted(participant);
        if self.settings.locked && !invited {
            return Err(Rejection::Locked);
        }
        if self.members.len() >= self.settings.participant_limit as usize {
            return Err(Rejection::Full);
        }
        if self.settings.lobby && !invited {
            return self.knock(participant, name, join.role);
        }
        Ok(self.let_in(participant, name, join))
    }

    fn let_in(&self, participant: ParticipantId, name: String, join: &Join) -> Vec<Event> {
        let role = if join.role == Role::Host && self.host().is_some() {
            Role::Moderator
        } else {
            join.role
        };
        let joined = Event::MemberJoined {
            participant,
            name,
            role,
            rights: role.default_rights(),
            via: join.via.clone(),
            resume: join.resume,
            address: join.address.clone(),
        };
        // Someone who waits and comes back with a better token: those who see the lobby must see it go.
        let waited = Event::LobbyDecided {
            participant,
            admitted: true,
            by: None,
        };
        self.is_waiting(participant)
            .then_some(waited)
            .into_iter()
            .chain([joined])
            .collect()
    }

    pub(super) fn attach(&self, member: &Member, via: &NodeIncarnation) -> Decision {
        if member.via == *via {
            return Ok(Vec::new());
        }
        Ok(vec![Event::MemberAttached {
            participant: member.participant,
            via: via.clone(),
        }])
    }

    /// The current hash again means that the new secret was used: the former one is good no longer.
    pub(super) fn rotate_resume(&self, member: &Member, resume: SecretHash) -> Decision {
        if member.resume == resume && member.former_resume.is_none() {
            return Ok(Vec::new());
        }
        Ok(vec![Event::ResumeRotated {
            participant: member.participant,
            resume,
        }])
    }

    pub(super) fn rename(&self, member: &Member, name: &str) -> Decision {
        let name = text::participant_name(name)?;
        if member.name == name {
            return Ok(Vec::new());
        }
        Ok(vec![Event::MemberRenamed {
            participant: member.participant,
            name,
        }])
    }

    /// Says whether the secret is this member's: the current one, or the former one while nobody has shown the new one.
    ///
    /// # Errors
    /// [`Rejection::Ended`], [`Rejection::Banned`], [`Rejection::NotMember`]; [`Rejection::Unauthorized`] for another secret.
    pub fn verify_resume(&self, participant: ParticipantId, secret: &SecretHash) -> Result<(), Rejection> {
        if self.ended.is_some() {
            return Err(Rejection::Ended);
        }
        if self.bans.contains(participant) {
            return Err(Rejection::Banned);
        }
        let member = self.member(participant).ok_or(Rejection::NotMember)?;
        let is_current = same_secret(&member.resume, secret);
        let is_former = member
            .former_resume
            .as_ref()
            .is_some_and(|former| same_secret(former, secret));
        if is_current | is_former {
            Ok(())
        } else {
            Err(Rejection::Unauthorized)
        }
    }

    /// Does showing this secret end the former one? Then [`crate::Command::RotateResume`] with this very hash makes it so.
    #[must_use]
    pub fn retires_former_resume(&self, participant: ParticipantId, secret: &SecretHash) -> bool {
        let retires = |member: &Member| member.former_resume.is_some() && same_secret(&member.resume, secret);
        self.member(participant).is_some_and(retires)
    }
}

#[cfg(test)]
mod tests {
    use crate::room::testing::{Scene, id, join_as, node, secret};
    use crate::{Command, Event, Rejection, Role, SettingsPatch};

    #[test]
    fn a_member_that_joins_again_stays_who_it_is() {
        let mut scene = Scene::with(&[(1, Role::Host), (2, Role::Participant)]);
        assert_eq!(scene.ok(2, join_as(Role::Moderator, "other")), vec![]);
        assert_eq!(scene.room.member(id(2)).unwrap().role, Role::Participant);
        assert_eq!(scene.room.member(id(2)).unwrap().name, "p2");
    }

    #[test]
    fn a_join_through_another_node_is_an_attachment() {
        let mut scene = Scene::with(&[(1, Role::Host)]);
        let Command::Join(mut join) = join_as(Role::Host, "p1") else {
            unreachable!()
        };
        join.via = node(2);
        let events = scene.ok(1, Command::Join(join));
        assert_eq!(
            events,
            vec![Event::MemberAttached {
                participant: id(1),
                via: node(2)
            }]
        );
    }

    #[test]
    fn there_is_one_host_and_a_second_one_comes_as_moderator() {
        let scene = Scene::with(&[(1, Role::Host), (2, Role::Host)]);
        assert_eq!(scene.roles(), [(1, Role::Host), (2, Role::Moderator)]);
    }

    #[test]
    fn a_former_host_is_host_again_only_if_nobody_else_is() {
        let mut scene = Scene::with(&[(1, Role::Host)]);
        scene.ok(1, Command::Leave);
        scene.ok(2, join_as(Role::Participant, "p2"));
        scene.ok(1, join_as(Role::Host, "p1"));
        assert_eq!(scene.roles(), [(2, Role::Participant), (1, Role::Host)]);
        scene.ok(1, Command::Leave);
        scene.ok(1, join_as(Role::Host, "p1"));
        assert_eq!(scene.roles(), [(2, Role::Host), (1, Role::Moderator)]);
    }

    #[test]
    fn a_locked_room_takes_moderators_and_its_own_members_only() {
        let mut scene = Scene::with(&[(1, Role::Host), (2, Role::Participant)]);
        scene.ok(
            1,
            Command::ChangeSettings(SettingsPatch {
                locked: Some(true),
                ..SettingsPatch::default()
            }),
        );
        assert_eq!(
            scene.refused(3, join_as(Role::Participant, "p3")),
            Rejection::Locked
        );
        scene.ok(2, join_as(Role::Participant, "p2"));
        scene.ok(4, join_as(Role::Moderator, "p4"));
    }

    #[test]
    fn nobody_passes_the_limit_but_who_is_in_stays_in() {
        let mut scene = Scene::with(&[(1, Role::Host), (2, Role::Viewer)]);
        scene.ok(
            1,
            Command::ChangeSettings(SettingsPatch {
                participant_limit: Some(1),
                ..SettingsPatch::default()
            }),
        );
        assert_eq!(scene.refused(3, join_as(Role::Moderator, "p3")), Rejection::Full);
        scene.ok(2, join_as(Role::Viewer, "p2"));
        assert_eq!(scene.room.members().count(), 2);
    }

    #[test]
    fn the_former_secret_is_good_until_the_new_one_was_used() {
        let mut scene = Scene::with(&[(1, Role::Host)]);
        scene.ok(1, Command::RotateResume { resume: secret(9) });
        assert_eq!(scene.room.verify_resume(id(1), &secret(1)), Ok(()));
        assert_eq!(scene.room.verify_resume(id(1), &secret(9)), Ok(()));
        assert!(scene.room.retires_former_resume(id(1), &secret(9)));
        assert!(!scene.room.retires_former_resume(id(1), &secret(1)));
        scene.ok(1, Command::RotateResume { resume: secret(9) });
        assert_eq!(
            scene.room.verify_resume(id(1), &secret(1)),
            Err(Rejection::Unauthorized)
        );
        assert_eq!(scene.ok(1, Command::RotateResume { resume: secret(9) }), vec![]);
    }

    #[test]
    fn no_more_than_two_secrets_are_ever_good() {
        let mut scene = Scene::with(&[(1, Role::Host)]);
        scene.ok(1, Command::RotateResume { resume: secret(8) });
        scene.ok(1, Command::RotateResume { resume: secret(9) });
        assert_eq!(
            scene.room.verify_resume(id(1), &secret(1)),
            Err(Rejection::Unauthorized)
        );
        assert_eq!(scene.room.verify_resume(id(1), &secret(8)), Ok(()));
    }

    #[test]
    fn a_secret_dies_with_the_membership() {
        let mut scene = Scene::with(&[(1, Role::Host), (2, Role::Participant), (3, Role::Participant)]);
        scene.ok(2, Command::Leave);
        assert_eq!(
            scene.room.verify_resume(id(2), &secret(2)),
            Err(Rejection::NotMember)
        );
        scene.ok(
            1,
            Command::Kick {
                participant: id(3),
                ban: true,
                ban_address: false,
            },
        );
        assert_eq!(
            scene.room.verify_resume(id(3), &secret(3)),
            Err(Rejection::Banned)
        );
    }

    #[test]
    fn a_name_is_checked_on_the_way_in_and_on_change() {
        let mut scene = Scene::with(&[(1, Role::Host)]);
        assert_eq!(
            scene.refused(2, join_as(Role::Participant, " \u{202E} ")),
            Rejection::Invalid("name")
        );
        assert_eq!(
            scene.refused(1, Command::Rename { name: "a\nb".into() }),
            Rejection::Invalid("name")
        );
        assert_eq!(scene.ok(1, Command::Rename { name: " p1 ".into() }), vec![]);
        scene.ok(1, Command::Rename { name: "Ann".into() });
        assert_eq!(scene.room.member(id(1)).unwrap().name, "Ann");
    }
}
