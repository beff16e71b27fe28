//! The whole house assembled: configuration, start order, supervision and shutdown of one node. A program that wants a media server of its own
//! registers it with [`Node::builder`].

pub mod cli;
pub mod commands;
pub mod config;
mod control;
pub mod doctor;
pub mod explain;
mod health;
pub mod identities;
mod keep;
mod lines;
mod listen;
mod member;
pub mod metrics;
mod neighbours;
mod node;
mod operations;
pub mod operator;
mod reload;
mod secret;
pub mod shutdown;
mod standing;
mod supervisor;
mod telemetry;

pub use node::{Node, NodeBuilder, now};
pub use telemetry::Telemetry;
