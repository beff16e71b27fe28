//! The tests of `lifecycle.rs` once more, with each call and each publication going through its bytes, as between two nodes.

#[path = "lifecycle.rs"]
mod lifecycle;

use lifecycle::{crashes, support};
