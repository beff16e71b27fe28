//! What a room lately said, one event after the other without a gap, for clients that come back.

use std::collections::VecDeque;
use std::sync::Arc;

use videorooms_domain::{Position, Seq};

use crate::api::Fact;

/// Events kept; who misses more is answered with a snapshot.
const KEPT: usize = 256;

/// The newest events, and the place from which they go on.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    /// Of the event before the first that is kept; none when it is not known, or there is none.
    before: Option<Position>,
    facts: VecDeque<Arc<Fact>>,
}

impl Recent {
    /// Of a room whose snapshot stands at `before`.
    pub(crate) fn after_snapshot(before: Option<Position>) -> Self {
        let facts = VecDeque::new();
        Self { before, facts }
    }

    pub(crate) fn push(&mut self, fact: Arc<Fact>) {
        if self.facts.len() == KEPT {
            self.before = self.facts.pop_front().map(|oldest| oldest.position);
        }
        self.facts.push_back(fact);
    }

    /// Where the event of that number stands, if it is known.
    pub(crate) fn position_of(&self, seq: Seq) -> Option<Position> {
        let known = self.facts.iter().map(|fact| fact.position).chain(self.before);
        known.into_iter().find(|position| position.seq == seq)
    }

    /// What came after, as far as it is kept.
    pub(crate) fn after(&self, seq: Seq) -> impl Iterator<Item = &Arc<Fact>> {
        self.facts.iter().filter(move |fact| fact.position.seq > seq)
    }
}

#[cfg(test)]
mod tests {
    use videorooms_domain::{Epoch, Event, ParticipantId, Timestamp};

    use super::*;

    fn at(epoch: u64, seq: usize) -> Position {
        Position {
            epoch: Epoch(epoch),
            seq: Seq(seq as u64),
        }
    }

    fn fact(position: Position) -> Arc<Fact> {
        let event = Event::HandRaised {
            participant: ParticipantId(1),
        };
        let at = Timestamp::default();
        Arc::new(Fact { position, at, event })
    }

    #[test]
    fn the_place_before_the_first_is_known_from_the_snapshot_and_moves_with_the_first() {
        let mut recent = Recent::after_snapshot(Some(at(3, 10)));
        assert_eq!(recent.position_of(Seq(10)), Some(at(3, 10)));
        for seq in 11..=10 + KEPT + 5 {
            recent.push(fact(at(4, seq)));
        }
        assert_eq!(recent.position_of(Seq(10)), None);
        assert_eq!(recent.position_of(Seq(14)), None);
        assert_eq!(
            recent.position_of(Seq(15)),
            Some(at(4, 15)),
            "the last one dropped"
        );
        assert_eq!(recent.after(Seq(15)).count(), KEPT);
        assert_eq!(recent.after(Seq(10 + KEPT as u64 + 4)).count(), 1);
    }

    #[test]
    fn without_a_snapshot_nothing_is_known_before_the_first() {
        let mut recent = Recent::after_snapshot(None);
        recent.push(fact(at(1, 1)));
        assert_eq!(recent.position_of(Seq(0)), None);
        assert_eq!(recent.position_of(Seq(1)), Some(at(1, 1)));
    }
}
