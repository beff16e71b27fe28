//! Credentials for providers that keep them in memory: opaque, random, short-lived, for one participant of one room.
//!
//! A restart makes them void, which is right: the media they opened is gone as well. Bounded; expired ones make room first.

use std::collections::{BTreeSet, HashMap};
use std::time::Instant;

use videorooms_domain::{ParticipantId, RoomId};

use crate::{SfuError, TokenOptions};

/// Living tokens of one provider: ten for each of ten thousand participants.
const MAX_TOKENS: usize = 100_000;

/// What a token stands for.
#[derive(Debug, Clone, Copy)]
struct Grant {
    room: RoomId,
    participant: ParticipantId,
    options: TokenOptions,
    expires: Instant,
}

/// The living tokens.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    grants: HashMap<String, Grant>,
}

impl Tokens {
    pub(crate) fn issue(
        &mut self,
        now: Instant,
        room: RoomId,
        participant: ParticipantId,
        options: TokenOptions,
    ) -> Result<String, SfuError> {
        if self.grants.len() >= MAX_TOKENS {
            self.grants.retain(|_, grant| grant.expires > now);
        }
        if self.grants.len() >= MAX_TOKENS {
            return Err(SfuError::Full("tokens"));
        }
        let token = format!("{:032x}", random_u128()?);
        self.grants.insert(
            token.clone(),
            Grant {
                room,
                participant,
                options,
                expires: now + options.ttl,
            },
        );
        Ok(token)
    }

    /// The rights of whoever shows this token for that place.
    pub(crate) fn check(
        &self,
        now: Instant,
        token: &str,
        room: RoomId,
        participant: ParticipantId,
    ) -> Result<TokenOptions, SfuError> {
        let grant = self.grants.get(token).ok_or(SfuError::Forbidden)?;
        let fits = grant.room == room && grant.participant == participant && grant.expires > now;
        if fits {
            Ok(grant.options)
        } else {
            Err(SfuError::Forbidden)
        }
    }

    /// Whoever was given a token for this room that is not forgotten, expired or not: an expired one may have made a peer.
    pub(crate) fn holders(&self, room: RoomId) -> BTreeSet<ParticipantId> {
        let of_room = self.grants.values().filter(|grant| grant.room == room);
        of_room.map(|grant| grant.participant).collect()
    }

    pub(crate) fn forget_room(&mut self, room: RoomId) {
        self.grants.retain(|_, grant| grant.room != room);
    }

    pub(crate) fn forget_participant(&mut self, room: RoomId, participant: ParticipantId) {
        self.grants
            .retain(|_, grant| grant.room != room || grant.participant != participant);
    }
}

/// 128 bits from the system.
pub(crate) fn random_u128() -> Result<u128, SfuError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| SfuError::Unavailable(format!("no randomness: {error}")))?;
    Ok(u128::from_ne_bytes(bytes))
}
