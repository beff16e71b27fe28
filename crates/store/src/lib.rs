//! Where rooms are kept: the port [`RoomStore`] and its adapters.
//!
//! An adapter promises one thing above all: what it answered [`Verdict::Committed`] is read back, in order and once, whatever
//! crashed in between. [`contract`] is that promise as a suite; every adapter passes it. [`FaultStore`] makes any adapter misbehave by
//! script, for the tests of those who write to one. Nothing here knows the rules of a room: payloads are bytes.

pub mod contract;
mod fault;
mod file;
mod group;
mod memory;
mod metrics;
mod open;
pub mod ownership;
mod redis;
mod room_store;
mod ruling;

pub use fault::{Fault, FaultStore, Faults};
pub use file::FileStore;
pub use memory::MemoryStore;
pub use metrics::describe as describe_metrics;
pub use open::{Durability, Opened, open};
pub use redis::{Examined, RedisOwnership, RedisStore, SessionTiming, examine as examine_redis};
pub use room_store::*;
pub use ruling::RESEND_TAIL;
