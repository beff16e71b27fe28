//! What may be asked of an engine.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::{MediaError, ParticipantKey, PeerKey, RoomKey, Sink, Source, Sources};

/// How a room is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoomRules {
    /// Most peers in the room.
    pub max_peers: usize,
    /// How long the room stays without peers.
    pub empty_timeout: Duration,
}

/// A client's wish to have a peer.
pub struct AttachWish {
    /// The room.
    pub room: RoomKey,
    /// Who.
    pub participant: ParticipantKey,
    /// What it may publish, unless [`crate::Engine::set_publishing`] said otherwise.
    pub publish: Sources,
    /// May it receive.
    pub subscribe: bool,
    /// Our address at which its request came in, unless a proxy took that; a candidate of a new peer.
    pub reached: Option<IpAddr>,
    /// A peer to go on with.
    pub peer: Option<PeerKey>,
    /// Where events go.
    pub sink: Sink,
}

/// What became of an [`AttachWish`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attached {
    /// The peer, old or new.
    pub peer: PeerKey,
    /// It is the one asked for, and its connection stands.
    pub resumed: bool,
    /// Names this attachment to [`crate::Engine::detach`]: rises with each.
    pub attachment: u64,
    /// Receiving m-lines of each kind to offer at first.
    pub slots: u8,
}

/// An offer of a client.
#[derive(Debug)]
pub struct OfferWish {
    /// Rises with each offer of a peer.
    pub r#gen: u32,
    /// The session description.
    pub sdp: String,
    /// Ids of the m-lines on which the client sends, and what it sends there.
    pub tracks: Vec<(String, Source)>,
}

/// A participant with a living peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoomMember {
    /// Who.
    pub participant: ParticipantKey,
    /// What is forwarded of it now.
    pub publishing: Sources,
}

/// How much there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Rooms.
    pub rooms: usize,
    /// Peers.
    pub peers: usize,
}

pub(crate) type Reply<T> = oneshot::Sender<Result<T, MediaError>>;

/// A request to the worker.
pub(crate) enum Command {
    CreateRoom {
        room: RoomKey,
        rules: RoomRules,
        reply: Reply<Vec<RoomMember>>,
    },
    KeepRoom {
        room: RoomKey,
        until: Instant,
        reply: Reply<()>,
    },
    DeleteRoom {
        room: RoomKey,
        reply: Reply<()>,
    },
    RoomMembers {
        room: RoomKey,
        reply: Reply<Vec<RoomMember>>,
    },
    RemoveParticipant {
        room: RoomKey,
        participant: ParticipantKey,
        reply: Reply<()>,
    },
    SetPublishing {
        room: RoomKey,
        participant: ParticipantKey,
        allowed: Sources,
        reply: Reply<()>,
    },
    Attach {
        wish: AttachWish,
        reply: Reply<Attached>,
    },
    Offer {
        peer: PeerKey,
        wish: OfferWish,
        reply: Reply<String>,
    },
    Mute {
        peer: PeerKey,
        source: Source,
        muted: bool,
        reply: Reply<()>,
    },
    Keyframe {
        peer: PeerKey,
        mid: String,
        reply: Reply<()>,
    },
    Detach {
        peer: PeerKey,
        attachment: u64,
    },
    Leave {
        peer: PeerKey,
        reply: Reply<()>,
    },
    Totals {
        reply: Reply<Totals>,
    },
    Shutdown {
        reply: Reply<()>,
    },
    /// Panics the worker.
    #[cfg(test)]
    Break,
}
