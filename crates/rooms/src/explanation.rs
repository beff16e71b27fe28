//! Why a room is where it is: what its owner answers to an operator.

use serde::{Deserialize, Serialize};
use videorooms_domain::{Epoch, NodeId, NodeIncarnation, RoomId, ShardId, Timestamp};

/// Why a room is where it is, as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// Which room.
    pub room: RoomId,
    /// The unit of ownership that it belongs to.
    pub shard: ShardId,
    /// Who owns it, and answers.
    pub owner: NodeIncarnation,
    /// In which reign.
    pub epoch: Epoch,
    /// When the owner took it; none: with its start.
    pub since: Option<Timestamp>,
    /// To whom the shard belongs by rendezvous hashing; none: no node takes shards.
    pub home: Option<NodeId>,
    /// All nodes as they stand for the shard, the best first; empty for a node that is alone.
    pub scores: Vec<NodeScore>,
    /// Why it is not at home, or that it is.
    pub stays: Stays,
    /// Does its actor run. If not, what is said of its members is what the store knows.
    pub in_memory: bool,
    /// It is over.
    pub ended: bool,
    /// How many.
    pub members: u32,
    /// Where they are.
    pub attached: Vec<AtNode>,
    /// Where its media is, once there was any.
    pub media_node: Option<NodeIncarnation>,
    /// How its owner came to own it; none: with its start.
    pub last_move: Option<LastMove>,
}

/// How a node stands for a shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeScore {
    /// Who.
    pub node: NodeId,
    /// `cluster.weight` of it.
    pub weight: u32,
    /// Its score by rendezvous hashing, in thousandths.
    pub score_thousandths: u64,
    /// May it be given shards: it is up, not draining, and has a weight.
    pub takes_shards: bool,
}

/// Why a room stays with its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stays {
    /// The node is alone and owns every room.
    Alone,
    /// It belongs there.
    AtHome,
    /// Rooms of its shard are in memory there: it moves when the node is drained or dies, or when they have left memory.
    InUse,
    /// Nothing of its shard is in memory: it is about to be handed to where it belongs.
    Idle,
    /// No node takes shards.
    NowhereToGo,
}

/// Who of a room is at a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AtNode {
    /// At which.
    pub node: NodeIncarnation,
    /// Members that came through it, as the store knows.
    pub members: u32,
    /// Sockets attached there now; 0 for a room that is not in memory.
    pub sockets: u32,
}

/// How a room came to its owner, by the owner's clock. A step that did not happen, or that the owner did not see, has no time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastMove {
    /// From whom; none: nobody owned it before.
    pub from: Option<NodeIncarnation>,
    /// When the link to the former owner broke.
    pub noticed_at: Option<Timestamp>,
    /// When the owner knew that the former one was declared dead; none: it gave the shard away.
    pub judged_at: Option<Timestamp>,
    /// When the shard was the owner's.
    pub claimed_at: Timestamp,
    /// When the room last came into memory.
    pub loaded_at: Option<Timestamp>,
    /// When people that were attached were first heard of after that.
    pub resubscribed_at: Option<Timestamp>,
}
