//! What is due when: members past their grace, people whom nobody lets in, a room where nobody is. What was asked for is due again after
//! [`AGAIN`] unless it happened: a command may be refused at a door that is only closed for a moment.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::{Actor, Command, EndReason, ParticipantId, Request, Room, Timestamp};

/// Long enough not to knock in a loop, short against every grace.
const AGAIN: Duration = Duration::from_secs(1);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Deadlines {
    /// Only those who are about to leave: usually few.
    leaving: BTreeMap<ParticipantId, Timestamp>,
    empty: Option<Timestamp>,
    /// Not before this, whatever `empty` says.
    empty_again: Timestamp,
}

impl Deadlines {
    pub(super) fn leave(&mut self, participant: ParticipantId, at: Timestamp) {
        self.leaving.insert(participant, at);
    }

    pub(super) fn stay(&mut self, participant: ParticipantId) {
        self.leaving.remove(&participant);
    }

    pub(super) fn empty(&mut self, at: Option<Timestamp>) {
        self.empty = at;
    }

    pub(super) fn next(&self) -> Option<Timestamp> {
        let empty = self.empty.map(|at| at.max(self.empty_again));
        self.leaving.values().copied().chain(empty).min()
    }

    pub(super) fn due(&mut self, room: &Room, now: Timestamp) -> Vec<Request> {
        let mut commands = Vec::new();
        self.leaving
            .retain(|participant, _| room.member(*participant).is_some() || room.is_waiting(*participant));
        for (participant, at) in &mut self.leaving {
            if *at <= now {
                *at = now.after(AGAIN);
                commands.push(Command::Expire {
                    participant: *participant,
                });
            }
        }
        if self.empty.is_some_and(|at| at.max(self.empty_again) <= now) {
            self.empty_again = now.after(AGAIN);
            commands.push(Command::End {
                reason: EndReason::Empty,
            });
        }
        commands
            .into_iter()
            .map(|command| Request {
                by: Actor::System,
                id: None,
                command,
            })
            .collect()
    }
}
