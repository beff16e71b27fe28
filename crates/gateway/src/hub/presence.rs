//! Presence of one room: what the sockets were last told, and what has changed since.
//!
//! Diffs are computed against what was sent, so a change that is undone within the window, or a change of owner that changes nothing, is not
//! told at all. A newcomer gets the state as last sent, encoded once for all newcomers of a window, and then the same diffs as everyone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use videorooms_domain::ParticipantId;
use videorooms_protocol::presence::{PresenceDiff, PresenceEntry, PresenceMeta, PresenceState};

use super::roster::{Members, Person};
use crate::channels::translate::{wire_role, wire_state};

const WINDOW: Duration = Duration::from_millis(50);
const LONGEST_WINDOW: Duration = Duration::from_millis(250);
/// A thousand sockets reach the longest window.
const WINDOW_PER_SOCKET: Duration = Duration::from_micros(200);

#[derive(Default)]
pub(super) struct Presence {
    sent: BTreeMap<ParticipantId, Person>,
    changed: BTreeSet<ParticipantId>,
    state: Option<Arc<RawValue>>,
    scheduled: bool,
}

impl Presence {
    /// How long changes are gathered for so many sockets.
    pub(super) fn window(sockets: usize) -> Duration {
        let sockets = u32::try_from(sockets).unwrap_or(u32::MAX);
        WINDOW
            .saturating_add(WINDOW_PER_SOCKET.saturating_mul(sockets))
            .min(LONGEST_WINDOW)
    }

    pub(super) fn changed(&mut self, participant: ParticipantId) {
        self.changed.insert(participant);
    }

    /// After a snapshot anyone may differ from what was sent.
    pub(super) fn compare_all(&mut self, members: &Members) {
        self.changed.extend(members.ids());
        self.changed.extend(self.sent.keys().copied());
    }

    /// Answers `true` once for each window that has to be waited for.
    pub(super) fn schedule(&mut self) -> bool {
        !self.changed.is_empty() && !std::mem::replace(&mut self.scheduled, true)
    }

    /// What to tell everyone at the end of a window, if anything.
    pub(super) fn diff(&mut self, members: &Members) -> Option<PresenceDiff> {
        self.scheduled = false;
        let mut diff = PresenceDiff::default();
        for participant in std::mem::take(&mut self.changed) {
            let (was, is) = (self.sent.get(&participant), members.get(participant));
            if was == is {
                continue;
            }
            if let Some(was) = was {
                diff.leaves
                    .insert(participant.to_string(), entry(participant, was));
            }
            match is {
                Some(is) => {
                    diff.joins.insert(participant.to_string(), entry(participant, is));
                    self.sent.insert(participant, is.clone());
                }
                None => drop(self.sent.remove(&participant)),
            }
        }
        if diff.joins.is_empty() && diff.leaves.is_empty() {
            return None;
        }
        self.state = None;
        Some(diff)
    }

    /// The state as last told, encoded.
    pub(super) fn state(&mut self) -> Arc<RawValue> {
        let sent = &self.sent;
        let encode = || {
            let state: PresenceState = sent
                .iter()
                .map(|(id, person)| (id.to_string(), entry(*id, person)))
                .collect();
            serde_json::value::to_raw_value(&state)
                .expect("a map of text has a JSON form")
                .into()
        };
        Arc::clone(self.state.get_or_insert_with(encode))
    }
}

fn entry(participant: ParticipantId, person: &Person) -> PresenceEntry {
    let Person { name, role, state } = person;
    let meta = PresenceMeta {
        phx_ref: phx_ref(participant, person),
        name: name.clone(),
        role: wire_role(*role),
        state: wire_state(*state),
    };
    PresenceEntry { metas: vec![meta] }
}

/// The content's own name: equal on every node that knows the same of this member.
fn phx_ref(participant: ParticipantId, person: &Person) -> String {
    let state = format!(
        "{participant}\n{}\n{:?}\n{}",
        person.role.as_str(),
        person.state,
        person.name
    );
    BASE64_STANDARD.encode(&Sha256::digest(state)[..12])
}
