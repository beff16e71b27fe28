//! Who asks, and how far that reaches. The house itself ([`Actor::System`]) outranks everyone but is nobody: it has no hand and no name.

use super::{Member, Room};
use crate::{Actor, ParticipantId, Rejection, Role};

/// Someone with a moderator's power.
#[derive(Clone, Copy)]
pub(super) enum Moderator<'a> {
    System,
    Member(&'a Member),
}

impl Moderator<'_> {
    /// For the event's `by`.
    pub(super) fn id(self) -> Option<ParticipantId> {
        match self {
            Self::System => None,
            Self::Member(member) => Some(member.participant),
        }
    }

    /// Power reaches sideways and downwards, never upwards.
    pub(super) fn outranked_by(self, target: &Member) -> bool {
        match self {
            Self::System => false,
            Self::Member(member) => target.role > member.role,
        }
    }

    pub(super) fn is(self, target: &Member) -> bool {
        self.id() == Some(target.participant)
    }

    /// The host, or the house.
    pub(super) fn owns(self) -> bool {
        match self {
            Self::System => true,
            Self::Member(member) => member.role == Role::Host,
        }
    }
}

/// Who asks for oneself; the house has no self.
pub(super) fn own(by: Actor) -> Result<ParticipantId, Rejection> {
    match by {
        Actor::Participant(participant) => Ok(participant),
        Actor::System => Err(Rejection::Forbidden),
    }
}

/// Only the house may ask this.
pub(super) fn system(by: Actor) -> Result<(), Rejection> {
    match by {
        Actor::System => Ok(()),
        Actor::Participant(_) => Err(Rejection::Forbidden),
    }
}

impl Room {
    pub(super) fn asking_member(&self, by: Actor) -> Result<&Member, Rejection> {
        self.member(own(by)?).ok_or(Rejection::NotMember)
    }

    pub(super) fn moderator(&self, by: Actor) -> Result<Moderator<'_>, Rejection> {
        match by {
            Actor::System => Ok(Moderator::System),
            Actor::Participant(_) => {
                let member = self.asking_member(by)?;
                if member.role.moderates() {
                    Ok(Moderator::Member(member))
                } else {
                    Err(Rejection::Forbidden)
                }
            }
        }
    }

    /// Anyone for oneself, moderators for others; answers the event's `by` and the target.
    pub(super) fn oneself_or_moderator(
        &self,
        by: Actor,
        target: ParticipantId,
    ) -> Result<(Option<ParticipantId>, &Member), Rejection> {
        if by == Actor::Participant(target) {
            return Ok((Some(target), self.asking_member(by)?));
        }
        Ok((self.moderator(by)?.id(), self.target(target)?))
    }

    pub(super) fn target(&self, participant: ParticipantId) -> Result<&Member, Rejection> {
        self.member(participant).ok_or(Rejection::NoSuchParticipant)
    }
}
