//! The words of ownership: what the store keeps about nodes and shards, and what a node sees of it.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use videorooms_domain::{Epoch, NodeId, NodeIncarnation, ShardId};

/// One life of the store: Redis's own `run_id`, 40 hexadecimal digits. Unlike a counter it cannot return when data is lost.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StoreIncarnation(pub [u8; 20]);

/// A text that is not a `run_id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not 40 hexadecimal digits")]
pub struct InvalidRunId;

impl FromStr for StoreIncarnation {
    type Err = InvalidRunId;
    fn from_str(text: &str) -> Result<Self, InvalidRunId> {
        let digits: Vec<u32> = text.chars().map_while(|digit| digit.to_digit(16)).collect();
        if digits.len() != 40 || text.len() != 40 {
            return Err(InvalidRunId);
        }
        let mut bytes = [0; 20];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = (pair[0] << 4 | pair[1]) as u8;
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for StoreIncarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for StoreIncarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Version of membership and ownership together; every change of who is alive or who owns what raises it. Beats and loads do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Generation(pub u64);

/// What a node says of itself with each renewal.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Profile {
    /// `host:port` of its listener for nodes.
    pub address: Arc<str>,
    /// Newest version of the messages between nodes that it speaks.
    pub version: u16,
    /// How busy it is; only ever compared between nodes.
    pub load: u32,
    /// Its share of shards relative to others; 0 takes none.
    pub weight: u32,
    /// It is about to go and takes nothing new.
    pub draining: bool,
}

/// Where a node stands in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NodeState {
    /// Takes and keeps shards.
    Up,
    /// Keeps what it has until it has handed it off.
    Draining,
    /// Declared dead; owns nothing. Its next renewal brings it back, without shards.
    Dead,
}

/// A node as the store knows it. There is one row for each node, of its newest boot.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NodeRow {
    /// Which boot.
    pub incarnation: u64,
    /// What it said of itself last.
    pub profile: Profile,
    /// Alive or not.
    pub state: NodeState,
    /// When it renewed last, by the store's clock in milliseconds.
    pub beat_ms: u64,
}

/// A node as an answered renewal shows it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NodeView {
    /// Who, and which boot.
    pub node: NodeIncarnation,
    /// What it said of itself last.
    pub profile: Profile,
    /// Alive or not.
    pub state: NodeState,
    /// How old its beat was when the renewal was executed.
    pub age: Duration,
}

impl NodeView {
    /// May it be given shards.
    #[must_use]
    pub fn takes_shards(&self) -> bool {
        self.state == NodeState::Up && self.profile.weight > 0
    }
}

/// Who owns a shard.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ShardRow {
    /// The owner; it may be dead or an earlier boot, and then the shard is anyone's to claim.
    pub owner: NodeIncarnation,
    /// Its reign.
    pub epoch: Epoch,
    /// Set if the owner re-asserted the shard: in which life of the store, and which epoch it held before.
    pub re_asserted: Option<(StoreIncarnation, Epoch)>,
}

/// The rows of all shards that ever had an owner.
pub type Table = BTreeMap<ShardId, ShardRow>;

/// The rows of all nodes that ever were.
pub type Nodes = BTreeMap<NodeId, NodeRow>;

/// The store's clock at the execution of a script (Redis `TIME`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StoreTime {
    /// Milliseconds. Beats and the settling of a store incarnation are measured by it.
    pub ms: u64,
    /// Below this no epoch and no generation is given out; the milliseconds again, except where a test gives a rank in their place.
    pub floor: u64,
}

impl StoreTime {
    /// The time `ms` milliseconds after the Unix epoch.
    #[must_use]
    pub fn from_ms(ms: u64) -> Self {
        Self { ms, floor: ms }
    }
}
