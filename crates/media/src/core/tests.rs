//! The core on a virtual clock, with str0m clients standing in for browsers.
//!
//! The network of [`world::World`] delivers at once and in order, unless a test asks for loss.

mod fuzz;
mod joining;
mod media;
mod resilience;
mod routes;
mod world;
