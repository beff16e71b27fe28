//! The `Gateway` actor: the node's listener and the care of its hub.
//!
//! It holds nothing that a client would miss. When it crashes, connections that are open live on in tasks of their own, its supervisor spawns it
//! again with the same [`GatewayArguments`], and it takes the same listening socket up again: who knocked meanwhile waited in its backlog.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use videorooms_domain::RoomId;

use crate::hub::Hub;
use crate::listener;
use crate::metrics as names;
use crate::state::Door;

const PAUSE: Duration = Duration::from_millis(10);
/// Rooms that are asked for their roster at the same time.
const ROSTERS_AT_ONCE: usize = 16;
/// How often one is asked, with pauses that double from the first on.
const ROSTER_TRIES: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// Nothing is ever sent to the actor. `()` would do as well, but it can be serialized, which makes an actor visible to other nodes.
#[derive(Debug)]
pub enum NoMessage {}

impl ractor::Message for NoMessage {}

/// The actor. Spawn it linked to a supervisor that does the same again when it ends.
#[derive(Debug, Clone, Copy, Default)]
pub struct Gateway;

/// With what the actor is spawned, first and again.
#[derive(Clone)]
pub struct GatewayArguments {
    /// What it serves.
    pub door: Door,
    /// Where: bound once, for the life of the node.
    pub listener: Arc<TcpListener>,
}

/// The tasks that end with the actor.
pub struct Tasks {
    listener: JoinHandle<()>,
    roster: JoinHandle<()>,
}

impl Drop for Tasks {
    fn drop(&mut self) {
        self.listener.abort();
        self.roster.abort();
    }
}

impl Actor for Gateway {
    type Msg = NoMessage;
    type State = Tasks;
    type Arguments = GatewayArguments;

    async fn pre_start(
        &self,
        myself: ActorRef<NoMessage>,
        arguments: GatewayArguments,
    ) -> Result<Tasks, ActorProcessingErr> {
        let GatewayArguments { door, listener } = arguments;
        let listener = listener.try_clone()?;
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let service = crate::http::router(door.clone());
        let accepting = listener::accept(listener, service, door.config().limits.max_sockets);
        let roster = keep_rosters(door);
        Ok(Tasks {
            listener: watched(&myself, accepting),
            roster: watched(&myself, roster),
        })
    }
}

/// A task without which the actor is worth nothing: when it ends, so does the actor, and its supervisor hears of it.
fn watched(myself: &ActorRef<NoMessage>, work: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    let (myself, work) = (myself.clone(), tokio::spawn(work));
    let abort = OnDrop(work.abort_handle());
    tokio::spawn(async move {
        let _abort = abort;
        drop(work.await);
        myself.kill();
    })
}

struct OnDrop(tokio::task::AbortHandle);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Asks rooms for their roster where the hub lost count.
async fn keep_rosters(door: Door) {
    let mut wishes = Wishes::take(Arc::clone(door.hub())).await;
    let rooms = wishes.rooms.as_mut().expect("held until the end");
    stream::poll_fn(|cx| rooms.poll_recv(cx))
        .for_each_concurrent(ROSTERS_AT_ONCE, |room| ask_for_roster(&door, room))
        .await;
}

/// Asks one room, again after each failure; when it gives up, the next join brings the roster.
async fn ask_for_roster(door: &Door, room: RoomId) {
    let mut pause = FIRST_PAUSE;
    for _ in 0..ROSTER_TRIES {
        let Some(participant) = door.hub().anyone(room) else {
            return;
        };
        match door.rooms().snapshot(room, participant).await {
            Ok((position, snapshot)) => return door.hub().seed(room, position, &snapshot),
            Err(error) => tracing::debug!(room.id = %room, %error, "the roster could not be asked for"),
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
        if !door.hub().needs_roster(room) {
            return;
        }
    }
    metrics::counter!(names::ROSTERS_MISSED).increment(1);
    tracing::warn!(room.id = %room, tries = ROSTER_TRIES, "the roster is not known until someone joins");
}

/// The hub's wishes for rosters, given back at the end.
struct Wishes {
    hub: Arc<Hub>,
    rooms: Option<mpsc::Receiver<RoomId>>,
}

impl Wishes {
    async fn take(hub: Arc<Hub>) -> Self {
        loop {
            if let Some(rooms) = hub.take_resyncs() {
                return Self {
                    hub,
                    rooms: Some(rooms),
                };
            }
            // A former actor's task is about to give them back.
            tokio::time::sleep(PAUSE).await;
        }
    }
}

impl Drop for Wishes {
    fn drop(&mut self) {
        if let Some(rooms) = self.rooms.take() {
            self.hub.return_resyncs(rooms);
        }
    }
}
