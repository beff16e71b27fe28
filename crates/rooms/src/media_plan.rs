//! What the media server must be told, derived from the room's state: a set of things to reconcile, not a queue of commands, so that a failed
//! or repeated call does no harm and the last wish wins. Pure.

use std::collections::BTreeMap;

use videorooms_domain::{Event, ParticipantId, Room, SourceSet};

/// What a participant's media is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    /// May publish just this.
    Publish(SourceSet),
    /// Must have no media.
    Remove,
}

/// A batch of work for the media server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Work {
    /// Bring these participants' media in line.
    Participants(BTreeMap<ParticipantId, Wish>),
    /// End the room's media.
    Close,
}

/// Wishes not yet fulfilled; at most one batch is under way.
#[derive(Debug, Default)]
pub(crate) struct MediaPlan {
    wishes: BTreeMap<ParticipantId, Wish>,
    close: bool,
    under_way: Option<Work>,
    /// A call failed: nothing is asked until the pause is over.
    resting: bool,
}

impl MediaPlan {
    /// Wishes for a room just loaded.
    #[must_use]
    pub(crate) fn load(room: &Room) -> Self {
        let wish = |id| (id, Wish::Publish(room.publishable(id)));
        Self {
            wishes: room.members().map(|member| wish(member.participant)).collect(),
            close: room.ended().is_some(),
            under_way: None,
            resting: false,
        }
    }

    /// Takes note of a committed event (`room` already holds it).
    pub(crate) fn observe(&mut self, room: &Room, event: &Event) {
        match event {
            Event::MemberLeft { participant, .. } => {
                self.wishes.insert(*participant, Wish::Remove);
            }
            Event::MemberJoined { participant, .. }
            | Event::RoleChanged { participant, .. }
            | Event::MemberMuted { participant, .. }
            | Event::MemberUnmuted { participant, .. }
            | Event::RightsChanged { participant, .. } => {
                self.wishes
                    .insert(*participant, Wish::Publish(room.publishable(*participant)));
            }
            Event::Ended { .. } => self.close = true,
            Event::Created { .. }
            | Event::MemberAttached { .. }
            | Event::ResumeRotated { .. }
            | Event::MemberRenamed { .. }
            | Event::MemberBanned { .. }
            | Event::MemberUnbanned { .. }
            | Event::LobbyKnocked { .. }
            | Event::LobbyDecided { .. }
            | Event::SettingsChanged { .. }
            | Event::HandRaised { .. }
            | Event::HandLowered { .. }
            | Event::ChatPosted { .. }
            | Event::MediaNodeSet { .. } => {}
        }
    }

    /// The next batch, if there is work and none is under way.
    pub(crate) fn next(&mut self) -> Option<Work> {
        if self.under_way.is_some() || self.resting {
            return None;
        }
        let work = if self.close {
            self.close = false;
            self.wishes.clear();
            Work::Close
        } else if self.wishes.is_empty() {
            return None;
        } else {
            Work::Participants(std::mem::take(&mut self.wishes))
        };
        self.under_way = Some(work.clone());
        Some(work)
    }

    /// The batch under way ended; a failed one is wished again, unless something newer was wished meanwhile.
    pub(crate) fn done(&mut self, succeeded: bool) {
        match self.under_way.take() {
            None => {}
            Some(_) if succeeded => {}
            Some(Work::Close) => self.close = true,
            Some(Work::Participants(wishes)) => {
                for (participant, wish) in wishes {
                    self.wishes.entry(participant).or_insert(wish);
                }
            }
        }
    }

    /// Asks nothing until [`Self::wake`].
    pub(crate) fn rest(&mut self) {
        self.resting = true;
    }

    /// The pause after a failure is over.
    pub(crate) fn wake(&mut self) {
        self.resting = false;
    }

    /// Is there nothing to do and nothing under way.
    #[must_use]
    pub(crate) fn is_done(&self) -> bool {
        self.under_way.is_none() && self.wishes.is_empty() && !self.close
    }
}
