//! The root of the supervision tree: it starts the node's actors in order and starts again whichever ends, with a pause that grows
//! when one ends again and again. The node lives on meanwhile; one that cannot be kept alive shows in readiness.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, SupervisionEvent};
use tokio::time::Instant;

use crate::standing::Standing;

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

/// The root of the supervision tree.
pub(crate) struct NodeSupervisor;

/// With what the root is spawned.
pub(crate) struct Family {
    /// Started in this order.
    pub(crate) children: Vec<Child>,
    /// Where the root says how they are.
    pub(crate) standing: Standing,
}

pub(crate) enum Message {
    Restart(usize),
    #[cfg(feature = "test-kit")]
    Kill(&'static str),
    /// How often this actor was started again.
    #[cfg(feature = "test-kit")]
    Restarts(&'static str, ractor::RpcReplyPort<u32>),
}

impl ractor::Message for Message {}

struct Kept {
    child: Child,
    cell: Option<ActorCell>,
    pause: Duration,
    last_end: Option<Instant>,
    /// Ends within [`QUIET`] of one another, failed starts included.
    attempts: u32,
    #[cfg(feature = "test-kit")]
    restarts: u32,
}

pub(crate) struct State {
    kept: Vec<Kept>,
    standing: Standing,
}

#[cfg(feature = "test-kit")]
impl State {
    fn named(&self, name: &str) -> Option<&Kept> {
        self.kept.iter().find(|kept| kept.child.name == name)
    }
}

impl Actor for NodeSupervisor {
    type Msg = Message;
    type State = State;
    type Arguments = Family;

    async fn pre_start(
        &self,
        myself: ActorRef<Message>,
        Family { children, standing }: Family,
    ) -> Result<State, ActorProcessingErr> {
        let mut kept = Vec::with_capacity(children.len());
        for child in children {
            let cell = (child.start)(myself.get_cell())
                .await
                .map_err(|error| error.context(child.name))?;
            standing.runs(child.name);
            kept.push(Kept {
                child,
                cell: Some(cell),
                pause: FIRST_PAUSE,
                last_end: None,
                attempts: 0,
                #[cfg(feature = "test-kit")]
                restarts: 0,
            });
        }
        Ok(State { kept, standing })
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
        let State { kept, standing } = state;
        let Some(kept) = kept.get_mut(index) else {
            return Ok(());
        };
        match (kept.child.start)(myself.get_cell()).await {
            Ok(cell) => {
                tracing::info!(actor = kept.child.name, "actor started again");
                standing.runs(kept.child.name);
                metrics::counter!(crate::metrics::RESTARTS, "of" => kept.child.name).increment(1);
                kept.cell = Some(cell);
                #[cfg(feature = "test-kit")]
                {
                    kept.restarts += 1;
                }
            }
            Err(error) => {
                tracing::error!(actor = kept.child.name, %error, "actor could not be started again yet");
                restart_later(&myself, index, kept, standing);
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
        let State { kept, standing } = state;
        let Some(index) = kept.iter().position(ended) else {
            return Ok(());
        };
        let kept = &mut kept[index];
        tracing::error!(actor = kept.child.name, event = %event, "actor ended");
        kept.cell = None;
        restart_later(&myself, index, kept, standing);
        Ok(())
    }
}

fn restart_later(myself: &ActorRef<Message>, index: usize, kept: &mut Kept, standing: &Standing) {
    if kept.last_end.is_none_or(|last| last.elapsed() > QUIET) {
        kept.pause = FIRST_PAUSE;
        kept.attempts = 0;
    }
    kept.attempts += 1;
    standing.restarting(kept.child.name, kept.attempts);
    kept.last_end = Some(Instant::now());
    drop(myself.send_after(kept.pause, move || Message::Restart(index)));
    kept.pause = (kept.pause * 2).min(LONGEST_PAUSE);
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

    use futures_util::FutureExt as _;

    use super::*;

    const DEADLINE: Duration = Duration::from_secs(20);

    struct Idle;

    impl Actor for Idle {
        type Msg = Message;
        type State = ();
        type Arguments = ();

        async fn pre_start(&self, _: ActorRef<Message>, (): ()) -> Result<(), ActorProcessingErr> {
            Ok(())
        }
    }

    /// A child whose start fails while `broken`.
    fn child(broken: &Arc<AtomicBool>, starts: &Arc<AtomicU32>, cell: &Arc<parking::Cell>) -> Child {
        let (broken, starts, last) = (Arc::clone(broken), Arc::clone(starts), Arc::clone(cell));
        Child {
            name: "Child",
            start: Arc::new(move |root| {
                let (broken, last) = (broken.load(Ordering::SeqCst), Arc::clone(&last));
                starts.fetch_add(1, Ordering::SeqCst);
                async move {
                    anyhow::ensure!(!broken, "nothing to start with");
                    let (child, _) = Actor::spawn_linked(None, Idle, (), root).await?;
                    last.put(child.get_cell());
                    Ok(child.get_cell())
                }
                .boxed()
            }),
        }
    }

    mod parking {
        use std::sync::Mutex;

        use ractor::ActorCell;

        /// The child that runs.
        #[derive(Default)]
        pub(super) struct Cell(Mutex<Option<ActorCell>>);

        impl Cell {
            pub(super) fn put(&self, cell: ActorCell) {
                *self.0.lock().unwrap() = Some(cell);
            }

            pub(super) fn kill(&self) {
                self.0.lock().unwrap().as_ref().unwrap().kill();
            }
        }
    }

    async fn until(what: &str, condition: impl Fn() -> bool) {
        let waiting = async {
            while !condition() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(DEADLINE, waiting).await.expect(what);
    }

    #[tokio::test]
    async fn a_child_that_cannot_be_started_again_shows_with_its_attempts_until_it_can() {
        let (broken, starts, cell) = (Arc::default(), Arc::default(), Arc::default());
        let standing = Standing::default();
        assert!(standing.of("Child").is_err());
        let family = Family {
            children: vec![child(&broken, &starts, &cell)],
            standing: standing.clone(),
        };
        let (root, ended) = Actor::spawn(None, NodeSupervisor, family).await.unwrap();
        assert_eq!(standing.of("Child"), Ok(()));
        broken.store(true, Ordering::SeqCst);
        cell.kill();
        until("it was tried three times", || starts.load(Ordering::SeqCst) > 3).await;
        let why = standing.of("Child").unwrap_err();
        assert!(
            why.contains("being restarted") && why.contains("attempt "),
            "{why}"
        );
        broken.store(false, Ordering::SeqCst);
        until("it runs again", || standing.of("Child").is_ok()).await;
        root.stop(None);
        ended.await.unwrap();
    }
}
