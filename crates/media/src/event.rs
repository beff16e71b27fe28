//! What the engine tells the client of a peer, and how it hands that over without ever waiting.

use std::sync::Arc;

use crate::{ParticipantKey, Source};

/// Something for the client of one peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PeerEvent {
    /// The whole mapping of receiving m-lines; `rev` rises with each change.
    Slots {
        /// Revision.
        rev: u64,
        /// Every bound m-line.
        map: Vec<SlotView>,
    },
    /// So many more receiving m-lines are needed.
    NeedSlots {
        /// Audio m-lines to add.
        audio: u8,
        /// Video m-lines to add.
        video: u8,
    },
    /// Who speaks, loudest first; 0 is loudest, 127 silence (RFC 6464).
    Speakers(Arc<[(ParticipantKey, u8)]>),
    /// The peer is gone; nothing follows.
    Reset(&'static str),
}

/// A receiving m-line and who is on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotView {
    /// The m-line's id in the subscriber's session.
    pub mid: String,
    /// The publisher.
    pub participant: ParticipantKey,
    /// What it publishes there.
    pub source: Source,
    /// Nothing flows at present.
    pub muted: bool,
}

/// What became of an event handed to a [`Sink`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// The client's queue has it.
    Taken,
    /// The queue is full: a slot map is offered again, anything else is dropped.
    Full,
    /// Nobody listens any more: the peer counts as detached.
    Gone,
}

/// Where a peer's events go. Called on the worker's thread: must not block.
pub type Sink = Box<dyn FnMut(PeerEvent) -> Delivery + Send>;
