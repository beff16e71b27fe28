//! Credentials for providers that keep them in memory: opaque, random, for one participant of one room.
//!
//! The expiry bounds the first use. A token that opened its place once stays good there until the participant is removed or the room
//! ends, since a client must be able to build its media anew at any time of a call. A restart makes all of them void, which
//! is right: the media they opened is gone as well. Bounded: two per participant and so many participants.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use videorooms_domain::{ParticipantId, RoomId};

use crate::{SfuError, TokenOptions};

/// Participants of one provider that hold a token.
const MAX_HOLDERS: usize = 100_000;
/// A full table is searched for expired tokens no more often than this.
const SWEEP_EVERY: Duration = Duration::from_secs(10);

/// What a token stands for.
#[derive(Debug, Clone)]
struct Grant {
    token: String,
    options: TokenOptions,
    expires: Instant,
    used: bool,
}

impl Grant {
    fn is_good(&self, now: Instant) -> bool {
        self.used || self.expires > now
    }
}

/// The tokens of one participant. Two, so that a join under way is not cut off by the next.
#[derive(Debug)]
struct Held {
    newest: Grant,
    former: Option<Grant>,
}

impl Held {
    fn grants(&self) -> impl Iterator<Item = &Grant> {
        std::iter::once(&self.newest).chain(&self.former)
    }

    fn grants_mut(&mut self) -> impl Iterator<Item = &mut Grant> {
        std::iter::once(&mut self.newest).chain(&mut self.former)
    }
}

/// The living tokens.
#[derive(Debug)]
pub(crate) struct Tokens {
    rooms: HashMap<RoomId, HashMap<ParticipantId, Held>>,
    holders: usize,
    most: usize,
    next_sweep: Option<Instant>,
}

impl Default for Tokens {
    fn default() -> Self {
        Self {
            rooms: HashMap::new(),
            holders: 0,
            most: MAX_HOLDERS,
            next_sweep: None,
        }
    }
}

impl Tokens {
    pub(crate) fn issue(
        &mut self,
        now: Instant,
        room: RoomId,
        participant: ParticipantId,
        options: TokenOptions,
    ) -> Result<String, SfuError> {
        let token = format!("{:032x}", random_u128()?);
        let newest = Grant {
            token: token.clone(),
            options,
            expires: now + options.ttl,
            used: false,
        };
        if let Some(held) = self.held(room, participant) {
            held.former = Some(std::mem::replace(&mut held.newest, newest));
            return Ok(token);
        }
        if self.holders >= self.most {
            self.sweep(now);
        }
        if self.holders >= self.most {
            return Err(SfuError::Full("tokens".into()));
        }
        let held = Held { newest, former: None };
        self.rooms.entry(room).or_default().insert(participant, held);
        self.holders += 1;
        Ok(token)
    }

    /// The rights of whoever shows this token for that place; from now on the token does not expire.
    pub(crate) fn redeem(
        &mut self,
        now: Instant,
        token: &str,
        room: RoomId,
        participant: ParticipantId,
    ) -> Result<TokenOptions, SfuError> {
        let held = self.held(room, participant).ok_or(SfuError::Forbidden)?;
        let grant = held
            .grants_mut()
            .find(|grant| grant.token == token && grant.is_good(now))
            .ok_or(SfuError::Forbidden)?;
        grant.used = true;
        Ok(grant.options)
    }

    /// Whoever was given a token for this room that is not forgotten, expired or not: an expired one may have made a peer.
    pub(crate) fn holders(&self, room: RoomId) -> BTreeSet<ParticipantId> {
        let holders = self.rooms.get(&room).into_iter().flat_map(HashMap::keys);
        holders.copied().collect()
    }

    pub(crate) fn forget_room(&mut self, room: RoomId) {
        self.holders -= self.rooms.remove(&room).map_or(0, |holders| holders.len());
    }

    pub(crate) fn forget_participant(&mut self, room: RoomId, participant: ParticipantId) {
        let Some(holders) = self.rooms.get_mut(&room) else {
            return;
        };
        self.holders -= usize::from(holders.remove(&participant).is_some());
        if holders.is_empty() {
            self.rooms.remove(&room);
        }
    }

    fn held(&mut self, room: RoomId, participant: ParticipantId) -> Option<&mut Held> {
        self.rooms.get_mut(&room)?.get_mut(&participant)
    }

    /// Forgets who let every token expire unused.
    fn sweep(&mut self, now: Instant) {
        if self.next_sweep.is_some_and(|next| now < next) {
            return;
        }
        self.next_sweep = Some(now + SWEEP_EVERY);
        self.rooms.retain(|_, holders| {
            holders.retain(|_, held| held.grants().any(|grant| grant.is_good(now)));
            !holders.is_empty()
        });
        self.holders = self.rooms.values().map(HashMap::len).sum();
    }
}

/// 128 bits from the system.
pub(crate) fn random_u128() -> Result<u128, SfuError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| SfuError::Unavailable(format!("no randomness: {error}")))?;
    Ok(u128::from_ne_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use videorooms_domain::SourceSet;

    use super::*;

    const ROOM: RoomId = RoomId(1);
    const ANNA: ParticipantId = ParticipantId(1);
    const OPTIONS: TokenOptions = TokenOptions {
        publish: SourceSet::ALL,
        subscribe: true,
        ttl: Duration::from_secs(600),
    };
    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn a_token_expires_unused_and_not_once_it_was_used() {
        let (mut tokens, now) = (Tokens::default(), Instant::now());
        let unused = tokens.issue(now, ROOM, ANNA, OPTIONS).unwrap();
        assert_eq!(
            tokens.redeem(now + HOUR, &unused, ROOM, ANNA),
            Err(SfuError::Forbidden)
        );
        let used = tokens.issue(now, ROOM, ANNA, OPTIONS).unwrap();
        tokens.redeem(now, &used, ROOM, ANNA).unwrap();
        assert_eq!(tokens.redeem(now + HOUR, &used, ROOM, ANNA), Ok(OPTIONS));
        tokens.forget_participant(ROOM, ANNA);
        assert_eq!(tokens.redeem(now, &used, ROOM, ANNA), Err(SfuError::Forbidden));
    }

    #[test]
    fn a_room_that_ended_takes_its_tokens_with_it() {
        let (mut tokens, now) = (Tokens::default(), Instant::now());
        let token = tokens.issue(now, ROOM, ANNA, OPTIONS).unwrap();
        tokens.redeem(now, &token, ROOM, ANNA).unwrap();
        tokens.forget_room(ROOM);
        assert_eq!(tokens.redeem(now, &token, ROOM, ANNA), Err(SfuError::Forbidden));
        assert_eq!(tokens.holders, 0);
    }

    #[test]
    fn a_participant_holds_two_tokens_however_often_it_joins() {
        let (mut tokens, now) = (Tokens::default(), Instant::now());
        let issued: Vec<_> = (0..1000)
            .map(|_| tokens.issue(now, ROOM, ANNA, OPTIONS).unwrap())
            .collect();
        let good = issued
            .iter()
            .filter(|token| tokens.redeem(now, token, ROOM, ANNA).is_ok());
        assert_eq!(good.collect::<Vec<_>>(), issued[998..].iter().collect::<Vec<_>>());
        assert_eq!(tokens.holders, 1);
    }

    #[test]
    fn a_full_table_gives_the_places_of_expired_tokens_away() {
        let (mut tokens, now) = (Tokens::default(), Instant::now());
        tokens.most = 2;
        let used = tokens.issue(now, ROOM, ANNA, OPTIONS).unwrap();
        tokens.redeem(now, &used, ROOM, ANNA).unwrap();
        tokens.issue(now, ROOM, ParticipantId(2), OPTIONS).unwrap();
        let third = |tokens: &mut Tokens, now| tokens.issue(now, ROOM, ParticipantId(3), OPTIONS);
        assert_eq!(third(&mut tokens, now), Err(SfuError::Full("tokens".into())));
        assert!(third(&mut tokens, now + HOUR).is_ok());
        assert!(tokens.redeem(now + HOUR, &used, ROOM, ANNA).is_ok());
    }
}
