//! What an operator asks of a cluster through any of its nodes: the port behind `/admin/api`, and the values that cross it.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use videorooms_domain::{NodeId, NodeIncarnation, RoomId};
use videorooms_rooms::Explanation;

/// Carries an operator's wishes out. Every answer comes within a few seconds, an error being one.
#[async_trait]
pub trait Operations: Send + Sync + 'static {
    /// Is this the token of an operator.
    fn is_operator(&self, token: &str) -> bool;

    /// All nodes, as this one sees them.
    ///
    /// # Errors
    /// [`Refused::Unavailable`].
    async fn nodes(&self) -> Result<NodeList, Refused>;

    /// Has a node give its rooms away, or take rooms again; answers at once, with what is left.
    ///
    /// # Errors
    /// [`Refused`].
    async fn drain(&self, node: &NodeId, undo: bool) -> Result<Drain, Refused>;

    /// How far a node is with that.
    ///
    /// # Errors
    /// [`Refused`].
    async fn drained(&self, node: &NodeId) -> Result<Drain, Refused>;

    /// Why a room is where it is.
    ///
    /// # Errors
    /// [`Refused::NotFound`], [`Refused::Unavailable`].
    async fn explain(&self, room: RoomId) -> Result<Explanation, Refused>;
}

/// Why it was not done. The text is for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There is no such node or room.
    #[error("{0}")]
    NotFound(String),
    /// It makes no sense now.
    #[error("{0}")]
    Conflict(String),
    /// Not now: what is needed cannot be reached.
    #[error("{0}")]
    Unavailable(String),
}

/// The nodes of a cluster, as one of them sees them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeList {
    /// Who answers.
    pub node: NodeIncarnation,
    /// Where it stands with its lease: `live`, `suspended`, `frozen`, `fenced`; `alone` for a node whose store no other shares.
    pub standing: String,
    /// Of nodes and owners; rises with every change of them. 0 for a node that is alone.
    pub generation: u64,
    /// Shards that nobody owns at this moment.
    pub unowned: usize,
    /// By name.
    pub nodes: Vec<NodeRow>,
}

/// A node, as another sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeRow {
    /// Its name.
    pub id: NodeId,
    /// Its boot.
    pub incarnation: u64,
    /// `up`, `draining` or `dead`.
    pub state: String,
    /// `host:port` for other nodes; empty where it is linked with none.
    pub address: String,
    /// Of the messages between nodes that it speaks.
    pub version: u16,
    /// How busy it says it is.
    pub load: u32,
    /// Its share of rooms relative to others; 0 takes none.
    pub weight: u32,
    /// How old its beat was when the table was read last, in milliseconds.
    pub beat_age_ms: u64,
    /// Shards that it owns.
    pub shards: usize,
    /// What the link to it shows.
    pub link: LinkState,
    /// Why a connection with it was refused last, if it was since the link stood.
    pub refused: Option<String>,
    /// What it says of itself; none: it was not reached.
    pub says: Option<NodeSays>,
}

/// What the link to a node shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    /// It is the node that answers.
    Here,
    /// Calls go through.
    Up,
    /// It answers pings, calls do not go through.
    Answering,
    /// No answer, or no link yet.
    Silent,
    /// Closed, and refused when dialled again.
    Gone,
}

/// What a node says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeSays {
    /// Where it stands with its lease.
    pub standing: String,
    /// Shards that it holds.
    pub shards: usize,
    /// Rooms in its memory.
    pub rooms: usize,
    /// Tells whether two nodes have the same secret, and not what it is.
    pub secret_fingerprint: String,
}

/// How far a node is with giving its rooms away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drain {
    /// Which node.
    pub node: NodeId,
    /// Does it give away what it has.
    pub draining: bool,
    /// Shards that it still owns.
    pub shards: usize,
    /// Rooms still in its memory.
    pub rooms: usize,
}
