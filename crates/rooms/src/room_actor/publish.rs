//! Saying what became durable, and what is ephemeral: once per node, in order of position.

use std::collections::BTreeSet;
use std::sync::Arc;

use videorooms_domain::{Actor, Event, LeaveReason, Note, ParticipantId, Position, Record};

use super::RoomState;
use crate::api::{Body, CloseReason, Fact, RollCall};

impl RoomState {
    /// Says a committed transition and draws its consequences for connections and media.
    pub(super) fn say(&mut self, record: &Record, by: Actor) {
        let now = self.services.clock.now();
        let banned: Vec<ParticipantId> = record.events.iter().filter_map(banned).collect();
        for (index, event) in record.events.iter().enumerate() {
            let position = Position {
                epoch: record.epoch,
                seq: record.first.plus(index),
            };
            let fact = Arc::new(Fact {
                position,
                at: record.at,
                event: event.clone(),
            });
            self.recent.push(Arc::clone(&fact));
            let notes = self.live.observe(self.pipeline.committed(), now, event);
            self.media_plan.observe(self.pipeline.committed(), event);
            self.publish(Body::Durable(fact));
            self.publish_notes(notes);
            if let Some(consequence) = consequence(event, by, &banned) {
                self.publish(consequence);
            }
        }
    }

    /// What was committed after `last` and may never have been said there. Who removed someone is not in the log any more.
    pub(super) fn unsaid(&self, last: Position) -> Vec<Body> {
        let unsaid: Vec<_> = self.recent.after(last.seq).cloned().collect();
        let banned: Vec<ParticipantId> = unsaid.iter().filter_map(|fact| banned(&fact.event)).collect();
        let mut bodies = Vec::with_capacity(unsaid.len());
        for fact in unsaid {
            let consequence = consequence(&fact.event, Actor::System, &banned);
            bodies.push(Body::Durable(fact));
            bodies.extend(consequence);
        }
        bodies
    }

    /// The end of what hangs on a membership that is over, for those of the roll call whose end is too old to be among the recent facts.
    pub(super) fn strangers(&self, call: &RollCall) -> impl Iterator<Item = Body> {
        let room = self.pipeline.committed();
        let why = room.ended().map_or(CloseReason::Left, |_| CloseReason::Ended);
        let strangers: BTreeSet<ParticipantId> = call
            .connections
            .iter()
            .map(|(who, _)| *who)
            .filter(|who| {
                let is_expected = room.is_waiting(*who) || room.is_admitted(*who);
                room.member(*who).is_none() && !is_expected
            })
            .collect();
        strangers.into_iter().map(move |stranger| Body::Closed {
            participant: Some(stranger),
            why,
        })
    }

    pub(super) fn publish_notes(&self, notes: Vec<Note>) {
        for note in notes {
            self.publish(Body::Ephemeral(note));
        }
    }
}

/// What follows from an event for connections.
fn consequence(event: &Event, by: Actor, banned: &[ParticipantId]) -> Option<Body> {
    let by = match by {
        Actor::Participant(participant) => Some(participant),
        Actor::System => None,
    };
    match event {
        Event::MemberLeft { participant, reason } => {
            let why = match reason {
                LeaveReason::Left | LeaveReason::Timeout => CloseReason::Left,
                LeaveReason::Kicked | LeaveReason::Banned => CloseReason::Kicked {
                    by,
                    banned: banned.contains(participant),
                },
            };
            Some(Body::Closed {
                participant: Some(*participant),
                why,
            })
        }
        Event::LobbyDecided {
            participant,
            admitted,
            ..
        } => Some(Body::LobbyDecided {
            participant: *participant,
            admitted: *admitted,
        }),
        Event::Ended { .. } => Some(Body::Closed {
            participant: None,
            why: CloseReason::Ended,
        }),
        Event::Created { .. }
        | Event::MemberJoined { .. }
        | Event::MemberAttached { .. }
        | Event::ResumeRotated { .. }
        | Event::MemberRenamed { .. }
        | Event::RoleChanged { .. }
        | Event::MemberBanned { .. }
        | Event::MemberUnbanned { .. }
        | Event::MemberMuted { .. }
        | Event::MemberUnmuted { .. }
        | Event::RightsChanged { .. }
        | Event::LobbyKnocked { .. }
        | Event::SettingsChanged { .. }
        | Event::HandRaised { .. }
        | Event::HandLowered { .. }
        | Event::ChatPosted { .. }
        | Event::MediaNodeSet { .. } => None,
    }
}

fn banned(event: &Event) -> Option<ParticipantId> {
    if let Event::MemberBanned { participant, .. } = event {
        Some(*participant)
    } else {
        None
    }
}
