//! How an engine is set up.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

/// Settings of one engine.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// Where the UDP socket is bound; port 0 lets the kernel choose.
    pub listen: SocketAddr,
    /// Addresses given to clients as candidates beside the one at which they reached us; see [`crate::AttachWish::reached`].
    pub advertise: Vec<Advertise>,
    /// Receive buffer of the socket in bytes. Large buffers hold seconds of stale media when the machine is starved.
    pub receive_buffer_bytes: usize,
    /// Number of the first peer. Random, so that a peer id of an earlier process names nobody in this one.
    pub first_peer: u64,
    /// Bounds.
    pub limits: Limits,
}

impl EngineConfig {
    /// Defaults for a socket address.
    #[must_use]
    pub fn new(listen: SocketAddr) -> Self {
        Self {
            listen,
            advertise: Vec::new(),
            receive_buffer_bytes: 2 << 20,
            first_peer: 1,
            limits: Limits::default(),
        }
    }
}

/// Bounds on what the engine holds and how long it waits.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Rooms at a time; vacant ones give way to new ones. A vacant room takes less than a kilobyte.
    pub rooms: usize,
    /// Peers at a time, over all rooms. A peer takes half a megabyte, two in a call of ten.
    pub peers: usize,
    /// m-lines of one peer: Chromium took 3.4 s to connect with 96 of them.
    pub media_lines: usize,
    /// Bytes of one offer.
    pub offer_bytes: usize,
    /// Receiving m-lines of each kind that a client offers at first, and by which it grows.
    pub slots: u8,
    /// A peer from which no datagram came for so long is closed.
    pub idle: Duration,
    /// A peer that did not connect within this time of its first offer is closed.
    pub connect: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            rooms: 100_000,
            peers: 5_000,
            media_lines: 64,
            offer_bytes: 512 << 10,
            slots: 8,
            idle: Duration::from_secs(8),
            connect: Duration::from_secs(30),
        }
    }
}

/// An address for clients: with a port of its own where a NAT maps ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advertise {
    /// The port is the socket's.
    Ip(IpAddr),
    /// Address and port as seen from outside.
    Socket(SocketAddr),
}

impl Advertise {
    pub(crate) fn with_port(self, port: u16) -> SocketAddr {
        match self {
            Self::Ip(ip) => SocketAddr::new(ip, port),
            Self::Socket(address) => address,
        }
    }
}

/// Neither an IP address nor one with a port.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an IP address with or without port: {0}")]
pub struct BadAdvertise(String);

impl FromStr for Advertise {
    type Err = BadAdvertise;
    fn from_str(text: &str) -> Result<Self, BadAdvertise> {
        let ip = text.parse().map(Self::Ip);
        ip.or_else(|_| text.parse().map(Self::Socket))
            .map_err(|_| BadAdvertise(text.to_owned()))
    }
}
