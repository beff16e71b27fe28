//! Roles, mutes and rights. A mute is a mark that its bearer may lift: it protects the others from an open microphone, it punishes nobody,
//! so anyone may get one. Rights are taken for good, so never upwards.

use super::asker::Moderator;
use super::{Decision, Member, Room};
use crate::{Actor, Event, ParticipantId, Rejection, Role, Source, SourceSet};

impl Room {
    /// The host gives any role to others; a moderator makes participants viewers and back. Nobody takes the host's role: it is given on,
    /// and the giver, or who had it when the house gives it, becomes a moderator.
    pub(super) fn set_role(&self, by: Actor, participant: ParticipantId, role: Role) -> Decision {
        let moderator = self.moderator(by)?;
        let member = self.target(participant)?;
        if member.role == role {
            return Ok(Vec::new());
        }
        let is_small = member.role < Role::Moderator && role < Role::Moderator;
        if member.role == Role::Host || !(moderator.owns() || is_small) {
            return Err(Rejection::Forbidden);
        }
        let mut events = Vec::new();
        if let Some(host) = self.host().filter(|_| role == Role::Host) {
            let (participant, by) = (host.participant, moderator.id());
            events.push(Event::RoleChanged {
                participant,
                role: Role::Moderator,
                by,
            });
        }
        events.extend(self.role_change(moderator, member, role));
        Ok(events)
    }

    /// A viewer loses rights and hand; who is none any more gets the rights of its role.
    fn role_change(&self, moderator: Moderator<'_>, member: &Member, role: Role) -> Vec<Event> {
        let (participant, by) = (member.participant, moderator.id());
        let mut events = vec![Event::RoleChanged {
            participant,
            role,
            by,
        }];
        if member.role == Role::Viewer || role == Role::Viewer {
            let rights = role.default_rights();
            if member.rights != rights {
                events.push(Event::RightsChanged {
                    participant,
                    rights,
                    by,
                });
            }
        }
        if role == Role::Viewer && self.has_hand_up(participant) {
            events.push(Event::HandLowered { participant, by });
        }
        events
    }

    pub(super) fn mute(&self, by: Actor, participant: ParticipantId, source: Source) -> Decision {
        let by = self.moderator(by)?.id();
        if self.target(participant)?.muted.contains(source) {
            return Ok(Vec::new());
        }
        Ok(vec![Event::MemberMuted {
            participant,
            source,
            by,
        }])
    }

    pub(super) fn unmute(&self, by: Actor, participant: ParticipantId, source: Source) -> Decision {
        let (by, member) = self.oneself_or_moderator(by, participant)?;
        if !member.muted.contains(source) {
            return Ok(Vec::new());
        }
        Ok(vec![Event::MemberUnmuted {
            participant,
            source,
            by,
        }])
    }

    pub(super) fn set_rights(&self, by: Actor, participant: ParticipantId, rights: SourceSet) -> Decision {
        let moderator = self.moderator(by)?;
        let member = self.target(participant)?;
        if moderator.outranked_by(member) {
            return Err(Rejection::Forbidden);
        }
        if member.rights == rights {
            return Ok(Vec::new());
        }
        if member.role == Role::Viewer {
            return Err(Rejection::Invalid("rights of a viewer"));
        }
        Ok(vec![Event::RightsChanged {
            participant,
            rights,
            by: moderator.id(),
        }])
    }
}

#[cfg(test)]
mod tests {
    use crate::room::testing::{Scene, id};
    use crate::{Command, Event, Rejection, Role, Source, SourceSet};

    fn role(who: u64, role: Role) -> Command {
        Command::SetRole {
            participant: id(who),
            role,
        }
    }

    fn scene() -> Scene {
        Scene::with(&[
            (1, Role::Host),
            (2, Role::Moderator),
            (3, Role::Participant),
            (4, Role::Viewer),
        ])
    }

    #[test]
    fn who_gives_the_room_away_becomes_a_moderator() {
        let mut scene = scene();
        let events = scene.ok(1, role(3, Role::Host));
        assert_eq!(
            events,
            vec![
                Event::RoleChanged {
                    participant: id(1),
                    role: Role::Moderator,
                    by: Some(id(1))
                },
                Event::RoleChanged {
                    participant: id(3),
                    role: Role::Host,
                    by: Some(id(1))
                },
            ]
        );
    }

    #[test]
    fn nobody_takes_the_hosts_role_not_even_the_host_or_the_house() {
        let mut scene = scene();
        assert_eq!(scene.refused(1, role(1, Role::Participant)), Rejection::Forbidden);
        assert_eq!(scene.refused(2, role(1, Role::Participant)), Rejection::Forbidden);
        assert_eq!(scene.system(role(1, Role::Viewer)), Err(Rejection::Forbidden));
        scene.system(role(2, Role::Host)).unwrap();
        assert_eq!(scene.roles()[0..2], [(1, Role::Moderator), (2, Role::Host)]);
    }

    #[test]
    fn a_moderator_makes_participants_viewers_and_back_and_nothing_else() {
        let mut scene = scene();
        scene.ok(2, role(3, Role::Viewer));
        scene.ok(2, role(4, Role::Participant));
        assert_eq!(scene.refused(2, role(4, Role::Moderator)), Rejection::Forbidden);
        assert_eq!(scene.refused(2, role(2, Role::Participant)), Rejection::Forbidden);
        assert_eq!(scene.refused(3, role(4, Role::Viewer)), Rejection::Forbidden);
        assert_eq!(
            scene.refused(1, role(9, Role::Viewer)),
            Rejection::NoSuchParticipant
        );
    }

    #[test]
    fn a_viewer_has_no_rights_and_no_hand_and_gets_rights_back_with_the_role() {
        let mut scene = scene();
        scene.ok(3, Command::RaiseHand);
        let events = scene.ok(1, role(3, Role::Viewer));
        let by = Some(id(1));
        assert_eq!(
            events[1],
            Event::RightsChanged {
                participant: id(3),
                rights: SourceSet::NONE,
                by
            }
        );
        assert_eq!(
            events[2],
            Event::HandLowered {
                participant: id(3),
                by
            }
        );
        scene.ok(1, role(3, Role::Participant));
        assert_eq!(scene.room.publishable(id(3)), SourceSet::ALL);
        let all = Command::SetRights {
            participant: id(4),
            rights: SourceSet::ALL,
        };
        assert_eq!(scene.refused(1, all), Rejection::Invalid("rights of a viewer"));
    }

    #[test]
    fn anyone_is_muted_by_a_moderator_and_lifts_it_oneself() {
        let mut scene = scene();
        let mute = |who| Command::Mute {
            participant: id(who),
            source: Source::Microphone,
        };
        let unmute = |who| Command::Unmute {
            participant: id(who),
            source: Source::Microphone,
        };
        scene.ok(2, mute(1));
        assert_eq!(
            scene.room.publishable(id(1)),
            SourceSet::ALL.without(Source::Microphone)
        );
        assert_eq!(scene.ok(2, mute(1)), vec![], "it has the mark already");
        scene.ok(1, unmute(1));
        scene.ok(1, mute(3));
        assert_eq!(scene.refused(4, unmute(3)), Rejection::Forbidden);
        scene.ok(2, unmute(3));
        assert_eq!(scene.ok(3, unmute(3)), vec![]);
        assert_eq!(scene.refused(3, mute(3)), Rejection::Forbidden);
    }

    #[test]
    fn rights_are_taken_sideways_and_downwards_only() {
        let mut scene = scene();
        let none = |who| Command::SetRights {
            participant: id(who),
            rights: SourceSet::NONE,
        };
        assert_eq!(scene.refused(2, none(1)), Rejection::Forbidden);
        assert_eq!(scene.refused(3, none(3)), Rejection::Forbidden);
        scene.ok(2, none(3));
        assert_eq!(scene.room.publishable(id(3)), SourceSet::NONE);
        assert_eq!(scene.ok(2, none(3)), vec![]);
    }
}
