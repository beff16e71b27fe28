//! What this node hears from rooms on other nodes, in order and once, whoever owns them meanwhile: [`Subscriptions`] with a clock and a hub.
//!
//! A room is followed from the moment at which someone here joins it. When its owner is lost, it *moves*; when the next owner has answered with what was
//! missed, it has *resumed*, and everyone here is told of both. A room of this node itself is not followed: it calls the roll here.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant as Moment, timeout};
use videorooms_cluster::subscription::{Event, Heard, Subscribed as Answered, Subscriptions};
use videorooms_cluster::{Instant, Place, View};
use videorooms_domain::{Epoch, NodeIncarnation, Position, RoomId, SHARDS, ShardId};

use crate::api::{Body, Publication, RollCall, Subscribers};
use crate::calls::{Standing, Subscribed, Subscription};
use crate::rooms::Rooms;

/// Longest pause between two looks at what is due.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Between two looks for rooms that nobody here is in any more.
const SWEEP_EVERY: Duration = Duration::from_secs(10);
/// Most rooms in one call, so that what was missed of them fits one envelope.
const ROOMS_A_CALL: usize = 64;

/// The rooms that this node follows.
pub(crate) struct Following {
    here: NodeIncarnation,
    subscribers: Arc<dyn Subscribers>,
    began: Moment,
    heard: Mutex<Subscriptions<Option<Publication>>>,
    is_due: Notify,
}

impl Following {
    pub(crate) fn new(here: NodeIncarnation, subscribers: Arc<dyn Subscribers>) -> Self {
        Self {
            here,
            subscribers,
            began: Moment::now(),
            heard: Mutex::default(),
            is_due: Notify::new(),
        }
    }

    /// Who is attached to a room here.
    pub(crate) fn roll_call(&self, room: RoomId) -> RollCall {
        self.subscribers.roll_call(room)
    }

    /// Someone here asks `owner` for a place in the room.
    pub(crate) fn joining(&self, room: RoomId, owner: &NodeIncarnation) {
        if *owner != self.here {
            self.heard.lock().joining(self.now(), room, owner);
        }
    }

    /// It was given one, with everything up to `position`; or none.
    pub(crate) fn joined(&self, room: RoomId, owner: &NodeIncarnation, position: Option<Position>) {
        let Some(position) = position.filter(|_| *owner != self.here) else {
            return;
        };
        let now = self.now();
        let events = {
            let mut heard = self.heard.lock();
            let events = heard.joined(now, owner, room, position);
            // If it was swept away or its owner lost meanwhile, it is asked for anew.
            heard.resume(now, room, Some(position));
            events
        };
        self.is_due.notify_one();
        self.tell(events);
    }

    /// A room elsewhere says something.
    pub(crate) fn publication(&self, from: &NodeIncarnation, publication: Publication) {
        let Publication {
            room,
            epoch,
            ref body,
        } = publication;
        if let Body::Resumed { .. } = body {
            // Said to everyone here once it was asked again, with what was missed.
            self.heard.lock().begun_anew(self.now(), from, room);
            self.is_due.notify_one();
            return;
        }
        let Body::Durable(fact) = body else {
            if self.heard.lock().hears(from, room, epoch) {
                self.subscribers.publish(publication);
            }
            return;
        };
        let event = event(fact.position, publication.clone());
        let heard = self.heard.lock().event(self.now(), from, room, event);
        match heard {
            Some(Heard::Event(event)) => self.tell([event]),
            Some(Heard::Snapshot(..) | Heard::Restart(..)) => {}
            // Known, waiting for its turn, or after a gap.
            None => self.is_due.notify_one(),
        }
    }

    /// This node owns the shard in this reign: its rooms, which call the roll themselves, are not followed any more. Answers those in which someone is attached
    /// here, who have heard that they are moving.
    pub(crate) fn own(&self, shard: ShardId, epoch: Epoch) -> Vec<RoomId> {
        {
            let mut heard = self.heard.lock();
            let ours: Vec<_> = heard.streams().filter(|room| room.shard() == shard).collect();
            ours.into_iter().for_each(|room| heard.unsubscribe(room));
        }
        let rooms = self.subscribers.rooms(shard);
        rooms.iter().for_each(|room| self.moving(*room, epoch));
        rooms
    }

    /// The shard is not this node's any more: who is attached here goes on hearing its rooms from their next owner.
    pub(crate) fn lose(&self, shard: ShardId, epoch: Epoch) {
        let now = self.now();
        for room in self.subscribers.rooms(shard) {
            let last = self.subscribers.roll_call(room).last;
            self.heard.lock().resume(now, room, last);
            self.moving(room, epoch);
        }
        self.is_due.notify_one();
    }

    /// Takes over who owns what. Rooms whose owner is another than before are moving.
    pub(crate) fn view(&self, before: &View, view: &View) {
        let now = self.now();
        for shard in (0..SHARDS).map(ShardId) {
            let (was, is) = (before.owner(shard), view.owner(shard));
            if was == is {
                continue;
            }
            if let Some((former, epoch)) = before.owners.get(usize::from(shard.0)).and_then(Option::as_ref)
                && is.is_none_or(|(owner, _)| owner != former && *owner != self.here)
                && *former != self.here
            {
                let rooms = self.subscribers.rooms(shard);
                rooms.into_iter().for_each(|room| self.moving(room, *epoch));
            }
            if let Some((owner, _)) = is.filter(|(owner, _)| **owner != self.here) {
                self.heard.lock().owned(now, shard, owner.clone());
            }
        }
        self.is_due.notify_one();
    }

    /// The link to a node broke: what it said last may be lost.
    pub(crate) fn link_lost(&self, node: &NodeIncarnation) {
        self.heard.lock().link_lost(self.now(), node);
        self.is_due.notify_one();
    }

    /// Asks for what is due. Runs until it is dropped.
    pub(crate) async fn run(&self, rooms: &Rooms) {
        let mut calls = JoinSet::new();
        let mut sweep_at = Moment::now() + SWEEP_EVERY;
        loop {
            let batches = self.heard.lock().poll(self.now());
            for batch in batches {
                for streams in batch.streams.chunks(ROOMS_A_CALL) {
                    let wishes = streams.iter().map(|(room, _)| self.wish(*room)).collect();
                    calls.spawn(ask(rooms.clone(), batch.to.clone(), wishes));
                }
            }
            while calls.try_join_next().is_some() {}
            if Moment::now() >= sweep_at {
                self.sweep();
                sweep_at = Moment::now() + SWEEP_EVERY;
            }
            drop(timeout(LOOK_EVERY, self.is_due.notified()).await);
        }
    }

    fn wish(&self, room: RoomId) -> Subscription {
        let roll = self.subscribers.roll_call(room);
        Subscription { room, roll }
    }

    /// An owner answered for a room, or could not.
    fn subscribed(&self, from: &NodeIncarnation, Subscribed { room, standing }: Subscribed) {
        let now = self.now();
        let Some(Standing {
            epoch,
            position,
            is_whole,
            missed,
        }) = standing
        else {
            let answer = Answered::Refused;
            drop(self.heard.lock().subscribed(now, from, room, answer));
            return;
        };
        let publication = |body| Publication { room, epoch, body };
        let answer = if is_whole {
            let durable = |body: &Body| {
                if let Body::Durable(fact) = body {
                    Some(event(fact.position, publication(body.clone())))
                } else {
                    None
                }
            };
            Answered::Tail(epoch, missed.iter().filter_map(durable).collect())
        } else {
            Answered::Snapshot(position, None)
        };
        let heard = self.heard.lock().subscribed(now, from, room, answer);
        let events: Vec<_> = heard
            .into_iter()
            .filter_map(|heard| match heard {
                Heard::Event(event) => Some(event),
                Heard::Snapshot(..) | Heard::Restart(..) => None,
            })
            .collect();
        // What hangs on an event comes right after it.
        for body in missed {
            let is_known = if let Body::Durable(fact) = &body {
                is_whole && events.iter().all(|event| event.last != fact.position.seq)
            } else {
                false
            };
            if !is_known {
                self.subscribers.publish(publication(body));
            }
        }
        let waited = events.into_iter().filter(|event| event.last > position.seq);
        self.tell(waited);
        self.subscribers.publish(publication(Body::Resumed {
            node: from.node.to_string(),
            seq: position.seq,
        }));
    }

    fn moving(&self, room: RoomId, epoch: Epoch) {
        self.subscribers.publish(Publication {
            room,
            epoch,
            body: Body::Moving,
        });
    }

    fn tell(&self, events: impl IntoIterator<Item = Event<Option<Publication>>>) {
        let publications = events.into_iter().filter_map(|event| event.payload);
        publications.for_each(|publication| self.subscribers.publish(publication));
    }

    /// Lets rooms go that nobody here is in.
    fn sweep(&self) {
        let mut heard = self.heard.lock();
        let idle: Vec<_> = heard
            .streams()
            .filter(|room| self.subscribers.roll_call(*room).connections.is_empty())
            .collect();
        idle.into_iter().for_each(|room| heard.unsubscribe(room));
    }

    fn now(&self) -> Instant {
        Instant(self.began.elapsed().as_millis() as u64)
    }
}

async fn ask(rooms: Rooms, to: NodeIncarnation, wishes: Vec<Subscription>) {
    let Some(peers) = rooms.ownership().peers() else {
        return;
    };
    let epoch = match wishes
        .first()
        .map(|wish| rooms.ownership().place(wish.room.shard()))
    {
        Some(Place::There(_, epoch)) => epoch,
        Some(Place::Here(_) | Place::Nowhere) | None => Epoch::default(),
    };
    let asked: Vec<_> = wishes.iter().map(|wish| wish.room).collect();
    let remote = rooms.remote(peers, to.clone(), epoch, Moment::now() + rooms.call_deadline());
    let answers = match remote.subscribe(wishes).await {
        Ok(answers) => answers,
        Err(missed) => {
            tracing::debug!(node = %to, ?missed, rooms = asked.len(), "rooms could not be subscribed to yet");
            let refused = |room| Subscribed { room, standing: None };
            asked.into_iter().map(refused).collect()
        }
    };
    for answer in answers {
        rooms.following().subscribed(&to, answer);
    }
}

fn event(position: Position, publication: Publication) -> Event<Option<Publication>> {
    Event {
        epoch: position.epoch,
        first: position.seq,
        last: position.seq,
        payload: Some(publication),
    }
}
