//! From records to state. The only place that changes a [`Room`].
//!
//! It trusts the log: rules decided, and what they decided is done, also after the rules have changed. An event about someone who is not
//! there changes nothing.

use super::bans::Ban;
use super::{Member, Room};
use crate::{ChatLine, CommandId, Event, FoldError, LeaveReason, ParticipantId, Record};

impl Room {
    /// Folds a record read from the store or just committed.
    ///
    /// # Errors
    /// [`FoldError`]; then nothing changed.
    pub fn fold(&mut self, record: &Record) -> Result<(), FoldError> {
        let expected = self.seq.plus(1);
        if !(1..=Record::VERSION).contains(&record.v) {
            return Err(FoldError::Version {
                found: record.v,
                known: Record::VERSION,
            });
        }
        if record.first != expected {
            return Err(FoldError::Gap {
                expected,
                found: record.first,
            });
        }
        let begins = matches!(record.events.first(), Some(Event::Created { .. }));
        if record.events.is_empty() || begins != (expected.0 == 1) {
            return Err(FoldError::Damaged("a record that cannot follow".to_owned()));
        }
        if self.ended.is_some() {
            return Err(FoldError::Damaged("a record after the end".to_owned()));
        }
        self.absorb(record);
        Ok(())
    }

    /// For records known to fit.
    pub(super) fn absorb(&mut self, record: &Record) {
        self.epoch = record.epoch;
        self.changed_at = record.at;
        for (index, event) in record.events.iter().enumerate() {
            self.seq = record.first.plus(index);
            self.absorb_event(event);
        }
        self.chat.forget_older(record.at);
        if let Some((by, id)) = &record.origin {
            self.done.note(*by, id.clone(), self.position());
        }
        self.forget_strangers(record);
    }

    fn absorb_event(&mut self, event: &Event) {
        match event {
            Event::Created { settings } => {
                self.settings = settings.clone();
                self.created_at = self.changed_at;
            }
            Event::MemberJoined {
                participant,
                name,
                role,
                rights,
                muted,
                via,
                resume,
                former,
                address,
            } => {
                self.lobby.forget(*participant);
                self.absent.forget(*participant);
                self.hosted |= *role == crate::Role::Host;
                self.members.push(Member {
                    participant: *participant,
                    name: name.clone(),
                    role: *role,
                    rights: *rights,
                    muted: *muted,
                    joined_at: self.changed_at,
                    joined: self.seq,
                    via: via.clone(),
                    address: address.clone(),
                    resume: *resume,
                    former_resume: former.filter(|former| former != resume),
                });
            }
            Event::MemberAttached { participant, via } => self.change(*participant, |m| m.via = via.clone()),
            Event::ResumeRotated {
                participant,
                resume,
                former,
            } => self.change(*participant, |m| m.rotate_resume(*resume, *former)),
            Event::MemberLeft { participant, reason } => self.leave_behind(*participant, *reason),
            Event::MemberRenamed { participant, name } => {
                self.change(*participant, |m| m.name.clone_from(name))
            }
            Event::RoleChanged {
                participant, role, ..
            } => self.change(*participant, |m| m.role = *role),
            Event::MemberBanned {
                participant,
                name,
                address,
                ..
            } => {
                self.absent.forget(*participant);
                let (participant, name, address) = (*participant, name.clone(), address.clone());
                self.bans.insert(Ban {
                    participant,
                    name,
                    address,
                });
            }
            Event::MemberUnbanned { participant, .. } => self.bans.lift(*participant),
            Event::MemberMuted {
                participant, source, ..
            } => {
                self.change(*participant, |m| m.muted = m.muted.with(*source));
            }
            Event::MemberUnmuted {
                participant, source, ..
            } => {
                self.change(*participant, |m| m.muted = m.muted.without(*source));
            }
            Event::RightsChanged {
                participant, rights, ..
            } => self.change(*participant, |m| m.rights = *rights),
            Event::LobbyKnocked {
                participant, name, ..
            } => {
                self.lobby.knocked(*participant, name.clone(), self.changed_at);
            }
            Event::LobbyDecided {
                participant,
                admitted,
                ..
            } => self.lobby.decided(*participant, *admitted),
            Event::SettingsChanged { settings, .. } => self.settings = settings.clone(),
            Event::HandRaised { participant } => {
                self.lower(*participant);
                self.hands.push(*participant);
            }
            Event::HandLowered { participant, .. } => self.lower(*participant),
            Event::ChatPosted { from, name, text, id } => self.say(*from, name, text, id.as_ref()),
            Event::MediaNodeSet { node } => self.media_node = Some(node.clone()),
            Event::Ended { reason } => {
                // Commands stay known: a client may ask again whether its last word was heard.
                let done = std::mem::take(&mut self.done);
                let (created_at, changed_at) = (self.created_at, self.changed_at);
                let settings = std::mem::take(&mut self.settings);
                let (epoch, seq) = (self.epoch, self.seq);
                let ended = Some(*reason);
                *self = Self {
                    epoch,
                    seq,
                    created_at,
                    changed_at,
                    settings,
                    ended,
                    done,
                    ..Self::new(self.id)
                };
            }
        }
    }

    fn change(&mut self, participant: ParticipantId, change: impl FnOnce(&mut Member)) {
        if let Some(member) = self.members.get_mut(participant) {
            change(member);
        }
    }

    fn leave_behind(&mut self, participant: ParticipantId, reason: LeaveReason) {
        let member = self.members.remove(participant);
        self.lower(participant);
        match (reason, member) {
            (LeaveReason::Timeout, Some(member)) => self.absent.timed_out(member),
            (LeaveReason::Kicked, _) => self.absent.removed(participant),
            (LeaveReason::Left | LeaveReason::Timeout | LeaveReason::Banned, _) => {
                self.absent.forget(participant);
            }
        }
    }

    fn lower(&mut self, participant: ParticipantId) {
        self.hands.retain(|raised| *raised != participant);
    }

    fn say(&mut self, from: ParticipantId, name: &str, text: &str, id: Option<&CommandId>) {
        let id = id.map_or_else(|| format!("m{}", self.seq.0), |id| id.as_str().to_owned());
        let (name, text) = (name.to_owned(), text.to_owned());
        self.chat.push(ChatLine {
            id,
            from,
            name,
            text,
            at: self.changed_at,
            seq: self.seq,
        });
    }

    /// Only when there may be one more than before: it looks at all who ever named a command.
    fn forget_strangers(&mut self, record: &Record) {
        let spoke = record
            .origin
            .as_ref()
            .is_some_and(|(by, _)| self.member(*by).is_none());
        let left = record
            .events
            .iter()
            .any(|event| matches!(event, Event::MemberLeft { .. } | Event::Ended { .. }));
        if spoke || left {
            let members = &self.members;
            self.done
                .forget_strangers(|participant| members.get(participant).is_some());
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::room::testing::{NOW, Scene, id, join_as, secret};
    use crate::{Command, Epoch, Event, FoldError, Record, Role, Room, RoomId, Seq, Settings};

    fn raised(first: u64) -> Record {
        let events = vec![Event::HandRaised { participant: id(1) }];
        Record {
            v: Record::VERSION,
            epoch: Epoch(1),
            first: Seq(first),
            at: NOW,
            origin: None,
            events,
        }
    }

    #[test]
    fn a_gap_a_repeat_and_an_unknown_version_are_refused_and_change_nothing() {
        let scene = Scene::with(&[(1, Role::Host)]);
        let mut room = scene.room.clone();
        let expected = Seq(3);
        assert_eq!(
            room.fold(&raised(2)),
            Err(FoldError::Gap {
                expected,
                found: Seq(2)
            })
        );
        assert_eq!(
            room.fold(&raised(4)),
            Err(FoldError::Gap {
                expected,
                found: Seq(4)
            })
        );
        assert_eq!(
            room.fold(&Record { v: 3, ..raised(3) }),
            Err(FoldError::Version { found: 3, known: 2 })
        );
        assert!(matches!(
            room.fold(&Record {
                events: vec![],
                ..raised(3)
            }),
            Err(FoldError::Damaged(_))
        ));
        assert_eq!(room, scene.room);
        assert_eq!(room.fold(&raised(3)), Ok(()));
    }

    #[test]
    fn a_log_begins_with_a_creation_and_has_no_other() {
        let mut room = Room::new(RoomId(1));
        assert!(matches!(room.fold(&raised(1)), Err(FoldError::Damaged(_))));
        let (created, record) = Room::create(RoomId(1), NOW, Epoch(1), Settings::default()).unwrap();
        room.fold(&record).unwrap();
        assert_eq!(room, created);
        assert!(matches!(
            room.fold(&Record {
                first: Seq(2),
                ..record
            }),
            Err(FoldError::Damaged(_))
        ));
    }

    #[test]
    fn a_record_of_version_1_is_read_as_it_was_meant() {
        let mut scene = Scene::with(&[(1, Role::Host)]);
        let json = r#"{"v":1,"epoch":1,"first":3,"at":0,"events":[{"resume_rotated":{"participant":PARTICIPANT,"resume":RESUME}}]}"#;
        let value = |value: serde_json::Value| value.to_string();
        let json = json.replace("PARTICIPANT", &value(serde_json::to_value(id(1)).unwrap()));
        let json = json.replace("RESUME", &value(serde_json::to_value(secret(9)).unwrap()));
        scene
            .room
            .fold(&crate::decode_record(json.as_bytes()).unwrap())
            .unwrap();
        for good in [1, 9] {
            assert_eq!(scene.room.verify_resume(id(1), &secret(good)), Ok(()));
        }
    }

    #[test]
    fn nothing_follows_an_end() {
        let mut scene = Scene::with(&[(1, Role::Host)]);
        scene.ok(
            1,
            Command::End {
                reason: crate::EndReason::Host,
            },
        );
        let next = scene.room.seq().0 + 1;
        assert!(matches!(
            scene.room.fold(&raised(next)),
            Err(FoldError::Damaged(_))
        ));
    }

    #[test]
    fn the_seq_goes_on_in_the_next_reign() {
        let mut scene = Scene::with(&[(1, Role::Host)]);
        let seq = scene.room.seq();
        scene.epoch = Epoch(9);
        scene.ok(2, join_as(Role::Participant, "p2"));
        assert_eq!(
            scene.room.position(),
            crate::Position {
                epoch: Epoch(9),
                seq: seq.plus(1)
            }
        );
    }
}
