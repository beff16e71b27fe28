//! The public door of a node: HTTP, the page, and Phoenix Channels V2 over WebSocket.
//!
//! The walk of a frame: [`Gateway`]'s listener takes the connection, `http` settles who the client is and what it may ask for, `socket` reads
//! the frame, `channels` turns it into a command or a signal, `Rooms` takes it from there. What rooms say comes back through the [`Hub`], which
//! encodes it once for all sockets. Nothing here keeps a rule of a room.

mod actor;
mod api;
pub mod auth;
mod channels;
mod config;
mod http;
mod hub;
mod limits;
mod listener;
pub mod metrics;
mod page;
mod socket;
mod state;

pub use actor::{Gateway, GatewayArguments};
pub use config::{GatewayConfig, Limits, Rate, SocketConfig};
pub use hub::Hub;
pub use state::{Door, DoorParts, ServiceStatus, StatusSource};
