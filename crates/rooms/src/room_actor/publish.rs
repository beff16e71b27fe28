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
            self.say_consequence(event, by, &banned);
        }
    }

    /// Says what a predecessor committed after `last` and did not live to say. Who removed someone is not in the log any more.
    pub(super) fn say_unsaid(&self, last: Position) {
        let unsaid: Vec<_> = self.recent.after(last.seq).cloned().collect();
        let banned: Vec<ParticipantId> = unsaid.iter().filter_map(|fact| banned(&fact.event)).collect();
        for fact in unsaid {
            self.publish(Body::Durable(Arc::clone(&fact)));
            self.say_consequence(&fact.event, Actor::System, &banned);
        }
    }

    /// Ends what hangs on a membership that is over, for those of the roll call whose end is too old to be among the recent facts.
    pub(super) fn close_strangers(&self, call: &RollCall) {
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
        for stranger in strangers {
            self.publish(Body::Closed {
                participant: Some(stranger),
                why,
            });
        }
    }

    pub(super) fn publish_notes(&self, notes: Vec<Note>) {
        for note in notes {
            self.publish(Body::Ephemeral(note));
        }
    }

    fn say_consequence(&self, event: &Event, by: Actor, banned: &[ParticipantId]) {
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
                self.publish(Body::Closed {
                    participant: Some(*participant),
                    why,
                });
            }
            Event::LobbyDecided {
                participant,
                admitted,
                ..
            } => {
                self.publish(Body::LobbyDecided {
                    participant: *participant,
                    admitted: *admitted,
                });
            }
            Event::Ended { .. } => self.publish(Body::Closed {
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
            | Event::MediaNodeSet { .. } => {}
        }
    }
}

fn banned(event: &Event) -> Option<ParticipantId> {
    if let Event::MemberBanned { participant, .. } = event {
        Some(*participant)
    } else {
        None
    }
}
