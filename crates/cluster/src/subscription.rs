//! What one node hears from the owners of shards elsewhere: each stream of events in order, each event once, whoever owns the shard meanwhile.
//!
//! A stream is named by a room's id; what is in it is opaque. The owner sends each event once to each node that subscribed. When a shard moves, or the
//! link breaks, or an event is missing, the node subscribes anew with the last seq that it has, and the owner answers with the tail or a snapshot.
//!
//! # Invariants
//! * **T1** What is delivered of a stream rises in seq without gaps and never falls in epoch, except for a [`Heard::Restart`], which says so.
//! * **T2** What a deposed owner still says (a lower epoch than was heard) is dropped.
//! * **T3** While a subscription is unanswered, events wait, at most [`MAX_WAITING`] of a stream; if more come they are dropped and asked for again.
//! * **T4** An unanswered subscription is asked again after [`ANSWER_WITHIN`], and a refused one after [`RETRY_AFTER`], of whoever owns the shard then.
//! * **T5** A batch names at most [`MAX_BATCH`] streams.

use std::collections::BTreeMap;
use std::time::Duration;

use videorooms_domain::{Epoch, NodeIncarnation, Position, RoomId, Seq, ShardId};

use crate::time::Instant;

/// Most events of one stream that wait for the answer to a subscription.
pub const MAX_WAITING: usize = 64;
/// Most streams in one batch.
pub const MAX_BATCH: usize = 1024;
/// How long the owner may take to answer.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// How long to wait after a refusal.
pub const RETRY_AFTER: Duration = Duration::from_millis(100);

/// A durable event, or several of one transition.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Event<P> {
    /// In whose reign it is said.
    pub epoch: Epoch,
    /// Number of its first event.
    pub first: Seq,
    /// Number of its last event.
    pub last: Seq,
    /// What it is.
    pub payload: P,
}

/// A request to an owner: the streams with the last seq that is known of each; none asks for a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SubscribeBatch {
    /// To whom.
    pub to: NodeIncarnation,
    /// What.
    pub streams: Vec<(RoomId, Option<Seq>)>,
}

/// The owner's answer for one stream.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Subscribed<P> {
    /// Everything after the seq that was named, in order; empty if nothing was missed.
    Tail(Epoch, Vec<Event<P>>),
    /// The state at this position: the tail is too long, nothing was named, or what was named is not in the history any more.
    Snapshot(Position, P),
    /// Not the owner, or not yet.
    Refused,
}

/// What to tell those who listen here.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Heard<P> {
    /// The next event.
    Event(Event<P>),
    /// The state at a later position than the last one, or the first.
    Snapshot(Position, P),
    /// The state at a position that does not follow the last one: history was lost.
    Restart(Position, P),
}

/// The streams that one node listens to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscriptions<P> {
    owners: BTreeMap<ShardId, NodeIncarnation>,
    streams: BTreeMap<RoomId, Stream<P>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Stream<P> {
    last: Option<Position>,
    state: State<P>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State<P> {
    /// To be asked for, from this moment on.
    Due(Instant),
    Asked {
        at: Instant,
        of: NodeIncarnation,
        waiting: Vec<Event<P>>,
    },
    Following(NodeIncarnation),
}

impl<P> Default for Subscriptions<P> {
    fn default() -> Self {
        Self {
            owners: BTreeMap::new(),
            streams: BTreeMap::new(),
        }
    }
}

impl<P> Subscriptions<P> {
    /// Begins to listen; nothing happens if it does already.
    pub fn subscribe(&mut self, now: Instant, room: RoomId) {
        let state = State::Due(now);
        self.streams.entry(room).or_insert(Stream { last: None, state });
    }

    /// Goes on listening to a stream that was heard on this node itself up to `last`; nothing happens if it is listened to already.
    pub fn resume(&mut self, now: Instant, room: RoomId, last: Option<Position>) {
        let state = State::Due(now);
        self.streams.entry(room).or_insert(Stream { last, state });
    }

    /// Someone asks the owner for a place in the room, which subscribes as well: what comes before the answer ([`Self::joined`]) waits. Nothing
    /// happens if the stream is listened to already.
    pub fn joining(&mut self, now: Instant, room: RoomId, owner: &NodeIncarnation) {
        let state = State::Asked {
            at: now,
            of: owner.clone(),
            waiting: Vec::new(),
        };
        self.streams.entry(room).or_insert(Stream { last: None, state });
    }

    /// The owner gave someone a place, and what is up to `position` with it. What waited is heard now; of a stream that was listened to already, nothing changes.
    pub fn joined(
        &mut self,
        now: Instant,
        from: &NodeIncarnation,
        room: RoomId,
        position: Position,
    ) -> Vec<Event<P>> {
        let Some(stream) = self.streams.get_mut(&room).filter(|stream| stream.last.is_none()) else {
            return Vec::new();
        };
        let State::Asked { of, waiting, .. } = &mut stream.state else {
            return Vec::new();
        };
        if of != from {
            return Vec::new();
        }
        let waiting = std::mem::take(waiting);
        stream.last = Some(position);
        stream.state = State::Following(from.clone());
        let heard = waiting.into_iter().filter_map(|event| stream.hear(now, event));
        let event = |heard| match heard {
            Heard::Event(event) => Some(event),
            Heard::Snapshot(..) | Heard::Restart(..) => None,
        };
        heard.filter_map(event).collect()
    }

    /// All streams that are listened to.
    pub fn streams(&self) -> impl Iterator<Item = RoomId> {
        self.streams.keys().copied()
    }

    /// Ceases to listen.
    pub fn unsubscribe(&mut self, room: RoomId) {
        self.streams.remove(&room);
    }

    /// The shard has this owner now; streams that were followed elsewhere are asked for anew.
    pub fn owned(&mut self, now: Instant, shard: ShardId, owner: NodeIncarnation) {
        let moved = self.streams.iter_mut().filter(|(room, _)| room.shard() == shard);
        for (_, stream) in moved {
            if stream.source().is_none_or(|source| *source != owner) {
                stream.state = State::Due(now);
            }
        }
        self.owners.insert(shard, owner);
    }

    /// The owner began the stream anew and knows nothing of who listens: it is asked again.
    pub fn begun_anew(&mut self, now: Instant, owner: &NodeIncarnation, room: RoomId) {
        if let Some(stream) = self.streams.get_mut(&room)
            && matches!(&stream.state, State::Following(source) if source == owner)
        {
            stream.state = State::Due(now);
        }
    }

    /// The link to a node broke: what it said last may be lost.
    pub fn link_lost(&mut self, now: Instant, node: &NodeIncarnation) {
        for stream in self.streams.values_mut() {
            if stream.source() == Some(node) {
                stream.state = State::Due(now);
            }
        }
    }

    /// What is to be asked for now.
    pub fn poll(&mut self, now: Instant) -> Vec<SubscribeBatch> {
        let mut batches: Vec<SubscribeBatch> = Vec::new();
        for (room, stream) in &mut self.streams {
            let Some(owner) = self.owners.get(&room.shard()).filter(|_| stream.is_due(now)) else {
                continue;
            };
            let entry = (*room, stream.last.map(|last| last.seq));
            let open = |batch: &&mut SubscribeBatch| batch.to == *owner && batch.streams.len() < MAX_BATCH;
            match batches.iter_mut().rev().find(open) {
                Some(batch) => batch.streams.push(entry),
                None => batches.push(SubscribeBatch {
                    to: owner.clone(),
                    streams: vec![entry],
                }),
            }
            stream.state = State::Asked {
                at: now,
                of: owner.clone(),
                waiting: Vec::new(),
            };
        }
        batches
    }

    /// An owner answered for one stream. An answer of another than was asked last is ignored.
    pub fn subscribed(
        &mut self,
        now: Instant,
        from: &NodeIncarnation,
        room: RoomId,
        answer: Subscribed<P>,
    ) -> Vec<Heard<P>> {
        let Some(stream) = self.streams.get_mut(&room) else {
            return Vec::new();
        };
        let State::Asked { of, waiting, .. } = &mut stream.state else {
            return Vec::new();
        };
        if of != from {
            return Vec::new();
        }
        let waiting = std::mem::take(waiting);
        let mut heard = Vec::new();
        let tail = match answer {
            Subscribed::Refused => {
                stream.state = State::Due(now.after(RETRY_AFTER));
                return Vec::new();
            }
            // A deposed owner that does not know it yet.
            Subscribed::Tail(epoch, _) | Subscribed::Snapshot(Position { epoch, .. }, _)
                if stream.is_past(epoch) =>
            {
                stream.state = State::Due(now.after(RETRY_AFTER));
                return Vec::new();
            }
            Subscribed::Tail(_, tail) => tail,
            Subscribed::Snapshot(position, state) => {
                heard.push(stream.restart(position, state));
                Vec::new()
            }
        };
        stream.state = State::Following(from.clone());
        for event in tail.into_iter().chain(waiting) {
            heard.extend(stream.hear(now, event));
        }
        heard
    }

    /// An event came in from a node.
    pub fn event(
        &mut self,
        now: Instant,
        from: &NodeIncarnation,
        room: RoomId,
        event: Event<P>,
    ) -> Option<Heard<P>> {
        let stream = self.streams.get_mut(&room)?;
        match &mut stream.state {
            State::Asked { of, waiting, .. } if of == from => {
                if waiting.len() < MAX_WAITING {
                    waiting.push(event);
                }
                None
            }
            State::Following(source) if source == from => stream.hear(now, event),
            State::Asked { .. } | State::Following(_) | State::Due(_) => None,
        }
    }

    /// Is what this node says of the stream without a seq (levels, reactions) to be passed on.
    #[must_use]
    pub fn hears(&self, from: &NodeIncarnation, room: RoomId, epoch: Epoch) -> bool {
        let stream = self.streams.get(&room);
        stream.is_some_and(|stream| {
            matches!(&stream.state, State::Following(source) if source == from) && !stream.is_past(epoch)
        })
    }
}

impl<P> Stream<P> {
    fn source(&self) -> Option<&NodeIncarnation> {
        match &self.state {
            State::Asked { of: source, .. } | State::Following(source) => Some(source),
            State::Due(_) => None,
        }
    }

    fn is_due(&self, now: Instant) -> bool {
        match &self.state {
            State::Due(at) => now >= *at,
            State::Asked { at, .. } => now.since(*at) >= ANSWER_WITHIN,
            State::Following(_) => false,
        }
    }

    fn is_past(&self, epoch: Epoch) -> bool {
        self.last.is_some_and(|last| epoch < last.epoch)
    }

    fn restart(&mut self, position: Position, state: P) -> Heard<P> {
        let follows = self.last.is_none_or(|last| position.seq >= last.seq);
        self.last = Some(position);
        if follows {
            Heard::Snapshot(position, state)
        } else {
            Heard::Restart(position, state)
        }
    }

    /// The next event is passed on, a known one is dropped, and one after a gap has all that is missing asked for.
    fn hear(&mut self, now: Instant, event: Event<P>) -> Option<Heard<P>> {
        let (epoch, seq) = self
            .last
            .map_or_else(Default::default, |last| (last.epoch, last.seq));
        if event.epoch < epoch || event.epoch == epoch && event.last <= seq {
            return None;
        }
        if event.first != seq.plus(1) {
            self.state = State::Due(now);
            return None;
        }
        self.last = Some(Position {
            epoch: event.epoch,
            seq: event.last,
        });
        Some(Heard::Event(event))
    }
}

#[cfg(test)]
mod tests;
