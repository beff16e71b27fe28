//! Raised hands, in the order in which they went up.

use super::{Decision, Member, Room};
use crate::{Actor, Event, ParticipantId, Rejection, Role};

impl Room {
    pub(super) fn raise_hand(&self, member: &Member) -> Decision {
        if member.role == Role::Viewer {
            return Err(Rejection::Forbidden);
        }
        if self.has_hand_up(member.participant) {
            return Ok(Vec::new());
        }
        Ok(vec![Event::HandRaised {
            participant: member.participant,
        }])
    }

    pub(super) fn lower_hand(&self, by: Actor, participant: ParticipantId) -> Decision {
        let (by, _) = self.oneself_or_moderator(by, participant)?;
        if !self.has_hand_up(participant) {
            return Ok(Vec::new());
        }
        Ok(vec![Event::HandLowered { participant, by }])
    }

    pub(super) fn has_hand_up(&self, participant: ParticipantId) -> bool {
        self.hands.contains(&participant)
    }
}

#[cfg(test)]
mod tests {
    use crate::room::testing::{Scene, id};
    use crate::{Command, Rejection, Role};

    #[test]
    fn hands_stand_in_the_order_in_which_they_went_up() {
        let mut scene = Scene::with(&[(1, Role::Host), (2, Role::Participant), (3, Role::Participant)]);
        scene.ok(3, Command::RaiseHand);
        scene.ok(2, Command::RaiseHand);
        scene.ok(1, Command::RaiseHand);
        assert_eq!(
            scene.ok(3, Command::RaiseHand),
            vec![],
            "raising it again keeps its place"
        );
        assert_eq!(scene.room.hands, [id(3), id(2), id(1)]);
        scene.ok(2, Command::LowerHand { participant: id(2) });
        scene.ok(2, Command::RaiseHand);
        assert_eq!(scene.room.hands, [id(3), id(1), id(2)]);
        scene.ok(3, Command::Leave);
        assert_eq!(scene.room.hands, [id(1), id(2)]);
    }

    #[test]
    fn others_hands_are_lowered_by_moderators_and_viewers_have_none() {
        let mut scene = Scene::with(&[(1, Role::Host), (2, Role::Participant), (3, Role::Viewer)]);
        scene.ok(2, Command::RaiseHand);
        let lower = Command::LowerHand { participant: id(2) };
        assert_eq!(scene.refused(3, lower.clone()), Rejection::Forbidden);
        scene.ok(1, lower.clone());
        assert_eq!(scene.ok(1, lower), vec![]);
        assert_eq!(scene.refused(3, Command::RaiseHand), Rejection::Forbidden);
        assert_eq!(
            scene.refused(1, Command::LowerHand { participant: id(9) }),
            Rejection::NoSuchParticipant
        );
    }
}
