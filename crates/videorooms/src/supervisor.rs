//! The root of the supervision tree: it starts the node's actors in order and starts again whichever ends, with a pause that grows
//! when one ends again and again. The node lives on meanwhile; one that cannot be kept alive shows in readiness.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, SupervisionEvent};
use tokio::time::Instant;

/// First pause before an actor that ended is started again; doubles with each end within [`QUIET`].
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// After this long without an end, the pause is the first again.
const QUIET: Duration = Duration::from_secs(30);

/// How to start a child under the given supervisor.
pub(crate) type Start = Arc<dyn Fn(ActorCell) -> BoxFuture<'static, anyhow::Result<ActorCell>> + Send + Sync>;

/// A child of the root.
pub(crate) struct Child {
    /// For logs.
    pub(crate) name: &'static str,
    /// Starts it, and starts it again.
    pub(crate) start: Start,
}

/// The root of the supervision tree. Children are started in the order given.
pub(crate) struct NodeSupervisor;

pub(crate) enum Message {
    Restart(usize),
    #[cfg(feature = "test-kit")]
    Kill(&'static str),
    /// How often this actor was started again.
    #[cfg(feature = "test-kit")]
    Restarts(&'static str, ractor::RpcReplyPort<u32>),
}

struct Kept {
    child: Child,
    cell: Option<ActorCell>,
    pause: Duration,
    last_end: Option<Instant>,
    restarts: u32,
}

pub(crate) struct State(Vec<Kept>);

#[cfg(feature = "test-kit")]
impl State {
    fn named(&self, name: &str) -> Option<&Kept> {
        self.0.iter().find(|kept| kept.child.name == name)
    }
}

impl Actor for NodeSupervisor {
    type Msg = Message;
    type State = State;
    type Arguments = Vec<Child>;

    async fn pre_start(
        &self,
        myself: ActorRef<Message>,
        children: Vec<Child>,
    ) -> Result<State, ActorProcessingErr> {
        let mut kept = Vec::with_capacity(children.len());
        for child in children {
            let cell = (child.start)(myself.get_cell())
                .await
                .map_err(|error| error.context(child.name))?;
            kept.push(Kept {
                child,
                cell: Some(cell),
                pause: FIRST_PAUSE,
                last_end: None,
                restarts: 0,
            });
        }
        Ok(State(kept))
    }

    async fn handle(
        &self,
        myself: ActorRef<Message>,
        message: Message,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        let index = match message {
            Message::Restart(index) => index,
            #[cfg(feature = "test-kit")]
            Message::Kill(name) => {
                let cell = state.named(name).and_then(|kept| kept.cell.as_ref());
                cell.inspect(|cell| cell.kill());
                return Ok(());
            }
            #[cfg(feature = "test-kit")]
            Message::Restarts(name, reply) => {
                let restarts = state.named(name).map_or(0, |kept| kept.restarts);
                drop(reply.send(restarts));
                return Ok(());
            }
        };
        let Some(kept) = state.0.get_mut(index) else {
            return Ok(());
        };
        match (kept.child.start)(myself.get_cell()).await {
            Ok(cell) => {
                tracing::info!(actor = kept.child.name, "actor started again");
                kept.cell = Some(cell);
                kept.restarts += 1;
            }
            Err(error) => {
                tracing::error!(actor = kept.child.name, %error, "actor could not be started again yet");
                restart_later(&myself, index, kept);
            }
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<Message>,
        event: SupervisionEvent,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        let (SupervisionEvent::ActorFailed(cell, _) | SupervisionEvent::ActorTerminated(cell, _, _)) = &event
        else {
            return Ok(());
        };
        let ended = |kept: &Kept| {
            kept.cell
                .as_ref()
                .is_some_and(|known| known.get_id() == cell.get_id())
        };
        let Some(index) = state.0.iter().position(ended) else {
            return Ok(());
        };
        let kept = &mut state.0[index];
        tracing::error!(actor = kept.child.name, event = %event, "actor ended");
        kept.cell = None;
        restart_later(&myself, index, kept);
        Ok(())
    }
}

fn restart_later(myself: &ActorRef<Message>, index: usize, kept: &mut Kept) {
    if kept.last_end.is_none_or(|last| last.elapsed() > QUIET) {
        kept.pause = FIRST_PAUSE;
    }
    kept.last_end = Some(Instant::now());
    drop(myself.send_after(kept.pause, move || Message::Restart(index)));
    kept.pause = (kept.pause * 2).min(LONGEST_PAUSE);
}
