//! Which commands were done: the same name from the same participant again is answered, not done. It is part of durable state, so a client
//! that lost the answer with the owner of the room gets the same one from the next owner.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::limits::{COMMANDS, COMMANDS_PER_PARTICIPANT, STRANGERS};
use crate::{CommandId, ParticipantId, Position};

/// Oldest first; never empty.
type Done = Arc<VecDeque<(CommandId, Position)>>;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    from = "BTreeMap<ParticipantId, Done>",
    into = "BTreeMap<ParticipantId, Done>"
)]
pub(super) struct Once {
    by: BTreeMap<ParticipantId, Done>,
    total: usize,
}

impl Once {
    pub(super) fn position(&self, by: ParticipantId, id: &CommandId) -> Option<Position> {
        let done = self.by.get(&by)?;
        done.iter()
            .rev()
            .find(|(known, _)| known == id)
            .map(|(_, position)| *position)
    }

    pub(super) fn note(&mut self, by: ParticipantId, id: CommandId, position: Position) {
        let done = Arc::make_mut(self.by.entry(by).or_default());
        done.push_back((id, position));
        self.total += 1;
        if done.len() > COMMANDS_PER_PARTICIPANT {
            done.pop_front();
            self.total -= 1;
        }
        if self.total > COMMANDS {
            self.forget_oldest();
        }
    }

    /// Keeps the ids of a few who are no members: a retry may come after the command that made one leave.
    pub(super) fn forget_strangers(&mut self, is_member: impl Fn(ParticipantId) -> bool) {
        let silent_since = |done: &Done| done.back().map(|(_, position)| *position);
        let strangers = self.by.iter().filter(|(by, _)| !is_member(**by));
        let mut strangers: Vec<_> = strangers.map(|(by, done)| (silent_since(done), *by)).collect();
        let surplus = strangers.len().saturating_sub(STRANGERS);
        strangers.sort_unstable();
        for (_, by) in &strangers[..surplus] {
            self.total -= self.by.remove(by).map_or(0, |done| done.len());
        }
    }

    fn forget_oldest(&mut self) {
        let oldest = self
            .by
            .iter()
            .min_by_key(|(_, done)| done.front().map(|(_, position)| *position));
        let Some(by) = oldest.map(|(by, _)| *by) else {
            return;
        };
        let Some(done) = self.by.get_mut(&by).map(Arc::make_mut) else {
            return;
        };
        done.pop_front();
        self.total -= 1;
        if done.is_empty() {
            self.by.remove(&by);
        }
    }
}

impl From<Once> for BTreeMap<ParticipantId, Done> {
    fn from(once: Once) -> Self {
        once.by
    }
}

impl From<BTreeMap<ParticipantId, Done>> for Once {
    fn from(by: BTreeMap<ParticipantId, Done>) -> Self {
        let total = by.values().map(|done| done.len()).sum();
        Self { by, total }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::room::testing::{Scene, id, join_as};
    use crate::{Command, Epoch, Rejection, Role, Seq};

    fn command_id(n: usize) -> CommandId {
        format!("c{n}").parse().unwrap()
    }

    fn at(seq: usize) -> Position {
        Position {
            epoch: Epoch(1),
            seq: Seq(seq as u64),
        }
    }

    #[test]
    fn a_command_sent_again_is_answered_with_the_first_position_whatever_it_now_says() {
        let mut scene = Scene::with(&[(1, Role::Host), (2, Role::Participant)]);
        let first = scene
            .transition(2, Some("x"), Command::Chat { text: "a".into() })
            .unwrap();
        scene.ok(1, Command::RaiseHand);
        let before = scene.room.clone();
        let again = scene
            .transition(2, Some("x"), Command::Chat { text: "b".into() })
            .unwrap();
        assert_eq!((again.record, again.answer), (None, first.answer));
        assert_eq!(scene.room, before);
    }

    #[test]
    fn ids_are_each_participants_own() {
        let mut scene = Scene::with(&[(1, Role::Host), (2, Role::Participant)]);
        scene.ok_as(1, Some("x"), Command::RaiseHand);
        assert_eq!(scene.ok_as(2, Some("x"), Command::RaiseHand).len(), 1);
    }

    #[test]
    fn a_departure_sent_again_is_answered_after_one_is_gone() {
        let mut scene = Scene::with(&[(1, Role::Host)]);
        let left = scene.transition(1, Some("bye"), Command::Leave).unwrap();
        let again = scene.transition(1, Some("bye"), Command::Leave).unwrap();
        assert_eq!((again.record, again.answer), (None, left.answer));
        assert_eq!(scene.refused(1, Command::Leave), Rejection::NotMember);
    }

    #[test]
    fn what_was_refused_is_decided_anew() {
        let mut scene = Scene::with(&[(1, Role::Host)]);
        assert!(scene.transition(2, Some("x"), Command::RaiseHand).is_err());
        scene.ok(2, join_as(Role::Participant, "p2"));
        assert_eq!(scene.ok_as(2, Some("x"), Command::RaiseHand).len(), 1);
    }

    #[test]
    fn of_one_participant_the_newest_ids_are_known() {
        let mut once = Once::default();
        for n in 0..=COMMANDS_PER_PARTICIPANT {
            once.note(id(1), command_id(n), at(n));
        }
        assert_eq!(once.position(id(1), &command_id(0)), None);
        assert_eq!(once.position(id(1), &command_id(1)), Some(at(1)));
        assert_eq!(once.total, COMMANDS_PER_PARTICIPANT);
    }

    #[test]
    fn of_all_participants_the_oldest_id_is_forgotten_first() {
        let mut once = Once::default();
        for n in 0..=COMMANDS {
            once.note(id(n as u64 % 100), command_id(n), at(n));
        }
        assert_eq!(once.total, COMMANDS);
        assert_eq!(once.position(id(0), &command_id(0)), None);
        assert_eq!(once.position(id(1), &command_id(1)), Some(at(1)));
    }

    #[test]
    fn of_those_gone_only_the_latest_are_known() {
        let mut once = Once::default();
        for n in 0..STRANGERS + 10 {
            once.note(id(n as u64), command_id(n), at(n));
        }
        once.forget_strangers(|who| who == id(0));
        assert_eq!(once.by.len(), STRANGERS + 1);
        assert!(
            once.position(id(0), &command_id(0)).is_some(),
            "a member is no stranger"
        );
        assert_eq!(once.position(id(9), &command_id(9)), None);
        assert!(once.position(id(10), &command_id(10)).is_some());
        assert_eq!(once.total, once.by.values().map(|done| done.len()).sum::<usize>());
    }
}
