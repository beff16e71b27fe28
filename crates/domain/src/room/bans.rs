//! Who may not come back. At most [`crate::limits::BANS`], which the rule that bans watches.

use serde::{Deserialize, Serialize};

use crate::{BannedView, ParticipantId};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ban {
    pub(super) participant: ParticipantId,
    pub(super) name: String,
    pub(super) address: Option<String>,
}

/// In order of banning.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Bans(Vec<Ban>);

impl Bans {
    pub(super) fn get(&self, participant: ParticipantId) -> Option<&Ban> {
        self.0.iter().find(|ban| ban.participant == participant)
    }

    pub(super) fn contains(&self, participant: ParticipantId) -> bool {
        self.get(participant).is_some()
    }

    /// An unknown address is bound by nothing.
    pub(super) fn binds_address(&self, address: Option<&str>) -> bool {
        address.is_some() && self.0.iter().any(|ban| ban.address.as_deref() == address)
    }

    pub(super) fn insert(&mut self, ban: Ban) {
        self.lift(ban.participant);
        self.0.push(ban);
    }

    pub(super) fn lift(&mut self, participant: ParticipantId) {
        self.0.retain(|ban| ban.participant != participant);
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn views(&self) -> Vec<BannedView> {
        let view = |ban: &Ban| BannedView {
            participant_id: ban.participant,
            name: ban.name.clone(),
        };
        self.0.iter().map(view).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::limits::BANS;
    use crate::room::testing::{Scene, id, join_as};
    use crate::{Command, Rejection, Role};

    #[test]
    fn the_number_of_bans_is_bounded_and_a_plain_kick_still_works() {
        let mut scene = Scene::with(&[(1, Role::Host)]);
        let kick = |who, ban| Command::Kick {
            participant: id(who),
            ban,
            ban_address: false,
        };
        for who in 0..BANS as u64 {
            scene.ok(100 + who, join_as(Role::Participant, "bad"));
            scene.ok(1, kick(100 + who, true));
        }
        scene.ok(2, join_as(Role::Participant, "bad"));
        assert_eq!(scene.refused(1, kick(2, true)), Rejection::Limit("bans"));
        scene.ok(1, kick(2, false));
    }
}
