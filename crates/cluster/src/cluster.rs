//! `Cluster`: one node's part in a cluster, as everyone on the node reaches it. Cheap to clone; never waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use videorooms_domain::{Epoch, NodeId, NodeIncarnation, ShardId};
use videorooms_store::ownership::{OwnershipStore, Profile, Reign, StoreIncarnation};

use crate::clock;
use crate::lease::Standing;
use crate::membership::Evidence;
use crate::mind::{ClusterEvent, EVENTS, INPUTS, Input, Mind, Parts};
use crate::time::Timing;
use crate::view::{Place, Shared, View};

/// How often the runtime shows that it lives; a fraction of [`Timing::runtime_stall`].
const TICK: Duration = Duration::from_millis(100);

/// What a node is in its cluster.
#[derive(Debug, Clone)]
pub struct ClusterConfig {
    /// This boot of this node.
    pub me: NodeIncarnation,
    /// Number of shards of the cluster.
    pub shards: u16,
    /// Durations.
    pub timing: Timing,
    /// What it says of itself at first.
    pub profile: Profile,
}

/// Handle to the node's part in a cluster.
#[derive(Clone)]
pub struct Cluster {
    shared: Arc<Shared>,
    inputs: mpsc::Sender<Input>,
}

impl Cluster {
    /// Starts the thread that keeps the lease. It ends by [`Self::stop`], or when the events are not heard any more; the events end with it.
    /// Called on the runtime whose life it watches.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(
        config: ClusterConfig,
        store: Arc<dyn OwnershipStore>,
    ) -> std::io::Result<(Self, mpsc::Receiver<ClusterEvent>)> {
        let ClusterConfig {
            me,
            shards,
            timing,
            profile,
        } = config;
        let shared = Arc::new(Shared::new(me, shards));
        let ticked = Arc::new(AtomicU64::new(clock::now().0));
        let (events, heard) = mpsc::channel(EVENTS);
        let (inputs, said) = mpsc::channel(INPUTS);
        let parts = Parts {
            shards,
            timing,
            store,
            profile,
            shared: Arc::clone(&shared),
            ticked: Arc::clone(&ticked),
            events,
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let thread = std::thread::Builder::new().name("lease-keeper".to_owned());
        thread.spawn(move || runtime.block_on(Mind::run(parts, said)))?;
        drop(tokio::spawn(tick(ticked, inputs.downgrade())));
        Ok((Self { shared, inputs }, heard))
    }

    /// This boot of this node.
    #[must_use]
    pub fn me(&self) -> &NodeIncarnation {
        &self.shared.me
    }

    /// Where a shard is served.
    #[must_use]
    pub fn place(&self, shard: ShardId) -> Place {
        self.shared.place(shard)
    }

    /// The epoch in which the shard may be written here, whether or not it takes new commands.
    #[must_use]
    pub fn held(&self, shard: ShardId) -> Option<Epoch> {
        self.shared.written(shard)
    }

    /// The nodes and the owners of all shards.
    #[must_use]
    pub fn view(&self) -> Arc<View> {
        self.shared.view()
    }

    /// Wakes whenever [`Self::place`] may answer something else.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.shared.changes()
    }

    /// The life of the store that commits are to be made in; none while the store is away.
    #[must_use]
    pub fn life(&self) -> Option<StoreIncarnation> {
        self.shared.life()
    }

    /// Where the node stands with its lease.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.shared.standing()
    }

    /// May what is not durable be said for the shard at this moment.
    #[must_use]
    pub fn speaks(&self, shard: ShardId) -> bool {
        self.shared.speaks(clock::now(), shard)
    }

    /// Set while this node reaches the store; for its links to say.
    #[must_use]
    pub fn reaches_store(&self) -> Arc<AtomicBool> {
        self.shared.reaches_store()
    }

    /// The link to a node shows something.
    pub fn saw(&self, node: NodeId, evidence: Evidence) {
        self.tell(Input::Saw(node, evidence));
    }

    /// A node says on its link whether it reaches the store.
    pub fn says(&self, node: NodeId, reaches_store: bool) {
        self.tell(Input::Says { node, reaches_store });
    }

    /// Does anything live in the shard.
    pub fn in_use(&self, shard: ShardId, is_in_use: bool) {
        self.tell(Input::InUse(shard, is_in_use));
    }

    /// A commit in this reign was refused: the shard is another's.
    pub fn deposed(&self, reign: Reign) {
        self.tell(Input::Deposed(reign));
    }

    /// A commit in this reign was told that the store changed.
    pub fn store_changed(&self, reign: Reign) {
        self.tell(Input::StoreChanged(reign));
    }

    /// Number of shards that this node holds.
    #[must_use]
    pub fn holds(&self) -> usize {
        self.shared.holds()
    }

    /// Answers [`ClusterEvent::Prepare`].
    pub fn prepared(&self, shard: ShardId, is_ready: bool) {
        self.tell(Input::Prepared(shard, is_ready));
    }

    /// Answers [`ClusterEvent::Flush`].
    pub fn flushed(&self, shard: ShardId) {
        self.tell(Input::Flushed(shard));
    }

    /// Gives everything away, or keeps what is left.
    pub fn drain(&self, drain: bool) {
        self.shared.drains(drain);
        self.tell(Input::Drain(drain));
    }

    /// Was the node told to give everything away.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.shared.is_draining()
    }

    /// Someone has changed the table: it is fetched at once.
    pub fn refresh(&self) {
        self.tell(Input::Refresh);
    }

    /// How busy the node is; only ever compared with others.
    pub fn load(&self, load: u32) {
        self.tell(Input::Load(load));
    }

    /// Ends the thread. The node's row stays until others miss its beat.
    pub async fn stop(&self) {
        let (stopped, is_stopped) = oneshot::channel();
        if self.inputs.send(Input::Stop(stopped)).await.is_ok() {
            drop(is_stopped.await);
        }
    }

    /// A word that is lost because the thread has fallen far behind costs time, never safety: what it says is seen again in the next view or by the next
    /// commit, except for the step of a hand-off, which is then given up.
    fn tell(&self, input: Input) {
        if self.inputs.try_send(input).is_err() {
            metrics::counter!(crate::metrics::WORDS_LOST).increment(1);
        }
    }
}

async fn tick(ticked: Arc<AtomicU64>, inputs: mpsc::WeakSender<Input>) {
    let mut ticks = tokio::time::interval(TICK);
    while inputs.strong_count() > 0 {
        ticks.tick().await;
        ticked.store(clock::now().0, Ordering::Release);
    }
}
