//! Calls between the media of nodes as bytes: each reads back as written, keeps its form from version to version, and what is no call harms nobody.

#![expect(clippy::unwrap_used, reason = "a test fails by it")]

#[path = "../../sfu/tests/support/mod.rs"]
mod browsers;
#[path = "media_calls/contract.rs"]
mod contract;
#[path = "media_calls/examples.rs"]
mod examples;
#[path = "media_calls/format.rs"]
mod format;
#[path = "media_calls/fuzz.rs"]
mod fuzz;
#[path = "media_calls/link.rs"]
mod link;
mod wire;
