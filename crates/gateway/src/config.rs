//! What a gateway can be told: who may come, how much, and for how long it waits. Every bound of this crate that an operator may want to
//! change is named here.

use std::time::Duration;

use ipnet::IpNet;

/// Settings of the public door.
#[derive(Debug, Clone, Default)]
pub struct GatewayConfig {
    /// Origins besides the own host from which a page may open a socket, as `https://example.org`.
    pub allowed_origins: Vec<String>,
    /// Proxies whose `X-Forwarded-For` counts.
    pub trusted_proxies: Vec<IpNet>,
    /// Logs are open to everyone on loopback (`--dev`).
    pub open_logs: bool,
    /// How much one client may ask for.
    pub limits: Limits,
    /// Sockets.
    pub socket: SocketConfig,
}

/// How much one client may ask for. The defaults suit people; a load test raises them.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Requests of one address to `/api`.
    pub http: Rate,
    /// Upgrades of one address.
    pub sockets: Rate,
    /// Sockets open at once, in all.
    pub max_sockets: usize,
    /// Frames of one socket, whatever they say.
    pub frames: Rate,
    /// Joins on one socket.
    pub joins: Rate,
    /// Joins of one address.
    pub address_joins: Rate,
    /// Pushes on `sfu:*` of one socket.
    pub signalling: Rate,
    /// Pushes of one member, on however many sockets.
    pub pushes: Rate,
    /// Pushes of all members of one room.
    pub room_pushes: Rate,
    /// Chat lines of one member.
    pub chat: Rate,
    /// Wrong passwords for one room from one address.
    pub passwords: Rate,
}

/// A token bucket's measures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// Refill.
    pub per_second: f64,
    /// What a rested client may spend at once.
    pub burst: f64,
}

impl Rate {
    /// `per_second`, with twice that in reserve.
    #[must_use]
    pub fn per_second(per_second: u32) -> Self {
        Self::with_reserve(per_second, 2)
    }

    /// `per_second`, with so many seconds' worth in reserve.
    #[must_use]
    pub fn with_reserve(per_second: u32, seconds: u32) -> Self {
        Self {
            per_second: per_second.into(),
            burst: f64::from(per_second) * f64::from(seconds),
        }
    }
}

/// Times and bounds of one socket.
#[derive(Debug, Clone)]
pub struct SocketConfig {
    /// Silence after which the socket pings. A client that only answers is asked every second time, so each 5 s with the default; one that is
    /// gone is noticed within four of them, the 10 s after which nobody is to be shown connected who is not.
    pub ping_after: Duration,
    /// Pings without any answer after which the client is gone.
    pub missed_pings: u32,
    /// A client that sends no frame for this long is closed, as Phoenix does.
    pub idle: Duration,
    /// The socket does not take more than this for one write.
    pub write_deadline: Duration,
    /// Frames that may wait for a slow client …
    pub outbox_frames: usize,
    /// … and their bytes.
    pub outbox_bytes: usize,
    /// Channels of one socket.
    pub max_channels: usize,
}

impl Limits {
    /// Joins, `per_second` on each socket; one address may have several, each with a room and its media.
    pub fn set_joins(&mut self, per_second: u32) {
        self.joins = Rate::with_reserve(per_second, 4);
        self.address_joins = Rate::with_reserve(per_second.saturating_mul(4), 10);
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            http: Rate::per_second(50),
            sockets: Rate::with_reserve(20, 5),
            max_sockets: 50_000,
            frames: Rate::per_second(200),
            joins: Rate::with_reserve(5, 4),
            address_joins: Rate::with_reserve(20, 10),
            signalling: Rate::with_reserve(5, 4),
            pushes: Rate::per_second(50),
            room_pushes: Rate::per_second(1000),
            chat: Rate::with_reserve(5, 4),
            passwords: Rate {
                per_second: 0.1,
                burst: 10.0,
            },
        }
    }
}

impl Default for SocketConfig {
    fn default() -> Self {
        Self {
            ping_after: Duration::from_millis(2500),
            missed_pings: 2,
            idle: Duration::from_secs(60),
            write_deadline: Duration::from_secs(10),
            outbox_frames: 512,
            outbox_bytes: 1 << 20,
            max_channels: 100,
        }
    }
}
