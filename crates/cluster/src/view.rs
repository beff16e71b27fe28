//! What this node knows now, for those who ask in passing: never locked for longer than a copy of a pointer takes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

use tokio::sync::watch;
use videorooms_domain::{Epoch, NodeIncarnation, ShardId};
use videorooms_store::ownership::{Generation, NodeState, NodeView, StoreIncarnation};

use crate::lease::Standing;
use crate::time::Instant;

/// Where a shard is served, as far as this node knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Here, in this reign.
    Here(Epoch),
    /// On another node that is alive.
    There(NodeIncarnation, Epoch),
    /// Nowhere: it has no living owner, or is being handed over.
    Nowhere,
}

/// The table as of the last renewal that brought one.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// Of nodes and owners.
    pub generation: Generation,
    /// All nodes, by name.
    pub nodes: Vec<NodeView>,
    /// By number of the shard; none where nobody ever owned it.
    pub owners: Arc<[Option<(NodeIncarnation, Epoch)>]>,
}

impl View {
    /// The owner of a shard, if it is alive.
    #[must_use]
    pub fn owner(&self, shard: ShardId) -> Option<(&NodeIncarnation, Epoch)> {
        let (owner, epoch) = self.owners.get(usize::from(shard.0))?.as_ref()?;
        self.is_alive(owner).then_some((owner, *epoch))
    }

    /// Does the table say that this boot is over: it was declared dead, or a later one runs. A store that lost its data knows of nobody, which is no death.
    #[must_use]
    pub fn is_dead(&self, node: &NodeIncarnation) -> bool {
        let mut nodes = self.nodes.iter().filter(|view| view.node.node == node.node);
        nodes.any(|view| {
            let is_later = view.node.incarnation > node.incarnation;
            is_later || view.node == *node && view.state == NodeState::Dead
        })
    }

    /// Is there a row of this node, of whatever boot.
    #[must_use]
    pub fn knows(&self, node: &NodeIncarnation) -> bool {
        self.nodes.iter().any(|view| view.node.node == node.node)
    }

    /// Who owned a shard before `me` did, alive or not; none if nobody did, or `me`.
    #[must_use]
    pub fn former_owner(&self, shard: ShardId, me: &NodeIncarnation) -> Option<NodeIncarnation> {
        let (owner, _) = self.owners.get(usize::from(shard.0))?.as_ref()?;
        (owner != me).then(|| owner.clone())
    }

    /// Is this boot in the table and not declared dead.
    #[must_use]
    pub fn is_alive(&self, node: &NodeIncarnation) -> bool {
        let mut nodes = self.nodes.iter();
        nodes.any(|view| view.node == *node && view.state != NodeState::Dead)
    }
}

/// What the mind shares with everyone on its node.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) me: NodeIncarnation,
    view: watch::Sender<Arc<View>>,
    /// By number of the shard: the epoch in which it may be written here, 0 where it may not.
    reigns: Box<[AtomicU64]>,
    /// By number of the shard: does it take no new commands, because it is about to move.
    closed: Box<[AtomicBool]>,
    /// By number of the shard: is it held here, served or not.
    held: Box<[AtomicBool]>,
    life: parking_lot::RwLock<Option<StoreIncarnation>>,
    standing: AtomicU8,
    speaks_until: AtomicU64,
    reaches_store: Arc<AtomicBool>,
    is_draining: AtomicBool,
    /// Raised whenever a reign or the view changes.
    changes: watch::Sender<u64>,
}

impl Shared {
    pub(crate) fn new(me: NodeIncarnation, shards: u16) -> Self {
        Self {
            me,
            view: watch::Sender::default(),
            reigns: (0..shards).map(|_| AtomicU64::default()).collect(),
            closed: (0..shards).map(|_| AtomicBool::default()).collect(),
            held: (0..shards).map(|_| AtomicBool::default()).collect(),
            life: parking_lot::RwLock::default(),
            standing: AtomicU8::new(Standing::Fenced as u8),
            speaks_until: AtomicU64::default(),
            reaches_store: Arc::default(),
            is_draining: AtomicBool::default(),
            changes: watch::Sender::default(),
        }
    }

    pub(crate) fn place(&self, shard: ShardId) -> Place {
        if let Some(epoch) = self.written(shard) {
            let closed = self.closed.get(usize::from(shard.0));
            return match closed {
                Some(closed) if closed.load(Ordering::Acquire) => Place::Nowhere,
                Some(_) | None => Place::Here(epoch),
            };
        }
        let view = self.view.borrow();
        match view.owner(shard) {
            Some((owner, epoch)) if *owner != self.me => Place::There(owner.clone(), epoch),
            Some(_) | None => Place::Nowhere,
        }
    }

    /// The epoch in which the shard may be written here now.
    pub(crate) fn written(&self, shard: ShardId) -> Option<Epoch> {
        let reign = self.reigns.get(usize::from(shard.0))?.load(Ordering::Acquire);
        (reign != 0).then_some(Epoch(reign))
    }

    pub(crate) fn view(&self) -> Arc<View> {
        self.view.borrow().clone()
    }

    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    pub(crate) fn life(&self) -> Option<StoreIncarnation> {
        *self.life.read()
    }

    pub(crate) fn standing(&self) -> Standing {
        let standing = self.standing.load(Ordering::Acquire);
        [
            Standing::Live,
            Standing::Suspended,
            Standing::Frozen,
            Standing::Fenced,
        ]
        .into_iter()
        .find(|known| *known as u8 == standing)
        .unwrap_or(Standing::Fenced)
    }

    pub(crate) fn speaks(&self, now: Instant, shard: ShardId) -> bool {
        if now.0 >= self.speaks_until.load(Ordering::Acquire) {
            return false;
        }
        let at = usize::from(shard.0);
        match self.standing() {
            Standing::Live => self
                .reigns
                .get(at)
                .is_some_and(|epoch| epoch.load(Ordering::Acquire) != 0),
            Standing::Frozen => self.held.get(at).is_some_and(|held| held.load(Ordering::Acquire)),
            Standing::Suspended | Standing::Fenced => false,
        }
    }

    pub(crate) fn reaches_store(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.reaches_store)
    }

    pub(crate) fn drains(&self, drains: bool) {
        self.is_draining.store(drains, Ordering::Release);
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.is_draining.load(Ordering::Acquire)
    }

    /// Takes over a lease as of now. `until`: when it ends.
    pub(crate) fn stand(&self, standing: Standing, until: Instant, life: Option<StoreIncarnation>) {
        self.standing.store(standing as u8, Ordering::Release);
        self.speaks_until.store(until.0, Ordering::Release);
        self.reaches_store
            .store(standing == Standing::Live, Ordering::Release);
        if *self.life.read() != life {
            *self.life.write() = life;
        }
    }

    /// The shard may be written in this epoch from now on; none: not any more.
    pub(crate) fn reign(&self, shard: ShardId, epoch: Option<Epoch>) {
        let at = usize::from(shard.0);
        let (Some(reign), Some(closed)) = (self.reigns.get(at), self.closed.get(at)) else {
            return;
        };
        reign.store(epoch.map_or(0, |epoch| epoch.0), Ordering::Release);
        closed.store(false, Ordering::Release);
        self.changed();
    }

    /// The shard takes no new commands, though it may still be written.
    pub(crate) fn close(&self, shard: ShardId) {
        if let Some(closed) = self.closed.get(usize::from(shard.0)) {
            closed.store(true, Ordering::Release);
        }
    }

    pub(crate) fn hold(&self, shard: ShardId, held: bool) {
        if let Some(slot) = self.held.get(usize::from(shard.0)) {
            slot.store(held, Ordering::Release);
        }
    }

    pub(crate) fn holds(&self) -> usize {
        let held = self.held.iter().filter(|held| held.load(Ordering::Acquire));
        held.count()
    }

    /// `is_new`: more than beats and loads changed.
    pub(crate) fn show(&self, view: View, is_new: bool) {
        self.view.send_replace(Arc::new(view));
        if is_new {
            self.changed();
        }
    }

    fn changed(&self) {
        self.changes.send_modify(|count| *count = count.wrapping_add(1));
    }
}
