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
    /// Pushes of one member.
    pub pushes: Rate,
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
        Self {
            per_second: per_second.into(),
            burst: f64::from(per_second) * 2.0,
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

impl Default for Limits {
    fn default() -> Self {
        Self {
            http: Rate::per_second(50),
            sockets: Rate {
                per_second: 20.0,
                burst: 100.0,
            },
            max_sockets: 50_000,
            pushes: Rate::per_second(50),
            chat: Rate {
                per_second: 5.0,
                burst: 20.0,
            },
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
