//! Members in order of joining, found by id. Joined seqs only rise, so the list is sorted by them and the index need not move when someone leaves.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Member;
use crate::{ParticipantId, Seq};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Arc<Member>>", into = "Vec<Arc<Member>>")]
pub(super) struct Roster {
    in_order: Vec<Arc<Member>>,
    joined: BTreeMap<ParticipantId, Seq>,
}

impl Roster {
    pub(super) fn get(&self, participant: ParticipantId) -> Option<&Member> {
        let place = self.place(participant)?;
        Some(&self.in_order[place])
    }

    pub(super) fn get_mut(&mut self, participant: ParticipantId) -> Option<&mut Member> {
        let place = self.place(participant)?;
        Some(Arc::make_mut(&mut self.in_order[place]))
    }

    /// A member of that name is replaced and stands last.
    pub(super) fn push(&mut self, member: Member) {
        self.remove(member.participant);
        self.joined.insert(member.participant, member.joined);
        self.in_order.push(Arc::new(member));
    }

    pub(super) fn remove(&mut self, participant: ParticipantId) -> Option<Arc<Member>> {
        let place = self.place(participant)?;
        self.joined.remove(&participant);
        Some(self.in_order.remove(place))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Member> {
        self.in_order.iter().map(|member| &**member)
    }

    pub(super) fn len(&self) -> usize {
        self.in_order.len()
    }

    fn place(&self, participant: ParticipantId) -> Option<usize> {
        let joined = self.joined.get(&participant)?;
        self.in_order
            .binary_search_by_key(joined, |member| member.joined)
            .ok()
    }
}

impl From<Roster> for Vec<Arc<Member>> {
    fn from(roster: Roster) -> Self {
        roster.in_order
    }
}

impl TryFrom<Vec<Arc<Member>>> for Roster {
    type Error = &'static str;

    fn try_from(in_order: Vec<Arc<Member>>) -> Result<Self, Self::Error> {
        let joined: BTreeMap<_, _> = in_order
            .iter()
            .map(|member| (member.participant, member.joined))
            .collect();
        let sorted = in_order.is_sorted_by(|a, b| a.joined < b.joined);
        if sorted && joined.len() == in_order.len() {
            Ok(Self { in_order, joined })
        } else {
            Err("members are doubled or out of order")
        }
    }
}
