//! Who is in a room, as far as Presence cares: taken over from a snapshot once, then kept by events.
//!
//! What comes before the snapshot is kept and applied on top of it: durable events only past the snapshot's position, notes all (the last of
//! them is what counts, and the snapshot cannot be newer than it).

use std::collections::BTreeMap;
use std::sync::Arc;

use videorooms_domain::{ConnectionState, Event, Note, ParticipantId, Position, Role, Snapshot};
use videorooms_rooms::Fact;

/// What may come before a snapshot.
const MAX_EARLY: usize = 1024;

/// A member as Presence shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Person {
    pub(super) name: String,
    pub(super) role: Role,
    pub(super) state: ConnectionState,
}

#[derive(Debug, Clone)]
enum Early {
    Fact(Arc<Fact>),
    Note(Note),
}

#[derive(Debug, Default)]
pub(super) struct Members {
    people: BTreeMap<ParticipantId, Person>,
    /// Set while a snapshot is needed.
    early: Option<Vec<Early>>,
    overflowed: bool,
}

impl Members {
    pub(super) fn unknown() -> Self {
        Self {
            early: Some(Vec::new()),
            ..Self::default()
        }
    }

    pub(super) fn need_snapshot(&self) -> bool {
        self.early.is_some()
    }

    /// What is known may be wrong from here on, until the next snapshot.
    pub(super) fn doubt(&mut self) {
        self.early.get_or_insert_default().clear();
        self.overflowed = false;
    }

    pub(super) fn get(&self, participant: ParticipantId) -> Option<&Person> {
        // Viewers are counted, not shown.
        self.people
            .get(&participant)
            .filter(|person| person.role != Role::Viewer)
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = ParticipantId> {
        self.people.keys().copied()
    }

    /// Takes the snapshot over if one is needed. `false`: it was not enough, ask for another.
    pub(super) fn seed(&mut self, position: Position, snapshot: &Snapshot) -> bool {
        let Some(early) = self.early.take() else {
            return true;
        };
        let person = |member: &videorooms_domain::MemberView| {
            (
                member.participant_id,
                Person {
                    name: member.name.clone(),
                    role: member.role,
                    state: member.state,
                },
            )
        };
        self.people = snapshot.members.iter().map(person).collect();
        for each in early {
            match each {
                Early::Fact(fact) if fact.position.seq <= position.seq => {}
                Early::Fact(fact) => drop(self.apply(&fact.event)),
                Early::Note(note) => drop(self.note(&note)),
            }
        }
        if std::mem::take(&mut self.overflowed) {
            self.early = Some(Vec::new());
            return false;
        }
        true
    }

    /// Answers whom the event changed.
    pub(super) fn fact(&mut self, fact: &Arc<Fact>) -> Option<ParticipantId> {
        if self.early.is_some() {
            self.keep(Early::Fact(Arc::clone(fact)));
        }
        self.apply(&fact.event)
    }

    pub(super) fn note(&mut self, note: &Note) -> Option<ParticipantId> {
        let Note::ConnectionChanged { participant, state } = note else {
            return None;
        };
        if self.early.is_some() {
            self.keep(Early::Note(note.clone()));
        }
        self.people.get_mut(participant)?.state = *state;
        Some(*participant)
    }

    fn keep(&mut self, early: Early) {
        let Some(kept) = &mut self.early else { return };
        if kept.len() < MAX_EARLY {
            kept.push(early);
        } else {
            self.overflowed = true;
        }
    }

    fn apply(&mut self, event: &Event) -> Option<ParticipantId> {
        match event {
            Event::MemberJoined {
                participant,
                name,
                role,
                ..
            } => {
                let state = ConnectionState::Connected;
                self.people.insert(
                    *participant,
                    Person {
                        name: name.clone(),
                        role: *role,
                        state,
                    },
                );
                Some(*participant)
            }
            Event::MemberLeft { participant, .. } => {
                self.people.remove(participant);
                Some(*participant)
            }
            Event::MemberRenamed { participant, name } => {
                self.people.get_mut(participant)?.name.clone_from(name);
                Some(*participant)
            }
            Event::RoleChanged {
                participant, role, ..
            } => {
                self.people.get_mut(participant)?.role = *role;
                Some(*participant)
            }
            Event::Created { .. }
            | Event::MemberAttached { .. }
            | Event::ResumeRotated { .. }
            | Event::MemberBanned { .. }
            | Event::MemberUnbanned { .. }
            | Event::MemberMuted { .. }
            | Event::MemberUnmuted { .. }
            | Event::RightsChanged { .. }
            | Event::LobbyKnocked { .. }
            | Event::LobbyDecided { .. }
            | Event::SettingsChanged { .. }
            | Event::HandRaised { .. }
            | Event::HandLowered { .. }
            | Event::ChatPosted { .. }
            | Event::MediaNodeSet { .. }
            | Event::Ended { .. } => None,
        }
    }
}
