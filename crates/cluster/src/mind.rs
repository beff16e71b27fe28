//! The thread that keeps a node's lease: it runs [`Node`] on a clock and a connection of its own, so that a busy runtime does not cost the node its
//! life. Everything else speaks to it by [`Input`] and hears from it by [`ClusterEvent`] and [`Shared`].
//!
//! Invariant: an answer that comes from a connection that is gone is dropped ([`Node`] asks for that).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant as Deadline, sleep_until};
use videorooms_domain::{Epoch, NodeId, NodeIncarnation, ShardId};
use videorooms_store::StoreError;
use videorooms_store::ownership::{
    Caller, Declaration, Fate, Generation, NotDeclared, OwnershipSession, OwnershipStore, Profile,
    ReAssertion, Reign, Renewed,
};

use crate::clock;
use crate::keeper::KeeperAction;
use crate::lease::Standing;
use crate::membership::Evidence;
use crate::metrics as names;
use crate::node::{Node, NodeAction};
use crate::ownership::OwnershipAction;
use crate::time::{Instant, Timing};
use crate::view::{Shared, View};

/// Longest sleep: a hand-off in steps is looked at this often.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Words that wait for the thread; past it the speaker is refused.
pub(crate) const INPUTS: usize = 16 * 1024;
/// What the thread said and nobody has heard yet. It says at most a few words about each shard; if this is full nobody listens.
pub(crate) const EVENTS: usize = 16 * 1024;

/// What the node's actors must do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClusterEvent {
    /// The shard is ours: its rooms may be loaded and served in this reign.
    Serve(Reign),
    /// The shard goes on in this reign: restore in it what the store lost, then send again what is pending.
    Resume(Reign),
    /// Drop what lives in the shard.
    Release(ShardId),
    /// Have the target made ready; answer with [`crate::Cluster::prepared`].
    Prepare(ShardId, NodeIncarnation),
    /// Take no more commands for the shard and finish its commits; answer with [`crate::Cluster::flushed`].
    Flush(ShardId),
    /// Take commands for the shard again.
    Reopen(ShardId),
    /// The shard is this node's from now on: drop what lived here.
    Tail(Reign, NodeIncarnation),
    /// Close sockets, refuse joins: this node has lost its lease for good. [`ClusterEvent::Release`] of what it held follows.
    Fence,
    /// It has a lease again.
    Live,
    /// The table or the nodes in it changed; see [`crate::Cluster::view`].
    View(Generation),
    /// This node changed the table: whoever is told so looks at once, and not at its next renewal.
    Changed,
    /// A newer boot of this node runs: end the process.
    Superseded,
}

/// What the thread is told.
#[derive(Debug)]
pub(crate) enum Input {
    Saw(NodeId, Evidence),
    Says { node: NodeId, reaches_store: bool },
    InUse(ShardId, bool),
    Deposed(Reign),
    StoreChanged(Reign),
    Prepared(ShardId, bool),
    Flushed(ShardId),
    Drain(bool),
    Refresh,
    Load(u32),
    Stop(oneshot::Sender<()>),
}

/// An answer of the store, by the number of the connection that it was asked on.
struct Answer {
    connection: u64,
    what: Answered,
}

enum Answered {
    Connected(Result<Arc<dyn OwnershipSession>, StoreError>),
    Renewed(Instant, Fate<Renewed>),
    Declared(Declaration, Fate<Generation, NotDeclared>),
    Claimed(ShardId, Fate<Epoch>),
    ReAsserted(Reign, Fate<Epoch>),
    HandedOff(Reign, Fate<Epoch>),
}

pub(crate) struct Mind {
    node: Node,
    store: Arc<dyn OwnershipStore>,
    profile: Profile,
    shared: Arc<Shared>,
    /// When the node's runtime last lived, by [`clock::now`].
    ticked: Arc<AtomicU64>,
    events: mpsc::Sender<ClusterEvent>,
    answers: mpsc::Sender<Answer>,
    connection: u64,
    session: Option<Arc<dyn OwnershipSession>>,
    shown: Option<Generation>,
    /// A renewal was answered since the nodes were shown last.
    is_renewed: bool,
    was_live: bool,
}

/// The thread is over: nobody listens to it any more, or it was told to end.
struct Over;

pub(crate) struct Parts {
    pub(crate) shards: u16,
    pub(crate) timing: Timing,
    pub(crate) store: Arc<dyn OwnershipStore>,
    pub(crate) profile: Profile,
    pub(crate) shared: Arc<Shared>,
    pub(crate) ticked: Arc<AtomicU64>,
    pub(crate) events: mpsc::Sender<ClusterEvent>,
}

impl Mind {
    /// Runs until it is told to stop, or nobody listens any more.
    pub(crate) async fn run(parts: Parts, mut inputs: mpsc::Receiver<Input>) {
        let Parts {
            shards,
            timing,
            store,
            profile,
            shared,
            ticked,
            events,
        } = parts;
        let (answers, mut answered) = mpsc::channel(INPUTS);
        let mut mind = Self {
            node: Node::new(shared.me.clone(), shards, timing, clock::now()),
            store,
            profile,
            shared,
            ticked,
            events,
            answers,
            connection: 0,
            session: None,
            shown: None,
            is_renewed: false,
            was_live: false,
        };
        loop {
            let Ok(wake) = mind.turn() else { return };
            let over = tokio::select! {
                input = inputs.recv() => match input {
                    Some(Input::Stop(stopped)) => {
                        let _ = stopped.send(());
                        Err(Over)
                    }
                    Some(input) => mind.input(input),
                    None => Err(Over),
                },
                Some(answer) = answered.recv() => mind.answer(answer),
                () = sleep_until(wake) => Ok(()),
            };
            if over.is_err() {
                return;
            }
        }
    }

    /// Looks at the clock and does what is due; answers when to look again.
    fn turn(&mut self) -> Result<Deadline, Over> {
        let ticked = Instant(self.ticked.load(Ordering::Acquire));
        self.node.keeper.runtime_ticked(ticked);
        let now = clock::now();
        let actions = self.node.poll(now);
        self.carry_out(actions)?;
        self.report(now)?;
        let next = self.node.keeper.wakes_at(now);
        let wait = next.map_or(LOOK_EVERY, |next| next.since(now));
        // Never zero: what is due at this very moment has been done.
        Ok(Deadline::now() + wait.clamp(Duration::from_millis(1), LOOK_EVERY))
    }

    fn input(&mut self, input: Input) -> Result<(), Over> {
        let now = clock::now();
        let Node {
            keeper, ownership, ..
        } = &mut self.node;
        match input {
            Input::Saw(node, evidence) => keeper.membership_mut().link(&node, evidence),
            Input::Says { node, reaches_store } => {
                keeper.membership_mut().peer_says(now, &node, reaches_store);
            }
            Input::InUse(shard, is_in_use) => ownership.in_use(shard, is_in_use),
            Input::Deposed(reign) => {
                let actions = ownership.deposed(reign);
                self.own(actions)?;
            }
            Input::StoreChanged(reign) => ownership.store_changed(reign),
            Input::Prepared(shard, is_ready) => ownership.prepared(now, shard, is_ready),
            Input::Flushed(shard) => ownership.flushed(now, shard),
            Input::Drain(drain) => {
                self.profile.draining = drain;
                ownership.drain(drain);
            }
            Input::Refresh => keeper.refresh(now),
            Input::Load(load) => self.profile.load = load,
            Input::Stop(_) => return Err(Over),
        }
        Ok(())
    }

    fn answer(&mut self, Answer { connection, what }: Answer) -> Result<(), Over> {
        if connection != self.connection {
            return Ok(());
        }
        let now = clock::now();
        let is_lost = match &what {
            Answered::Connected(connected) => connected.is_err(),
            Answered::Renewed(_, fate) => *fate == Fate::Unknown,
            Answered::Declared(_, fate) => *fate == Fate::Unknown,
            Answered::Claimed(_, fate) | Answered::ReAsserted(_, fate) | Answered::HandedOff(_, fate) => {
                *fate == Fate::Unknown
            }
        };
        if is_lost {
            if let Answered::Connected(Err(error)) = &what {
                tracing::debug!(%error, "the store cannot be reached");
            }
            self.disconnect();
            self.node.disconnected(now);
            return Ok(());
        }
        match what {
            Answered::Connected(Err(_)) => Ok(()),
            Answered::Connected(Ok(session)) => {
                self.node.connected(now, session.life());
                self.session = Some(session);
                Ok(())
            }
            Answered::Renewed(sent, fate) => {
                let Some(answer) = known(fate) else { return Ok(()) };
                if let Err(refusal) = &answer {
                    tracing::warn!(%refusal, "the lease was not renewed");
                }
                metrics::histogram!(names::RENEW_SECONDS).record(now.since(sent).as_secs_f64());
                self.is_renewed |= answer.is_ok();
                let actions = self.node.renewed(now, sent, answer);
                self.carry_out(actions)
            }
            Answered::Declared(declaration, fate) => {
                let Some(answer) = known(fate) else { return Ok(()) };
                self.judged(&declaration, &answer);
                if answer.is_ok() {
                    self.say(ClusterEvent::Changed)?;
                }
                self.node.keeper.declared(now, &answer);
                Ok(())
            }
            Answered::Claimed(shard, fate) => {
                let actions = self.node.ownership.claimed(shard, fate);
                self.own(actions)
            }
            Answered::ReAsserted(held, fate) => {
                let actions = self.node.ownership.re_asserted(held, fate);
                self.own(actions)
            }
            Answered::HandedOff(reign, fate) => {
                let actions = self.node.ownership.handed_off(now, reign, fate);
                self.own(actions)
            }
        }
    }

    fn judged(&self, declaration: &Declaration, answer: &Result<Generation, NotDeclared>) {
        let Declaration {
            dead, heirs, limit, ..
        } = declaration;
        match answer {
            Ok(_) => {
                metrics::counter!(names::DECLARED_DEAD).increment(1);
                let (shards, stale_ms) = (heirs.len(), limit.as_millis() as u64);
                tracing::warn!(node = %dead, shards, stale_ms, "node declared dead, its shards have new owners");
            }
            Err(reason) => tracing::debug!(node = %dead, %reason, "node was not declared dead"),
        }
    }

    fn carry_out(&mut self, actions: Vec<NodeAction>) -> Result<(), Over> {
        for action in actions {
            match action {
                NodeAction::Keeper(action) => self.keep(action)?,
                NodeAction::Ownership(action) => self.own(vec![action])?,
                NodeAction::Fence => {
                    tracing::error!("this node has lost its lease: rooms are dropped, sockets closed");
                    self.say(ClusterEvent::Fence)?;
                }
            }
        }
        Ok(())
    }

    fn keep(&mut self, action: KeeperAction) -> Result<(), Over> {
        match action {
            KeeperAction::Connect => {
                self.disconnect();
                let store = Arc::clone(&self.store);
                self.ask(async move { Answered::Connected(store.connect().await) });
            }
            KeeperAction::Disconnect => self.disconnect(),
            KeeperAction::Renew { caller, cached, sent } => {
                let profile = self.profile.clone();
                self.ask_session(move |session| async move {
                    Answered::Renewed(sent, session.renew(&caller, &profile, cached).await)
                });
            }
            KeeperAction::Declare(caller, declaration) => self.ask_session(move |session| async move {
                let fate = session.declare_dead(&caller, &declaration).await;
                Answered::Declared(declaration, fate)
            }),
            KeeperAction::Stop => self.say(ClusterEvent::Superseded)?,
        }
        Ok(())
    }

    fn own(&mut self, actions: Vec<OwnershipAction>) -> Result<(), Over> {
        for action in actions {
            match action {
                OwnershipAction::Claim { shard, known } => self.ask_as(move |caller, session| async move {
                    Answered::Claimed(shard, session.claim(&caller, shard, known).await)
                }),
                OwnershipAction::ReAssert(claim) => {
                    let ReAssertion { shard, held: epoch } = claim;
                    self.shared.reign(shard, None);
                    self.ask_as(move |caller, session| async move {
                        Answered::ReAsserted(Reign { shard, epoch }, session.re_assert(&caller, claim).await)
                    });
                }
                OwnershipAction::HandOff { reign, to } => {
                    self.shared.close(reign.shard);
                    self.ask_as(move |caller, session| async move {
                        Answered::HandedOff(reign, session.hand_off(&caller, reign, &to).await)
                    });
                }
                OwnershipAction::Serve(reign) => {
                    self.shared.hold(reign.shard, true);
                    self.shared.reign(reign.shard, Some(reign.epoch));
                    self.say(ClusterEvent::Serve(reign))?;
                }
                OwnershipAction::Resume(reign) => {
                    self.shared.reign(reign.shard, Some(reign.epoch));
                    self.say(ClusterEvent::Resume(reign))?;
                }
                OwnershipAction::Release(shard) => {
                    self.shared.reign(shard, None);
                    self.shared.hold(shard, false);
                    self.say(ClusterEvent::Release(shard))?;
                }
                OwnershipAction::Prepare { shard, to } => self.say(ClusterEvent::Prepare(shard, to))?,
                OwnershipAction::Flush(shard) => {
                    self.shared.close(shard);
                    self.say(ClusterEvent::Flush(shard))?;
                }
                OwnershipAction::Reopen(shard) => {
                    self.shared.reign(shard, self.node.ownership.reign(shard));
                    self.say(ClusterEvent::Reopen(shard))?;
                }
                OwnershipAction::Tail { reign, to } => {
                    self.shared.reign(reign.shard, None);
                    self.shared.hold(reign.shard, false);
                    self.say(ClusterEvent::Tail(reign, to))?;
                    self.say(ClusterEvent::Changed)?;
                }
            }
        }
        Ok(())
    }

    /// Shows what is known now to everyone on this node.
    fn report(&mut self, now: Instant) -> Result<(), Over> {
        let Node {
            keeper, ownership, ..
        } = &self.node;
        let lease = keeper.lease();
        let until = match lease.standing() {
            Standing::Live | Standing::Frozen => lease.changes_at().unwrap_or_default(),
            Standing::Suspended | Standing::Fenced => Instant::default(),
        };
        let life = keeper.caller().map(|caller| caller.store);
        self.shared.stand(lease.standing(), until, life);
        let is_live = lease.is_live(now);
        metrics::gauge!(names::SHARDS_HELD).set(ownership.holdings().count() as f64);
        if is_live && !self.was_live {
            self.say(ClusterEvent::Live)?;
        }
        self.was_live = is_live;
        if std::mem::take(&mut self.is_renewed) {
            self.show()?;
        }
        Ok(())
    }

    /// Shows the nodes, and the table if it is another.
    fn show(&mut self) -> Result<(), Over> {
        let membership = self.node.keeper.membership();
        let (Some(generation), Some(table)) = (membership.cached(), membership.table()) else {
            return Ok(());
        };
        let is_new = self.shown != Some(generation);
        let owners = if is_new {
            let last = table
                .keys()
                .next_back()
                .map_or(0, |shard| usize::from(shard.0) + 1);
            let mut owners = vec![None; last];
            for (shard, row) in table {
                owners[usize::from(shard.0)] = Some((row.owner.clone(), row.epoch));
            }
            owners.into()
        } else {
            Arc::clone(&self.shared.view().owners)
        };
        let nodes = membership.nodes().to_vec();
        self.shared.show(
            View {
                generation,
                nodes,
                owners,
            },
            is_new,
        );
        if is_new {
            self.shown = Some(generation);
            self.say(ClusterEvent::View(generation))?;
        }
        Ok(())
    }

    fn say(&self, event: ClusterEvent) -> Result<(), Over> {
        self.events.try_send(event).map_err(|error| {
            tracing::error!(%error, "nobody hears what becomes of shards");
            Over
        })
    }

    /// What was asked on the present connection is not answered any more.
    fn disconnect(&mut self) {
        self.connection += 1;
        self.session = None;
    }

    fn ask_as<F>(&self, question: impl FnOnce(Caller, Arc<dyn OwnershipSession>) -> F)
    where
        F: Future<Output = Answered> + Send + 'static,
    {
        if let Some(caller) = self.node.keeper.caller() {
            self.ask_session(|session| question(caller, session));
        }
    }

    fn ask_session<F>(&self, question: impl FnOnce(Arc<dyn OwnershipSession>) -> F)
    where
        F: Future<Output = Answered> + Send + 'static,
    {
        if let Some(session) = &self.session {
            self.ask(question(Arc::clone(session)));
        }
    }

    fn ask(&self, question: impl Future<Output = Answered> + Send + 'static) {
        let (connection, answers) = (self.connection, self.answers.clone());
        drop(tokio::spawn(async move {
            let what = question.await;
            drop(answers.send(Answer { connection, what }).await);
        }));
    }
}

/// What is known of a call's fate: the answer, or the refusal.
fn known<T, R>(fate: Fate<T, R>) -> Option<Result<T, R>> {
    match fate {
        Fate::Done(answer) => Some(Ok(answer)),
        Fate::Refused(refusal) => Some(Err(refusal)),
        Fate::Unknown => None,
    }
}
