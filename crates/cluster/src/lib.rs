//! Who is alive and who owns what: the mind of the cluster, without a body.
//!
//! State machines only: inputs are time, answers of the store, what links show, and messages; outputs are actions for a shell. The crate knows nothing of
//! rooms: a shard has an owner, an epoch, and something alive in it or not. Read [`videorooms_store::ownership`] first, the truth on which everything rests; then
//! [`keeper`], [`ownership`]; [`Node`] puts them together.
//!
//! Safety is the store's work ([`videorooms_store::ownership`], invariants S1 to S6) and needs neither clocks nor the good behaviour of nodes. Everything else here is
//! about being alive: noticing a death soon, and never living by mistake.

pub mod certificates;
pub mod keeper;
pub mod lease;
pub mod link;
pub mod links;
pub mod membership;
pub mod metrics;
pub mod node;
pub mod ownership;
pub mod placement;
pub mod subscription;
mod time;

pub use node::{Node, NodeAction};
pub use time::{Instant, Timing};
