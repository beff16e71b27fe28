//! Media servers behind one trait.
//!
//! [`provider`] is the port. [`embedded`] is the SFU in our own process, [`fake`] one without media for tests. [`contract`] is
//! the suite that every provider passes. To add a media server: implement [`SfuProvider`], run the contract on it, name it in the
//! configuration.

pub mod contract;
#[cfg(feature = "embedded")]
pub mod embedded;
pub mod fake;
pub mod provider;
mod tokens;

pub use provider::*;
