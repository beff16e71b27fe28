//! Who comes in, how, and by which secret again. A token's bearer may join as often as it likes: who is a member stays one, with the role it has.

use super::{Decision, Member, Room, text};
use crate::limits::ADDRESS_BYTES;
use crate::{Event, Join, NodeIncarnation, ParticipantId, Rejection, Resume, Role, SecretHash, SourceSet};

impl Room {
    /// Bans first, then membership, then the doors: lock, limit, lobby. Who was admitted passes lock and lobby, moderators pass both by
    /// themselves, and so does who was here and timed out; nobody passes the limit: a place that was given up may be taken. A ban of an
    /// address binds newcomers only, so that a ban of a shared one empties no room.
    pub(super) fn join(&self, participant: ParticipantId, join: &Join) -> Decision {
        if self.bans.contains(participant) {
            return Err(Rejection::Banned);
        }
        if let Some(member) = self.member(participant) {
            return self.attach(member, &join.via);
        }
        let address = checked_address(join.address.as_deref())?;
        if let Some(absent) = self.absent.get(participant) {
            let (used, fresh, via) = (absent.resume, join.resume, join.via.clone());
            return self.come_back(
                absent,
                Resume {
                    used,
                    fresh,
                    via,
                    address,
                },
            );
        }
        if self.bans.binds_address(address.as_deref()) {
            return Err(Rejection::Banned);
        }
        let name = text::participant_name(&join.name)?;
        let invited = join.role.moderates() || self.lobby.is_admitted(participant);
        if self.settings.locked && !invited {
            return Err(Rejection::Locked);
        }
        self.has_place()?;
        if self.settings.lobby && !invited {
            return self.knock(participant, name, join.role);
        }
        Ok(self.let_in(participant, name, join))
    }

    /// By a secret, without a token: nobody comes in by it who was not in before. The secret that was shown and the fresh one are good then,
    /// and no other.
    pub(super) fn resume(&self, participant: ParticipantId, resume: &Resume) -> Decision {
        self.verify_resume(participant, &resume.used)?;
        if let Some(absent) = self.absent.get(participant) {
            let address = checked_address(resume.address.as_deref())?;
            let resume = resume.clone();
            return self.come_back(absent, Resume { address, ..resume });
        }
        let member = self.member(participant).ok_or(Rejection::NotMember)?;
        let mut events = self.attach(member, &resume.via)?;
        let mut rotated = member.clone();
        rotated.rotate_resume(resume.fresh, Some(resume.used));
        if rotated != *member {
            events.push(Event::ResumeRotated {
                participant,
                resume: resume.fresh,
                former: Some(resume.used),
            });
        }
        Ok(events)
    }

    fn come_back(&self, absent: &Member, resume: Resume) -> Decision {
        self.has_place()?;
        Ok(vec![Event::MemberJoined {
            participant: absent.participant,
            name: absent.name.clone(),
            role: self.role_at_the_door(absent.role),
            rights: absent.rights,
            muted: absent.muted,
            via: resume.via,
            resume: resume.fresh,
            former: Some(resume.used),
            address: resume.address,
        }])
    }

    fn has_place(&self) -> Result<(), Rejection> {
        if self.members.len() >= self.settings.participant_limit as usize {
            return Err(Rejection::Full);
        }
        Ok(())
    }

    /// There is one host: the next who is to be it is a moderator. Where there is none any more and anyone may come in, whoever comes first and
    /// may speak is host, so that a room does not stay without one; behind a lock or a lobby that would be given to strangers, and before
    /// the creator came it would be taken from it.
    fn role_at_the_door(&self, role: Role) -> Role {
        let is_open = !(self.settings.locked || self.settings.lobby);
        match (role, self.host()) {
            (Role::Host, Some(_)) => Role::Moderator,
            (Role::Participant | Role::Moderator, None) if is_open && self.hosted => Role::Host,
            (Role::Viewer | Role::Participant | Role::Moderator | Role::Host, _) => role,
        }
    }

    fn let_in(&self, participant: ParticipantId, name: String, join: &Join) -> Vec<Event> {
        let role = self.role_at_the_door(join.role);
        let joined = Event::MemberJoined {
            participant,
            name,
            role,
            rights: role.default_rights(),
            muted: SourceSet::NONE,
            via: join.via.clone(),
            resume: join.resume,
            former: None,
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

    pub(super) fn rotate_resume(&self, member: &Member, resume: SecretHash) -> Decision {
        if member.resume == resume {
            return Ok(Vec::new());
        }
        Ok(vec![Event::ResumeRotated {
            participant: member.participant,
            resume,
            former: Some(member.resume),
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

    /// Says whether the secret is this participant's, who is a member or absent: the current one, or the former one while nobody has shown the
    /// new one.
    ///
    /// # Errors
    /// [`Rejection::Ended`], [`Rejection::Banned`]; [`Rejection::Kicked`] for one who was removed and is not forgotten,
    /// [`Rejection::NotMember`] for all others who are neither; [`Rejection::Unauthorized`] for another secret.
    pub fn verify_resume(&self, participant: ParticipantId, secret: &SecretHash) -> Result<(), Rejection> {
        if self.ended.is_some() {
            return Err(Rejection::Ended);
        }
        if self.bans.contains(participant) {
            return Err(Rejection::Banned);
        }
        match self.member(participant).or_else(|| self.absent.get(participant)) {
            Some(known) if known.knows(secret) => Ok(()),
            Some(_) => Err(Rejection::Unauthorized),
            None if self.absent.was_removed(participant) => Err(Rejection::Kicked),
            None => Err(Rejection::NotMember),
        }
    }
}

fn checked_address(address: Option<&str>) -> Result<Option<String>, Rejection> {
    match address {
        Some(address) if address.len() > ADDRESS_BYTES => Err(Rejection::Invalid("address")),
        address => Ok(address.map(str::to_owned)),
    }
}

#[cfg(test)]
mod tests {
    use crate::room::testing::{Scene, id, join_as, node, resume_with, secret};
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
        scene.ok(2, join_as(Role::Viewer, "p2"));
        scene.ok(1, join_as(Role::Host, "p1"));
        assert_eq!(scene.roles(), [(2, Role::Viewer), (1, Role::Host)]);
        scene.ok(3, join_as(Role::Participant, "p3"));
        scene.ok(1, Command::Leave);
        scene.ok(1, join_as(Role::Host, "p1"));
        assert_eq!(
            scene.roles(),
            [(2, Role::Viewer), (3, Role::Host), (1, Role::Moderator)]
        );
    }

    #[test]
    fn in_an_open_room_that_lost_its_host_the_first_who_may_speak_is_it() {
        let mut scene = Scene::with(&[(1, Role::Host)]);
        scene.ok(1, Command::Leave);
        scene.ok(2, join_as(Role::Viewer, "p2"));
        scene.ok(3, join_as(Role::Participant, "p3"));
        scene.ok(4, join_as(Role::Host, "p4"));
        let roles = [(2, Role::Viewer), (3, Role::Host), (4, Role::Moderator)];
        assert_eq!(scene.roles(), roles);
    }

    #[test]
    fn whoever_comes_before_the_creator_does_not_take_its_place() {
        let mut scene = Scene::with(&[]);
        scene.ok(2, join_as(Role::Participant, "p2"));
        scene.ok(1, join_as(Role::Host, "p1"));
        assert_eq!(scene.roles(), [(2, Role::Participant), (1, Role::Host)]);
    }

    #[test]
    fn a_closed_room_without_a_host_is_given_to_nobody() {
        for lobby in [true, false] {
            let mut scene = Scene::with(&[(1, Role::Host)]);
            let closed = SettingsPatch {
                locked: Some(!lobby),
                lobby: Some(lobby),
                ..SettingsPatch::default()
            };
            scene.ok(1, Command::ChangeSettings(closed));
            scene.ok(1, Command::Leave);
            scene.ok(2, join_as(Role::Moderator, "p2"));
            assert_eq!(scene.roles(), [(2, Role::Moderator)]);
        }
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
        scene.ok(1, resume_with(secret(9), secret(10)));
        assert_eq!(
            scene.room.verify_resume(id(1), &secret(1)),
            Err(Rejection::Unauthorized)
        );
        assert_eq!(scene.room.verify_resume(id(1), &secret(9)), Ok(()));
        assert_eq!(scene.ok(1, Command::RotateResume { resume: secret(10) }), vec![]);
    }

    #[test]
    fn a_page_that_never_heard_of_the_fresh_secret_comes_back_by_its_own_again_and_again() {
        let mut scene = Scene::with(&[(1, Role::Host)]);
        for fresh in 20..30 {
            scene.ok(1, resume_with(secret(1), secret(fresh)));
        }
        let verify = |n| scene.room.verify_resume(id(1), &secret(n));
        assert_eq!((verify(1), verify(29)), (Ok(()), Ok(())));
        assert_eq!(verify(28), Err(Rejection::Unauthorized), "nobody ever showed it");
    }

    #[test]
    fn coming_back_through_another_node_is_one_record() {
        let mut scene = Scene::with(&[(1, Role::Host)]);
        let Command::Resume(mut resume) = resume_with(secret(1), secret(9)) else {
            unreachable!()
        };
        resume.via = node(2);
        let events = scene.ok(1, Command::Resume(resume));
        let participant = id(1);
        let (resume, former) = (secret(9), Some(secret(1)));
        assert_eq!(
            events,
            [
                Event::MemberAttached {
                    participant,
                    via: node(2)
                },
                Event::ResumeRotated {
                    participant,
                    resume,
                    former
                }
            ]
        );
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
