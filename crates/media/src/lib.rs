//! The embedded SFU: WebRTC media in, the same media out to everyone else in the room, on one UDP port.
//!
//! ```text
//! Engine ──commands, eventfd──► worker thread: socket loop ──► Core (pure) ──► Peer (one str0m session each)
//!                                    ▲    └── egress, sorted by destination, GSO ◄──┘
//!                                  UDP port
//! ```
//!
//! This crate knows nothing of what a room allows: rooms and participants are numbers, rights are a set of sources. Its
//! rules live in `core`, which reads no clock and owns no socket, so that tests run it on a virtual clock. str0m breaks its
//! API with each minor release; nothing of it shows in this crate's public items.

mod budget;
mod candidates;
mod command;
mod config;
mod core;
mod engine;
mod error;
mod event;
mod forwarder;
mod guard;
pub mod metrics;
mod munger;
mod net;
mod peer;
mod sdp;
mod slots;
mod source;
mod worker;

pub use command::{AttachWish, Attached, OfferWish, RoomMember, RoomRules, Totals};
pub use config::{Advertise, BadAdvertise, EngineConfig, Limits};
pub use engine::Engine;
pub use error::MediaError;
pub use event::{Delivery, PeerEvent, Sink, SlotView};
pub use source::{Kind, Source, Sources};

/// A room, named by whoever embeds the engine.
pub type RoomKey = u128;

/// A participant of one room, named by whoever embeds the engine.
pub type ParticipantKey = u64;

/// A peer: one WebRTC connection of one participant. Counted up from [`EngineConfig::first_peer`], never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerKey(pub u64);
