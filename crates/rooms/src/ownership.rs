//! Who owns a room, as this node knows now.

use std::sync::Arc;

use tokio::sync::watch;
use videorooms_cluster::placement::{self, Score};
use videorooms_cluster::{Cluster, Place};
use videorooms_domain::{Epoch, NodeId, NodeIncarnation, RoomId, ShardId};
use videorooms_store::Fence;
use videorooms_store::ownership::{NodeState, Reign};

use crate::calls::Peers;
use crate::explanation::{NodeScore, Stays};

/// Who owns the rooms.
#[derive(Clone)]
pub enum Ownership {
    /// This node owns every room, in this reign.
    Alone(Epoch),
    /// The nodes of a cluster own a part of them each.
    Shared {
        /// This node's part in it.
        cluster: Cluster,
        /// The way to the others.
        peers: Arc<dyn Peers>,
    },
}

impl Ownership {
    pub(crate) fn place(&self, shard: ShardId) -> Place {
        match self {
            Self::Alone(epoch) => Place::Here(*epoch),
            Self::Shared { cluster, .. } => cluster.place(shard),
        }
    }

    /// In whose name rooms of this reign are written now.
    ///
    /// # Errors
    /// [`NotNow`] while the reign is not confirmed, or over.
    pub(crate) fn fence(&self, reign: Reign) -> Result<Option<Arc<Fence>>, NotNow> {
        let Self::Shared { cluster, .. } = self else {
            return Ok(None);
        };
        let life = cluster.life().ok_or(NotNow)?;
        if cluster.held(reign.shard) != Some(reign.epoch) {
            return Err(NotNow);
        }
        let node = cluster.me().clone();
        Ok(Some(Arc::new(Fence { node, life })))
    }

    /// May what is not durable be said of a room at this moment.
    pub(crate) fn speaks(&self, room: RoomId) -> bool {
        match self {
            Self::Alone(_) => true,
            Self::Shared { cluster, .. } => cluster.speaks(room.shard()),
        }
    }

    /// Is this boot of a node alive, as far as is known; whoever was never heard of is.
    pub(crate) fn is_alive(&self, here: &NodeIncarnation, node: &NodeIncarnation) -> bool {
        match self {
            _ if here == node => true,
            // Whoever came through another node before it was alone is not denied by anyone but time.
            Self::Alone(_) => node.node != here.node,
            Self::Shared { cluster, .. } => !cluster.view().is_dead(node),
        }
    }

    /// All other nodes that are alive.
    pub(crate) fn others(&self, here: &NodeIncarnation) -> Vec<NodeIncarnation> {
        let Self::Shared { cluster, .. } = self else {
            return Vec::new();
        };
        let view = cluster.view();
        let nodes = view.nodes.iter().map(|row| &row.node);
        nodes
            .filter(|node| *node != here && view.is_alive(node))
            .cloned()
            .collect()
    }

    /// Is the node in the table, dead or not.
    pub(crate) fn knows(&self, node: &NodeIncarnation) -> bool {
        match self {
            Self::Alone(_) => true,
            Self::Shared { cluster, .. } => cluster.view().knows(node),
        }
    }

    /// May there be media on this boot of a node. While the table of nodes is not known, nobody is thought dead.
    pub(crate) fn carries_media(&self, here: &NodeIncarnation, node: &NodeIncarnation) -> bool {
        match self {
            _ if here == node => true,
            Self::Alone(_) => false,
            Self::Shared { cluster, .. } => {
                let view = cluster.view();
                let is_known = view.nodes.iter().any(|known| known.node == *here);
                !is_known || view.is_alive(node)
            }
        }
    }

    /// The node that is to carry a room's media from now on: this one, if it takes work; else the less busy of two that do, if there are any.
    pub(crate) fn choose_media(
        &self,
        here: &NodeIncarnation,
        first: usize,
        second: usize,
    ) -> NodeIncarnation {
        let takes_work = match self {
            Self::Alone(_) => true,
            Self::Shared { cluster, .. } => {
                let view = cluster.view();
                let mut nodes = view.nodes.iter();
                nodes.any(|known| known.node == *here && known.takes_shards())
            }
        };
        let elsewhere = || self.candidates(first, second).map(|[chosen, _]| chosen);
        let chosen = if takes_work { None } else { elsewhere() };
        chosen.unwrap_or_else(|| here.clone())
    }

    /// Two of the nodes that take rooms, chosen by these random numbers, the less busy one first, or twice the only one; none where nobody takes any.
    pub(crate) fn candidates(&self, first: usize, second: usize) -> Option<[NodeIncarnation; 2]> {
        let Self::Shared { cluster, .. } = self else {
            return None;
        };
        let view = cluster.view();
        let takers: Vec<_> = view.nodes.iter().filter(|node| node.takes_shards()).collect();
        let first = first.checked_rem(takers.len())?;
        // Another one than the first, if there is one.
        let further = second.checked_rem(takers.len() - 1).map_or(0, |rest| rest + 1);
        let (first, second) = (takers[first], takers[(first + further) % takers.len()]);
        // Load per weight, compared without dividing.
        let first_is_busier = u64::from(first.profile.load) * u64::from(second.profile.weight)
            > u64::from(second.profile.load) * u64::from(first.profile.weight);
        let (chosen, other) = if first_is_busier {
            (second, first)
        } else {
            (first, second)
        };
        Some([chosen, other].map(|node| node.node.clone()))
    }

    /// To whom a shard that is this node's belongs, how all nodes stand for it, and why it stays here.
    pub(crate) fn reasons(&self, shard: ShardId, is_in_use: bool) -> (Option<NodeId>, Vec<NodeScore>, Stays) {
        let Self::Shared { cluster, .. } = self else {
            return (None, Vec::new(), Stays::Alone);
        };
        let view = cluster.view();
        let alive = || view.nodes.iter().filter(|node| node.state != NodeState::Dead);
        let home = placement::home(shard, alive());
        let stays = match home {
            Some(home) if home == cluster.me() => Stays::AtHome,
            Some(_) if is_in_use => Stays::InUse,
            Some(_) => Stays::Idle,
            None => Stays::NowhereToGo,
        };
        let scores = placement::scores(shard, alive()).into_iter();
        let scores = scores.map(|Score { node, score }| NodeScore {
            node: node.node.node.clone(),
            weight: node.profile.weight,
            score_thousandths: (score * 1000.0) as u64,
            takes_shards: node.takes_shards(),
        });
        (home.map(|home| home.node.clone()), scores.collect(), stays)
    }

    pub(crate) fn in_use(&self, shard: ShardId, is_in_use: bool) {
        if let Self::Shared { cluster, .. } = self {
            cluster.in_use(shard, is_in_use);
        }
    }

    /// A commit was refused: the room is another's.
    pub(crate) fn deposed(&self, reign: Reign) {
        if let Self::Shared { cluster, .. } = self {
            cluster.deposed(reign);
        }
    }

    /// A commit was told that the store is another than the one in which the room is held.
    pub(crate) fn store_changed(&self, reign: Reign) {
        if let Self::Shared { cluster, .. } = self {
            cluster.store_changed(reign);
        }
    }

    /// The table may have changed: it is looked at at once.
    pub(crate) fn refresh(&self) {
        if let Self::Shared { cluster, .. } = self {
            cluster.refresh();
        }
    }

    /// Wakes when [`Self::place`] may answer something else; none where it never does.
    pub(crate) fn changes(&self) -> Option<watch::Receiver<u64>> {
        match self {
            Self::Alone(_) => None,
            Self::Shared { cluster, .. } => Some(cluster.changes()),
        }
    }

    pub(crate) fn peers(&self) -> Option<&Arc<dyn Peers>> {
        match self {
            Self::Alone(_) => None,
            Self::Shared { peers, .. } => Some(peers),
        }
    }
}

/// Nothing can be written for the room at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotNow;
