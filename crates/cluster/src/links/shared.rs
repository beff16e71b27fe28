//! What the handle, the watch's thread and the runtime's tasks have in common.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use parking_lot::{Mutex, RwLock};
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use videorooms_domain::{NodeId, NodeIncarnation};

use super::Refusal;
use super::hello::Introduction;
use super::tls::Tls;
use super::traffic::Traffic;

pub(crate) struct Shared {
    pub(crate) introduction: Introduction,
    pub(crate) tls: RwLock<Tls>,
    pub(crate) reaches_store: Arc<AtomicBool>,
    pub(crate) traffic: Arc<Traffic>,
    /// Wakes the watch's thread: other peers, or a session that came or went.
    pub(crate) changed: Arc<Notify>,
    /// Where traffic is served.
    pub(crate) runtime: Handle,
    /// True once all is to end.
    pub(crate) ending: watch::Sender<bool>,
    peers: Mutex<Peers>,
}

#[derive(Default)]
struct Peers {
    wanted: BTreeMap<NodeId, Peer>,
    /// The latest boot of a node that was heard, which the table may not know yet.
    latest: BTreeMap<NodeId, u64>,
    /// The latest boot of a node that was declared dead.
    dead: BTreeMap<NodeId, u64>,
}

/// With whom to be linked.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Peer {
    pub(crate) boot: u64,
    pub(crate) address: Arc<str>,
}

impl Shared {
    pub(crate) fn new(
        introduction: Introduction,
        tls: Tls,
        reaches_store: Arc<AtomicBool>,
        traffic: Arc<Traffic>,
    ) -> Self {
        Self {
            introduction,
            tls: RwLock::new(tls),
            reaches_store,
            changed: Arc::clone(&traffic.changed),
            traffic,
            runtime: Handle::current(),
            ending: watch::Sender::new(false),
            peers: Mutex::default(),
        }
    }

    pub(crate) fn me(&self) -> &NodeIncarnation {
        &self.introduction.me
    }

    /// Sets with whom to be linked.
    pub(crate) fn want(&self, peers: Vec<(NodeIncarnation, Arc<str>)>) {
        let others = peers.into_iter().filter(|(peer, _)| peer.node != self.me().node);
        let wanted = others.map(|(peer, address)| {
            let boot = peer.incarnation;
            (peer.node, Peer { boot, address })
        });
        {
            let mut peers = self.peers.lock();
            let wanted: BTreeMap<_, _> = wanted.collect();
            if peers.wanted == wanted {
                return;
            }
            peers.dead.retain(|node, _| wanted.contains_key(node));
            peers.latest.retain(|node, _| wanted.contains_key(node));
            peers.wanted = wanted;
        }
        self.changed.notify_one();
    }

    pub(crate) fn wanted(&self) -> BTreeMap<NodeId, Peer> {
        self.peers.lock().wanted.clone()
    }

    /// Refuses that boot from now on, and cuts its traffic; the watch's thread does the rest.
    pub(crate) fn forget(&self, dead: &NodeIncarnation) {
        {
            let mut peers = self.peers.lock();
            let latest = peers.dead.entry(dead.node.clone()).or_default();
            *latest = dead.incarnation.max(*latest);
        }
        self.traffic.cut(&dead.node, dead.incarnation);
        self.changed.notify_one();
    }

    /// That boot proved to be there: earlier ones are refused from now on.
    pub(crate) fn heard(&self, other: &NodeIncarnation) {
        let mut peers = self.peers.lock();
        let latest = peers.latest.entry(other.node.clone()).or_default();
        *latest = other.incarnation.max(*latest);
    }

    /// Is that boot taken.
    pub(crate) fn admit(&self, other: &NodeIncarnation) -> Result<(), Refusal> {
        let peers = self.peers.lock();
        let wanted = peers.wanted.get(&other.node).ok_or(Refusal::NotAPeer)?;
        let dead = peers.dead.get(&other.node);
        let latest = peers.latest.get(&other.node).copied().unwrap_or_default();
        if other.incarnation < wanted.boot.max(latest) || dead.is_some_and(|dead| other.incarnation <= *dead)
        {
            return Err(Refusal::EarlierBoot);
        }
        Ok(())
    }

    /// The same for a boot that has dialled: only nodes of lower names do.
    pub(crate) fn admit_dialler(&self, other: &NodeIncarnation) -> Result<(), Refusal> {
        if other.node >= self.me().node {
            return Err(Refusal::WrongSide);
        }
        self.admit(other)
    }
}
