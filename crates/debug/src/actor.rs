//! The `DebugLog` actor: the ring's only owner.
//!
//! Ten times a second it takes what waits in the handle's queue, keeps it and hands it to followers, so that a burst costs one wake-up and a
//! follower hears at most ten batches a second. It holds nothing that matters: when it crashes, its supervisor spawns it again with a clone of
//! the same arguments, and only the ring's content is gone. Local only.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};

use crate::handle::DebugLogHandle;
use crate::metrics;
use crate::query::{MAX_LIMIT, Page, Query};
use crate::record::LogRecord;
use crate::ring::{Limits, Ring, Stats};

const PERIOD: Duration = Duration::from_millis(100);
/// What a batch weighs at most: a follower may be many batches behind, and a socket's outbox has an end.
const BATCH_BYTES: usize = 256 << 10;

/// The actor. Spawn it with [`DebugLogArguments`], linked to a supervisor that does the same again when it ends.
#[derive(Debug, Clone, Copy, Default)]
pub struct DebugLog;

/// With what the actor is spawned, first and again.
#[derive(Debug, Clone)]
pub struct DebugLogArguments {
    /// The way to it.
    pub handle: DebugLogHandle,
    /// How much it keeps.
    pub limits: Limits,
}

/// What the actor understands; use the [`DebugLogHandle`].
#[derive(Debug)]
pub enum DebugLogMessage {
    /// Time to take what waits, and to tell the followers.
    Tick,
    /// Asks for records.
    Query(Query, RpcReplyPort<Page>),
    /// Empties the ring.
    Clear(RpcReplyPort<()>),
    /// Asks what is in the ring.
    Stats(RpcReplyPort<Stats>),
}

impl ractor::Message for DebugLogMessage {}

/// The ring, and what followers have not heard yet.
#[derive(Debug)]
pub struct State {
    handle: DebugLogHandle,
    ring: Ring,
    untold: VecDeque<Arc<LogRecord>>,
    untold_bytes: usize,
}

impl Actor for DebugLog {
    type Msg = DebugLogMessage;
    type State = State;
    type Arguments = DebugLogArguments;

    async fn pre_start(
        &self,
        myself: ActorRef<DebugLogMessage>,
        arguments: DebugLogArguments,
    ) -> Result<State, ActorProcessingErr> {
        let DebugLogArguments { handle, limits } = arguments;
        handle.serve_by(myself);
        Ok(State {
            handle,
            ring: Ring::new(limits),
            untold: VecDeque::new(),
            untold_bytes: 0,
        })
    }

    async fn post_start(
        &self,
        myself: ActorRef<DebugLogMessage>,
        _: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        // The timer ends by itself with the actor.
        drop(myself.send_interval(PERIOD, || DebugLogMessage::Tick));
        Ok(())
    }

    async fn handle(
        &self,
        _: ActorRef<DebugLogMessage>,
        message: DebugLogMessage,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        state.take();
        // Whoever asked may have given up waiting: a reply that cannot be sent is nobody's failure.
        match message {
            DebugLogMessage::Tick => state.tell(),
            DebugLogMessage::Query(query, reply) => {
                let _ = reply.send(query.answer(&state.ring, state.handle.dropped()));
            }
            DebugLogMessage::Clear(reply) => {
                state.ring.clear();
                let _ = reply.send(());
            }
            DebugLogMessage::Stats(reply) => {
                let _ = reply.send(state.ring.stats(state.handle.dropped()));
            }
        }
        Ok(())
    }
}

impl State {
    fn take(&mut self) {
        for record in self.handle.take() {
            if self.ring.push(Arc::clone(&record)) {
                self.untold_bytes += record.bytes();
                self.untold.push_back(record);
            } else {
                self.handle.count_dropped(1);
            }
        }
        // A batch is a page; followers see the gap in front of it.
        while (self.untold.len() > MAX_LIMIT || self.untold_bytes > BATCH_BYTES)
            && let Some(oldest) = self.untold.pop_front()
        {
            self.untold_bytes -= oldest.bytes();
        }
    }

    fn tell(&mut self) {
        let (records, bytes) = self.ring.size();
        metrics::ring(records, bytes, self.handle.followers());
        if !self.untold.is_empty() {
            self.untold_bytes = 0;
            self.handle.publish(self.untold.drain(..).collect());
        }
    }
}
