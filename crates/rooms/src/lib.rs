//! Rooms as supervised actors. One actor a room; doors reach them by [`Rooms`] and their media by [`RoomMedia`]; what they say goes to
//! [`Subscribers`], once per node.
//!
//! The walk of a command: [`Rooms::execute`] finds or loads the room, its actor hands the command to the commit pipeline, the rules
//! (`videorooms_domain`) decide on speculative state, the store makes it durable, and only then the event is published and the answer given.
//! Ephemeral signals take the same door but wait for nothing.
//!
//! Whether a room lives on this node or beyond a link is known to [`Rooms`] alone; what travels there is in [`calls`]. Likewise media: it lives on
//! a node of its own choice, [`MediaHost`] is each node's part in it, and [`media_calls`] is what travels.
//!
//! This crate never calls a door, never parses a frame and keeps no rule of a room.

mod api;
pub mod calls;
mod clock;
mod config;
mod directory;
mod door;
mod draining;
mod explanation;
mod following;
mod housekeeping;
mod load;
pub mod media_calls;
mod media_host;
mod media_plan;
pub mod metrics;
mod moves;
mod ownership;
pub mod pipeline;
mod recent;
mod restart_budget;
mod room_actor;
mod room_supervisor;
mod rooms;
mod services;
mod tries;
mod wakeups;

pub use api::*;
pub use config::RoomsConfig;
pub use explanation::*;
pub use media_host::{MediaHost, RoomMedia};
pub use ownership::Ownership;
pub use room_supervisor::RoomsSupervisor;
pub use rooms::Rooms;
