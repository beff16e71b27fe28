//! Links between nodes in one process, over the loopback of this machine: real certificates, real sockets, real actors.

#![expect(clippy::unwrap_used, reason = "a test fails by it")]

#[path = "links/calls.rs"]
mod calls;
#[path = "links/faults.rs"]
mod faults;
#[path = "links/kit.rs"]
mod kit;
#[path = "links/refusals.rs"]
mod refusals;
