//! Calls between nodes as bytes: each reads back as written, keeps its form from version to version, and what is no call harms nobody.

#![expect(clippy::unwrap_used, reason = "a test fails by it")]

#[path = "calls/any.rs"]
mod any;
#[path = "calls/examples.rs"]
mod examples;
#[path = "calls/format.rs"]
mod format;
#[path = "calls/fuzz.rs"]
mod fuzz;
#[path = "calls/largest.rs"]
mod largest;
mod wire;
