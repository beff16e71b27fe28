//! Who is alive and who owns what, as one node of a cluster decides it.
//!
//! A pure core and a thin shell. The core is state machines: inputs are time, answers of the store, what links show, and messages; outputs are actions for a shell. The crate knows nothing of
//! rooms: a shard has an owner, an epoch, and something alive in it or not. Read [`videorooms_store::ownership`] first, the truth on which everything rests; then
//! [`keeper`], [`ownership`]; [`Node`] puts them together.
//!
//! Safety is the store's work ([`videorooms_store::ownership`], invariants S1 to S6) and needs neither clocks nor the good behaviour of nodes. Everything else here is
//! about being alive: noticing a death soon, and never living by mistake.
//!
//! The shell is [`Cluster`]: a thread that runs [`Node`] against the store, and what it shows to the rest of the process.

pub mod certificates;
mod clock;
mod cluster;
pub mod keeper;
pub mod lease;
pub mod link;
pub mod links;
pub mod membership;
pub mod metrics;
mod mind;
pub mod node;
pub mod ownership;
pub mod placement;
pub mod subscription;
mod time;
mod view;

pub use cluster::{Cluster, ClusterConfig};
pub use links::ServiceName;
pub use mind::ClusterEvent;
pub use node::{Node, NodeAction};
pub use time::{Instant, Timing};
pub use view::{Place, View};
