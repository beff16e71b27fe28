//! Who is not here and is not forgotten: members whose time ran out may come back as who they were, and who was removed is told so. One's own
//! word, a kick and a ban leave nothing to come back to.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Member;
use crate::ParticipantId;
use crate::limits::{ABSENT, REMOVED};

/// Both in order of going, the longest gone first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Absent {
    /// Members as they were when their time ran out.
    members: VecDeque<Arc<Member>>,
    removed: VecDeque<ParticipantId>,
}

impl Absent {
    pub(super) fn get(&self, participant: ParticipantId) -> Option<&Member> {
        let absent = self
            .members
            .iter()
            .find(|member| member.participant == participant);
        absent.map(|member| &**member)
    }

    pub(super) fn was_removed(&self, participant: ParticipantId) -> bool {
        self.removed.contains(&participant)
    }

    pub(super) fn timed_out(&mut self, member: Arc<Member>) {
        self.forget(member.participant);
        if self.members.len() >= ABSENT {
            self.members.pop_front();
        }
        self.members.push_back(member);
    }

    pub(super) fn removed(&mut self, participant: ParticipantId) {
        self.forget(participant);
        if self.removed.len() >= REMOVED {
            self.removed.pop_front();
        }
        self.removed.push_back(participant);
    }

    pub(super) fn forget(&mut self, participant: ParticipantId) {
        self.members.retain(|member| member.participant != participant);
        self.removed.retain(|removed| *removed != participant);
    }
}

#[cfg(test)]
mod tests {
    use crate::limits::{ABSENT, REMOVED};
    use crate::room::testing::{Scene, id, join_as, node, resume_with, secret};
    use crate::{Command, Event, Rejection, Role, SecretHash, SettingsPatch, Source, SourceSet};

    fn gone(scene: &mut Scene, who: u64) {
        scene.system(Command::Expire { participant: id(who) }).unwrap();
    }

    fn kick(who: u64, ban: bool) -> Command {
        Command::Kick {
            participant: id(who),
            ban,
            ban_address: false,
        }
    }

    fn closed(scene: &mut Scene, patch: SettingsPatch) {
        scene.system(Command::ChangeSettings(patch)).unwrap();
    }

    fn locked() -> SettingsPatch {
        SettingsPatch {
            locked: Some(true),
            lobby: Some(true),
            ..SettingsPatch::default()
        }
    }

    #[test]
    fn a_lone_host_that_slept_is_host_again_behind_its_own_lock() {
        let mut scene = Scene::with(&[(1, Role::Host)]);
        closed(&mut scene, locked());
        gone(&mut scene, 1);
        assert_eq!(scene.room.verify_resume(id(1), &secret(1)), Ok(()));
        scene.ok(1, resume_with(secret(1), secret(9)));
        assert_eq!(scene.roles(), [(1, Role::Host)]);
        assert_eq!(scene.room.member(id(1)).unwrap().name, "p1");
    }

    #[test]
    fn a_host_that_has_a_successor_comes_back_as_moderator() {
        let mut scene = Scene::with(&[(1, Role::Host), (2, Role::Participant)]);
        gone(&mut scene, 1);
        scene.ok(1, resume_with(secret(1), secret(9)));
        assert_eq!(scene.roles(), [(2, Role::Host), (1, Role::Moderator)]);
    }

    #[test]
    fn rights_and_mutes_are_as_they_were_by_secret_and_by_token() {
        let mut scene = Scene::with(&[(1, Role::Host), (2, Role::Participant)]);
        let (participant, source) = (id(2), Source::Camera);
        let rights = SourceSet::ALL.without(Source::Screen);
        scene.ok(1, Command::Mute { participant, source });
        scene.ok(1, Command::SetRights { participant, rights });
        for back in [
            resume_with(secret(2), secret(9)),
            join_as(Role::Moderator, "other"),
        ] {
            gone(&mut scene, 2);
            let events = scene.ok(2, back);
            assert!(
                matches!(&events[..], [Event::MemberJoined { muted, .. }] if muted.contains(source)),
                "{events:?}"
            );
            let member = scene.room.member(participant).unwrap();
            assert_eq!((member.role, &*member.name), (Role::Participant, "p2"));
            assert_eq!(
                (member.rights, member.muted),
                (rights, SourceSet::NONE.with(source))
            );
        }
    }

    #[test]
    fn nobody_comes_back_past_the_limit_and_may_try_again() {
        let mut scene = Scene::with(&[(1, Role::Host), (2, Role::Participant)]);
        gone(&mut scene, 2);
        let limit = |n| SettingsPatch {
            participant_limit: Some(n),
            ..SettingsPatch::default()
        };
        closed(&mut scene, limit(1));
        let back = resume_with(secret(2), secret(9));
        assert_eq!(scene.refused(2, back.clone()), Rejection::Full);
        closed(&mut scene, limit(2));
        scene.ok(2, back);
    }

    #[test]
    fn the_secret_that_was_shown_is_good_until_the_fresh_one_was_used() {
        let mut scene = Scene::with(&[(1, Role::Host)]);
        gone(&mut scene, 1);
        scene.ok(1, resume_with(secret(1), secret(8)));
        gone(&mut scene, 1);
        assert_eq!(
            scene.refused(1, resume_with(secret(7), secret(9))),
            Rejection::Unauthorized
        );
        scene.ok(1, resume_with(secret(1), secret(9)));
        let is_good = |secret: SecretHash| scene.room.verify_resume(id(1), &secret).is_ok();
        assert!(is_good(secret(1)) && is_good(secret(9)));
        assert!(!is_good(secret(8)), "nobody ever showed it");
    }

    #[test]
    fn own_word_leaves_nothing_and_who_was_removed_is_told_so() {
        let members = [
            (1, Role::Host),
            (2, Role::Participant),
            (3, Role::Participant),
            (4, Role::Participant),
        ];
        let mut scene = Scene::with(&members);
        scene.ok(2, Command::Leave);
        scene.ok(1, kick(3, false));
        scene.ok(1, kick(4, true));
        let expected = [
            (2, Rejection::NotMember),
            (3, Rejection::Kicked),
            (4, Rejection::Banned),
        ];
        for (who, rejection) in expected {
            let shown = secret(who as u8);
            assert_eq!(scene.room.verify_resume(id(who), &shown), Err(rejection));
            assert_eq!(scene.refused(who, resume_with(shown, secret(9))), rejection);
        }
        scene.ok(3, join_as(Role::Participant, "p3"));
        gone(&mut scene, 3);
        assert_eq!(scene.room.verify_resume(id(3), &secret(0)), Ok(()));
    }

    #[test]
    fn one_who_is_absent_is_kicked_and_banned_by_who_outranked_it() {
        let members = [
            (1, Role::Host),
            (2, Role::Moderator),
            (3, Role::Participant),
            (4, Role::Participant),
        ];
        let mut scene = Scene::with(&members);
        for who in [2, 3, 4] {
            gone(&mut scene, who);
        }
        scene.ok(5, join_as(Role::Moderator, "p5"));
        scene.ok(
            1,
            Command::SetRole {
                participant: id(5),
                role: Role::Host,
            },
        );
        gone(&mut scene, 5);
        assert_eq!(scene.roles(), [(1, Role::Host)]);
        scene.ok(6, join_as(Role::Moderator, "p6"));
        assert_eq!(
            scene.refused(6, kick(5, false)),
            Rejection::Forbidden,
            "it was host"
        );
        scene.ok(6, kick(2, false));
        scene.ok(1, kick(3, false));
        scene.ok(1, kick(4, true));
        assert_eq!(
            scene.room.verify_resume(id(3), &secret(3)),
            Err(Rejection::Kicked)
        );
        assert_eq!(
            scene.room.verify_resume(id(4), &secret(4)),
            Err(Rejection::Banned)
        );
        scene.ok(1, Command::Unban { participant: id(4) });
        assert_eq!(
            scene.room.verify_resume(id(4), &secret(4)),
            Err(Rejection::NotMember)
        );
    }

    #[test]
    fn a_node_may_be_another_one_by_now() {
        let mut scene = Scene::with(&[(1, Role::Host)]);
        gone(&mut scene, 1);
        let Command::Resume(mut resume) = resume_with(secret(1), secret(9)) else {
            unreachable!()
        };
        resume.via = node(2);
        scene.ok(1, Command::Resume(resume));
        assert_eq!(scene.room.member(id(1)).unwrap().via, node(2));
    }

    #[test]
    fn of_those_gone_only_the_latest_are_known() {
        let mut scene = Scene::with(&[(1, Role::Host)]);
        for who in 0..=ABSENT as u64 {
            scene.ok(100 + who, join_as(Role::Participant, "someone"));
            gone(&mut scene, 100 + who);
        }
        let verify = |scene: &Scene, who| scene.room.verify_resume(id(who), &secret(0));
        assert_eq!(verify(&scene, 100), Err(Rejection::NotMember));
        assert_eq!(verify(&scene, 101), Ok(()));
        for who in 0..=REMOVED as u64 {
            scene.ok(1000 + who, join_as(Role::Participant, "someone"));
            scene.ok(1, kick(1000 + who, false));
        }
        assert_eq!(verify(&scene, 1000), Err(Rejection::NotMember));
        assert_eq!(verify(&scene, 1001), Err(Rejection::Kicked));
    }
}
