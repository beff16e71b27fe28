//! The lobby: newcomers knock, moderators decide. Who was admitted may join from then on; the token it knocked with is still its key.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{Decision, Room};
use crate::limits::{ADMITTED, WAITING};
use crate::{Actor, Event, ParticipantId, Rejection, Role, Timestamp, Waiting};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Lobby {
    waiting: Vec<Waiting>,
    admitted: VecDeque<ParticipantId>,
}

impl Lobby {
    pub(super) fn is_waiting(&self, participant: ParticipantId) -> bool {
        self.waiting
            .iter()
            .any(|waiting| waiting.participant_id == participant)
    }

    pub(super) fn is_admitted(&self, participant: ParticipantId) -> bool {
        self.admitted.contains(&participant)
    }

    /// In order of knocking.
    pub(super) fn waiting(&self) -> &[Waiting] {
        &self.waiting
    }

    pub(super) fn knocked(&mut self, participant_id: ParticipantId, name: String, since: Timestamp) {
        self.forget(participant_id);
        self.waiting.push(Waiting {
            participant_id,
            name,
            since,
        });
    }

    pub(super) fn decided(&mut self, participant: ParticipantId, admitted: bool) {
        self.forget(participant);
        if admitted {
            if self.admitted.len() >= ADMITTED {
                self.admitted.pop_front();
            }
            self.admitted.push_back(participant);
        }
    }

    pub(super) fn forget(&mut self, participant: ParticipantId) {
        self.waiting
            .retain(|waiting| waiting.participant_id != participant);
        self.admitted.retain(|admitted| *admitted != participant);
    }
}

impl Room {
    pub(super) fn knock(&self, participant: ParticipantId, name: String, role: Role) -> Decision {
        if self.is_waiting(participant) {
            return Ok(Vec::new());
        }
        if self.lobby.waiting.len() >= WAITING {
            return Err(Rejection::Limit("waiting people"));
        }
        Ok(vec![Event::LobbyKnocked {
            participant,
            name,
            role,
        }])
    }

    pub(super) fn decide_lobby(&self, by: Actor, participant: ParticipantId, admitted: bool) -> Decision {
        let by = self.moderator(by)?.id();
        if self.is_waiting(participant) {
            return Ok(vec![Event::LobbyDecided {
                participant,
                admitted,
                by,
            }]);
        }
        // Two moderators may say yes to the same person.
        let is_so_already = self.lobby.is_admitted(participant) || self.member(participant).is_some();
        if admitted && is_so_already {
            Ok(Vec::new())
        } else {
            Err(Rejection::NoSuchParticipant)
        }
    }

    /// Nobody is left standing before a lobby that was closed.
    pub(super) fn everyone_in(&self, by: Option<ParticipantId>) -> impl Iterator<Item = Event> {
        let admit = move |waiting: &Waiting| Event::LobbyDecided {
            participant: waiting.participant_id,
            admitted: true,
            by,
        };
        self.lobby.waiting.iter().map(admit)
    }

    /// May this one join though there is a lobby, because a moderator said so.
    #[must_use]
    pub fn is_admitted(&self, participant: ParticipantId) -> bool {
        self.lobby.is_admitted(participant)
    }

    /// Who waits, in order of knocking.
    pub fn waiting(&self) -> impl Iterator<Item = &Waiting> {
        self.lobby.waiting.iter()
    }
}

#[cfg(test)]
mod tests {
    use crate::limits::WAITING;
    use crate::room::testing::{Scene, id, join_as};
    use crate::{Command, Event, Rejection, Role, SettingsPatch};

    fn with_lobby() -> Scene {
        let mut scene = Scene::with(&[(1, Role::Host)]);
        scene.ok(
            1,
            Command::ChangeSettings(SettingsPatch {
                lobby: Some(true),
                ..SettingsPatch::default()
            }),
        );
        scene
    }

    fn knock() -> Command {
        join_as(Role::Participant, "someone")
    }

    fn decide(who: u64, admit: bool) -> Command {
        Command::DecideLobby {
            participant: id(who),
            admit,
        }
    }

    #[test]
    fn a_newcomer_knocks_once_and_is_in_after_it_was_admitted() {
        let mut scene = with_lobby();
        scene.ok(2, knock());
        assert_eq!(scene.ok(2, knock()), vec![], "knocking again changes nothing");
        assert!(scene.room.is_waiting(id(2)) && scene.room.member(id(2)).is_none());
        scene.ok(1, decide(2, true));
        assert_eq!(
            scene.ok(1, decide(2, true)),
            vec![],
            "another moderator said yes, too"
        );
        scene.ok(2, knock());
        assert_eq!(scene.roles(), [(1, Role::Host), (2, Role::Participant)]);
    }

    #[test]
    fn a_refused_newcomer_may_knock_again_and_one_that_goes_is_gone() {
        let mut scene = with_lobby();
        scene.ok(2, knock());
        scene.ok(1, decide(2, false));
        scene.ok(2, knock());
        let gone = Event::LobbyDecided {
            participant: id(2),
            admitted: false,
            by: None,
        };
        assert_eq!(scene.ok(2, Command::Leave), vec![gone.clone()]);
        assert_eq!(scene.refused(1, decide(2, true)), Rejection::NoSuchParticipant);
        scene.ok(2, knock());
        assert_eq!(
            scene.system(Command::Expire { participant: id(2) }),
            Ok(vec![gone])
        );
    }

    #[test]
    fn moderators_pass_and_participants_may_not_decide() {
        let mut scene = with_lobby();
        scene.ok(2, join_as(Role::Moderator, "m"));
        scene.ok(3, knock());
        scene.ok(2, decide(3, true));
        scene.ok(3, knock());
        scene.ok(4, knock());
        assert_eq!(scene.refused(3, decide(4, true)), Rejection::Forbidden);
    }

    #[test]
    fn who_was_admitted_passes_a_lock() {
        let mut scene = with_lobby();
        scene.ok(2, knock());
        scene.ok(1, decide(2, true));
        scene.ok(
            1,
            Command::ChangeSettings(SettingsPatch {
                locked: Some(true),
                ..SettingsPatch::default()
            }),
        );
        scene.ok(2, knock());
        assert_eq!(scene.refused(3, knock()), Rejection::Locked);
    }

    #[test]
    fn someone_waiting_who_comes_back_as_moderator_leaves_the_lobby() {
        let mut scene = with_lobby();
        scene.ok(2, knock());
        let events = scene.ok(2, join_as(Role::Moderator, "m"));
        assert_eq!(
            events[0],
            Event::LobbyDecided {
                participant: id(2),
                admitted: true,
                by: None
            }
        );
        assert!(!scene.room.is_waiting(id(2)));
    }

    #[test]
    fn closing_the_lobby_lets_everyone_in() {
        let mut scene = with_lobby();
        scene.ok(2, knock());
        scene.ok(3, knock());
        let off = SettingsPatch {
            lobby: Some(false),
            ..SettingsPatch::default()
        };
        assert_eq!(scene.ok(1, Command::ChangeSettings(off)).len(), 3);
        assert_eq!(scene.room.waiting().count(), 0);
        let on = SettingsPatch {
            lobby: Some(true),
            ..SettingsPatch::default()
        };
        scene.ok(1, Command::ChangeSettings(on));
        scene.ok(2, knock());
        assert!(scene.room.member(id(2)).is_some(), "it was promised a place");
    }

    #[test]
    fn the_number_of_waiting_people_is_bounded() {
        let mut scene = with_lobby();
        for who in 0..WAITING as u64 {
            scene.ok(100 + who, knock());
        }
        assert_eq!(scene.refused(2, knock()), Rejection::Limit("waiting people"));
    }
}
