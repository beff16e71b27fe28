//! The core on a virtual clock, with str0m clients standing in for browsers.
//!
//! The network of [`world::World`] delivers at once and in order; tests that want otherwise say so.

mod joining;
mod media;
mod resilience;
mod world;
