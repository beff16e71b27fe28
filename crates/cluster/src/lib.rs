//! Who is alive, and who owns which shard. This is the pure core: state machines whose inputs are time, answers of the store and what links
//! say, and whose outputs are values. No clock, no socket, no task: the same types run in a node, in a simulator and under a model checker.
//!
//! It knows nothing of rooms. A shard is a number; a room falls into one by its id.

mod lease;
mod placement;
mod time;

pub use lease::{Change, Lease, LeaseState, LeaseTimes, Renewal};
pub use placement::{Candidate, ranking};
pub use time::Time;
