//! What tests share: real nodes as child processes, a client that speaks to them as a browser does, a Redis, and inputs for fuzzing.

mod api;
mod client;
mod cluster;
mod fuzz;
mod node;
mod redis;

pub use api::{create_room, get, http};
pub use client::{Client, Reply};
pub use cluster::ClusterProcesses;
pub use fuzz::{Change, Random};
pub use node::{NodeProcess, Run, run};
pub use redis::{RedisData, RedisServer};

use std::time::Duration;

/// Between two looks at what a node can only be asked for.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// No condition of these tests takes longer on any machine.
pub const DEADLINE: Duration = Duration::from_secs(30);
