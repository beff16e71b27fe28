//! Who goes, and who then owns the room: leaving, timing out and being removed are one departure with different reasons. The successor is
//! named in the same record, so no state between them is ever seen.

use super::asker::system;
use super::bans::Ban;
use super::{Decision, Member, Room};
use crate::limits::BANS;
use crate::{Actor, Event, LeaveReason, ParticipantId, Rejection, Role};

impl Room {
    /// Someone who waits in the lobby leaves it.
    pub(super) fn leave(&self, participant: ParticipantId) -> Decision {
        match self.member(participant) {
            Some(member) => Ok(self.departure(member, LeaveReason::Left)),
            None if self.is_waiting(participant) => Ok(vec![gone_by_itself(participant)]),
            None => Err(Rejection::NotMember),
        }
    }

    /// The grace of a member, or the patience of the lobby, is over.
    pub(super) fn expire(&self, by: Actor, participant: ParticipantId) -> Decision {
        system(by)?;
        match self.member(participant) {
            Some(member) => Ok(self.departure(member, LeaveReason::Timeout)),
            None if self.is_waiting(participant) => Ok(vec![gone_by_itself(participant)]),
            None => Err(Rejection::NoSuchParticipant),
        }
    }

    /// Never upwards, never oneself. A ban of the address is a ban. Who is absent is removed like a member: it does not come back.
    pub(super) fn kick(
        &self,
        by: Actor,
        participant: ParticipantId,
        ban: bool,
        ban_address: bool,
    ) -> Decision {
        let moderator = self.moderator(by)?;
        let known = self.member(participant).or_else(|| self.absent.get(participant));
        let member = known.ok_or(Rejection::NoSuchParticipant)?;
        if moderator.is(member) || moderator.outranked_by(member) {
            return Err(Rejection::Forbidden);
        }
        if !(ban || ban_address) {
            return Ok(self.departure(member, LeaveReason::Kicked));
        }
        if self.bans.len() >= BANS {
            return Err(Rejection::Limit("bans"));
        }
        let address = member.address.clone().filter(|_| ban_address);
        let banned = Event::MemberBanned {
            participant,
            name: member.name.clone(),
            address,
            by: moderator.id(),
        };
        Ok([banned]
            .into_iter()
            .chain(self.departure(member, LeaveReason::Banned))
            .collect())
    }

    pub(super) fn unban(&self, by: Actor, participant: ParticipantId) -> Decision {
        let by = self.moderator(by)?.id();
        match self.bans.get(participant) {
            Some(Ban { participant, .. }) => Ok(vec![Event::MemberUnbanned {
                participant: *participant,
                by,
            }]),
            None => Err(Rejection::NoSuchParticipant),
        }
    }

    pub(super) fn host(&self) -> Option<&Member> {
        self.members().find(|member| member.role == Role::Host)
    }

    fn departure(&self, member: &Member, reason: LeaveReason) -> Vec<Event> {
        let left = Event::MemberLeft {
            participant: member.participant,
            reason,
        };
        let crowned = |heir: &Member| Event::RoleChanged {
            participant: heir.participant,
            role: Role::Host,
            by: None,
        };
        let heir = self
            .member(member.participant)
            .and_then(|host| self.heir_of(host));
        [left].into_iter().chain(heir.map(crowned)).collect()
    }

    /// The longest-present moderator, else the longest-present participant, connected or not; never a viewer.
    fn heir_of(&self, leaving: &Member) -> Option<&Member> {
        if leaving.role != Role::Host {
            return None;
        }
        let longest = |role| self.members().find(|member| member.role == role);
        longest(Role::Moderator).or_else(|| longest(Role::Participant))
    }
}

fn gone_by_itself(participant: ParticipantId) -> Event {
    Event::LobbyDecided {
        participant,
        admitted: false,
        by: None,
    }
}

#[cfg(test)]
mod tests {
    use crate::room::testing::{Scene, id, join_as, join_from};
    use crate::{Command, Event, LeaveReason, Rejection, Role};

    fn kick(who: u64) -> Command {
        Command::Kick {
            participant: id(who),
            ban: false,
            ban_address: false,
        }
    }

    #[test]
    fn the_longest_present_moderator_succeeds_before_an_older_participant() {
        let mut scene = Scene::with(&[
            (1, Role::Host),
            (2, Role::Viewer),
            (3, Role::Participant),
            (4, Role::Moderator),
            (5, Role::Moderator),
        ]);
        let events = scene.ok(1, Command::Leave);
        assert_eq!(
            events,
            vec![
                Event::MemberLeft {
                    participant: id(1),
                    reason: LeaveReason::Left
                },
                Event::RoleChanged {
                    participant: id(4),
                    role: Role::Host,
                    by: None
                },
            ]
        );
    }

    #[test]
    fn a_participant_succeeds_where_there_is_no_moderator_and_a_viewer_never() {
        let mut scene = Scene::with(&[(1, Role::Host), (2, Role::Viewer), (3, Role::Participant)]);
        scene.system(Command::Expire { participant: id(1) }).unwrap();
        assert_eq!(scene.roles(), [(2, Role::Viewer), (3, Role::Host)]);
        scene.system(kick(3)).unwrap();
        assert_eq!(scene.roles(), [(2, Role::Viewer)]);
    }

    #[test]
    fn kicking_goes_sideways_and_downwards_never_upwards_nor_at_oneself() {
        let roles = [
            (1, Role::Host),
            (2, Role::Moderator),
            (3, Role::Moderator),
            (4, Role::Participant),
        ];
        let mut scene = Scene::with(&roles);
        assert_eq!(scene.refused(2, kick(1)), Rejection::Forbidden);
        assert_eq!(scene.refused(2, kick(2)), Rejection::Forbidden);
        assert_eq!(scene.refused(4, kick(3)), Rejection::Forbidden);
        assert_eq!(scene.refused(1, kick(9)), Rejection::NoSuchParticipant);
        assert_eq!(scene.refused(9, kick(1)), Rejection::NotMember);
        scene.ok(2, kick(3));
        scene.ok(1, kick(2));
        assert_eq!(scene.roles(), [(1, Role::Host), (4, Role::Participant)]);
    }

    #[test]
    fn who_was_kicked_may_come_back_and_who_was_banned_may_not() {
        let mut scene = Scene::with(&[(1, Role::Host), (2, Role::Participant)]);
        scene.ok(1, kick(2));
        scene.ok(2, join_as(Role::Participant, "p2"));
        scene.ok(
            1,
            Command::Kick {
                participant: id(2),
                ban: true,
                ban_address: false,
            },
        );
        assert_eq!(
            scene.refused(2, join_as(Role::Participant, "p2")),
            Rejection::Banned
        );
        assert_eq!(
            scene.refused(1, Command::Unban { participant: id(3) }),
            Rejection::NoSuchParticipant
        );
        scene.ok(1, Command::Unban { participant: id(2) });
        scene.ok(2, join_as(Role::Participant, "p2"));
    }

    #[test]
    fn a_banned_address_refuses_newcomers_and_leaves_members_alone() {
        let mut scene = Scene::with(&[(1, Role::Host)]);
        scene.ok(2, join_from("203.0.113.7"));
        scene.ok(3, join_from("203.0.113.7"));
        scene.ok(
            1,
            Command::Kick {
                participant: id(2),
                ban: false,
                ban_address: true,
            },
        );
        assert_eq!(scene.refused(4, join_from("203.0.113.7")), Rejection::Banned);
        scene.ok(3, join_from("203.0.113.7"));
        scene.ok(4, join_from("203.0.113.8"));
    }

    #[test]
    fn only_the_house_lets_members_expire() {
        let mut scene = Scene::with(&[(1, Role::Host), (2, Role::Participant)]);
        assert_eq!(
            scene.refused(1, Command::Expire { participant: id(2) }),
            Rejection::Forbidden
        );
        assert_eq!(
            scene.system(Command::Expire { participant: id(9) }),
            Err(Rejection::NoSuchParticipant)
        );
    }
}
