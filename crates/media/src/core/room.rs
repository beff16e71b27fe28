//! A room: who has a peer in it, and who may publish what.

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use crate::{MediaError, ParticipantKey, PeerKey, RoomRules, Sources};

use super::published::Published;

/// Rights are kept for participants without a peer, too; so many a room.
const MAX_RIGHTS: usize = 8192;

/// One room.
#[derive(Debug)]
pub(super) struct Room {
    pub(super) rules: RoomRules,
    /// One peer per participant, in order of participant.
    pub(super) members: BTreeMap<ParticipantKey, PeerKey>,
    pub(super) published: Published,
    /// The last speakers' list.
    pub(super) speaking: Vec<(ParticipantKey, u8)>,
    rights: HashMap<ParticipantKey, Sources>,
    empty_since: Option<Instant>,
    keep_until: Instant,
}

impl Room {
    pub(super) fn new(now: Instant, rules: RoomRules) -> Self {
        Self {
            rules,
            members: BTreeMap::new(),
            published: Published::default(),
            speaking: Vec::new(),
            rights: HashMap::new(),
            empty_since: Some(now),
            keep_until: now,
        }
    }

    /// All its peers were lost.
    pub(super) fn vacate(&mut self, now: Instant) {
        self.members.clear();
        self.published = Published::default();
        self.speaking.clear();
        self.empty_since.get_or_insert(now);
    }

    pub(super) fn keep(&mut self, until: Instant) {
        self.keep_until = self.keep_until.max(until);
    }

    /// When the room ends unless somebody comes; `None` while somebody is there.
    pub(super) fn ends_at(&self) -> Option<Instant> {
        let empty = |since: Instant| (since + self.rules.empty_timeout).max(self.keep_until);
        self.empty_since.map(empty)
    }

    pub(super) fn enter(&mut self, participant: ParticipantKey, peer: PeerKey) {
        self.members.insert(participant, peer);
        self.empty_since = None;
    }

    pub(super) fn leave(&mut self, now: Instant, participant: ParticipantKey, peer: PeerKey) {
        if self.members.get(&participant) == Some(&peer) {
            self.members.remove(&participant);
        }
        if self.members.is_empty() {
            self.empty_since.get_or_insert(now);
        }
    }

    pub(super) fn allowed(&self, participant: ParticipantKey) -> Sources {
        self.rights.get(&participant).copied().unwrap_or(Sources::NONE)
    }

    pub(super) fn allow(&mut self, participant: ParticipantKey, allowed: Sources) -> Result<(), MediaError> {
        if self.rights.len() >= MAX_RIGHTS && !self.rights.contains_key(&participant) {
            return Err(MediaError::Full("rights of a room"));
        }
        self.rights.insert(participant, allowed);
        Ok(())
    }

    /// What the participant's token says, unless its rights are known already.
    pub(super) fn allow_at_first(
        &mut self,
        participant: ParticipantKey,
        allowed: Sources,
    ) -> Result<(), MediaError> {
        if self.rights.contains_key(&participant) {
            Ok(())
        } else {
            self.allow(participant, allowed)
        }
    }

    pub(super) fn forget(&mut self, participant: ParticipantKey) {
        self.rights.remove(&participant);
    }
}
