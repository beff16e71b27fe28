//! The configuration of a node: every key with its default, and what is checked before anything starts. Where values come from is
//! [`Sources`]' matter. Secrets are held in [`Secret`], which never shows itself.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use videorooms_domain::NodeId;
use videorooms_gateway::SocketConfig;
use videorooms_sfu::embedded::Advertise;
use videorooms_store::Durability;

mod keys;
mod sources;

pub use sources::Sources;

/// Everything a node can be told.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Development on loopback: a secret is made up, logs are open.
    pub dev: bool,
    /// This node's name: 1–32 of `a-z`, `0-9`, `-`.
    pub node: String,
    /// Folder of everything the node keeps on disk.
    pub data: PathBuf,
    /// The public door.
    pub http: Http,
    /// The operator's door.
    pub admin: Admin,
    /// Media.
    pub sfu: Sfu,
    /// Where rooms are kept.
    pub store: Store,
    /// The other nodes.
    pub cluster: Cluster,
    /// Rooms.
    pub rooms: Rooms,
    /// Limits on clients.
    pub limits: Limits,
    /// Logs.
    pub log: Log,
    /// `SECRET_KEY_BASE`: at least 32 bytes.
    pub secret_key_base: Option<Secret>,
    /// `SECRET_KEY_BASE_PREVIOUS`: still accepted, for rotation.
    pub secret_key_base_previous: Option<Secret>,
}

/// The public door.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Http {
    /// Address and port; port 0 lets the kernel choose.
    pub listen: SocketAddr,
    /// Proxies whose `X-Forwarded-For` counts.
    pub trusted_proxies: Vec<IpNet>,
    /// Origins besides the own host from which a page may open a socket, as `https://example.org`.
    pub allowed_origins: Vec<String>,
}

/// The operator's door.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Admin {
    /// Address and port; keep it on loopback or a private network.
    pub listen: SocketAddr,
}

/// Media.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sfu {
    /// `embedded`, or the name of a provider registered with the builder.
    pub provider: String,
    /// UDP address of the embedded server.
    pub listen: SocketAddr,
    /// Addresses told to browsers beside the one at which they reach the node, with or without a port.
    pub advertise: Vec<String>,
    /// Media rooms of the embedded server at a time; one without media gives way to a new one.
    pub max_rooms: usize,
    /// Media connections of the embedded server at a time.
    pub max_peers: usize,
}

/// Where rooms are kept.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Store {
    /// `memory:`, `file:<dir>` or `redis://[user:password@]host[:port][/db][?prefix=…]`; none: `file:<data>/rooms`.
    pub url: Option<StoreUrl>,
    /// `strict` or `relaxed`. For Redis alone.
    pub durability: Durability,
}

/// This node among others. They find each other by the store that they share.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cluster {
    /// The cluster's name; nodes of another are refused.
    pub name: String,
    /// Address and port for other nodes; none: this node is linked with no other.
    pub listen: Option<SocketAddr>,
    /// `host:port` at which other nodes reach it; none: `listen`.
    pub advertise: Option<String>,
    /// Folder with this node's `node.pem`, `node.key`, `ca.pem`, `revoked.pem` and `secret`; none: `<data>/identity`.
    pub identity: Option<PathBuf>,
    /// Its share of rooms relative to others; 0 takes none.
    pub weight: u32,
}

/// The address of a store. Neither `Debug`, `Display` nor `Serialize` shows the password in it.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct StoreUrl(String);

impl StoreUrl {
    /// With its password, for the one place that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Can several nodes keep their rooms there.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.0.starts_with("redis")
    }

    fn is_known(&self) -> bool {
        let url = &self.0;
        let has_more = |scheme| url.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty());
        url == "memory:"
            || ["file:", "redis://", "rediss://", "redis+unix://"]
                .into_iter()
                .any(has_more)
    }
}

impl std::fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The last one: a password may hold others.
        let (head, host) = self.0.rsplit_once('@').unwrap_or(("", &self.0));
        match head.split_once("://") {
            None => f.write_str(host),
            Some((scheme, _)) => write!(f, "{scheme}://•••@{host}"),
        }
    }
}

impl std::fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

impl Serialize for StoreUrl {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Rooms.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rooms {
    /// How long a member whose connection is lost is waited for, in ms.
    pub reconnect_grace_ms: u64,
    /// How long an empty room is kept, in ms.
    pub empty_ms: u64,
    /// After how long a room without connections leaves memory, in ms.
    pub idle_unload_ms: u64,
    /// How long an ended room can still be asked for, in ms; then it is removed from the store.
    pub ended_retention_ms: u64,
    /// Most rooms in memory.
    pub max_live: usize,
}

/// Limits on clients; the defaults suit people, a load test raises them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Requests per second and address to `/api`.
    pub http_per_second: u32,
    /// Sockets opened per second and address.
    pub sockets_per_second: u32,
    /// Sockets open at once, in all.
    pub max_sockets: usize,
    /// Frames per second and socket, whatever they say.
    pub frames_per_second: u32,
    /// Joins per second and socket; an address may make four times as many.
    pub joins_per_second: u32,
    /// Pushes on `sfu:*` per second and socket.
    pub signalling_per_second: u32,
    /// Pushes per second and member.
    pub pushes_per_second: u32,
    /// Pushes per second and room.
    pub room_pushes_per_second: u32,
    /// Chat lines per second and member.
    pub chat_per_second: u32,
    /// Frames that may wait for a slow client …
    pub outbox_frames: usize,
    /// … and their bytes.
    pub outbox_bytes: usize,
}

/// Logs.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// Filter in `tracing`'s form, such as `info,videorooms_rooms=debug`.
    pub filter: String,
    /// `text` or `json`.
    pub format: LogFormat,
    /// Records that the debug log keeps in memory …
    pub records: usize,
    /// … and their bytes.
    pub bytes: usize,
}

/// How log lines look on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// A secret from the configuration. Neither `Debug` nor `Serialize` shows it.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// A secret from elsewhere than the configuration.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The secret itself, for the one place that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("•••")
    }
}

impl Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("•••")
    }
}

/// A year: longer is forever, and a sum with it still is a time.
const LONGEST_MS: u64 = 365 * 24 * 60 * 60 * 1000;
/// Of anything that is counted.
const MOST: u64 = u32::MAX as u64;

/// Scheme, host and perhaps a port, as browsers write it.
fn is_origin(text: &str) -> bool {
    let host = ["http://", "https://"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme));
    host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '?', '#', '@', ' ', '*']))
}

const fn local(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

impl Default for Config {
    fn default() -> Self {
        Self {
            dev: false,
            node: "node".to_owned(),
            data: PathBuf::from("data"),
            http: Http::default(),
            admin: Admin::default(),
            sfu: Sfu::default(),
            store: Store::default(),
            cluster: Cluster::default(),
            rooms: Rooms::default(),
            limits: Limits::default(),
            log: Log::default(),
            secret_key_base: None,
            secret_key_base_previous: None,
        }
    }
}

impl Default for Http {
    fn default() -> Self {
        Self {
            listen: local(4000),
            trusted_proxies: Vec::new(),
            allowed_origins: Vec::new(),
        }
    }
}

impl Default for Admin {
    fn default() -> Self {
        Self { listen: local(4001) }
    }
}

impl Default for Sfu {
    fn default() -> Self {
        let listen = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 50_000);
        Self {
            provider: "embedded".to_owned(),
            listen,
            advertise: Vec::new(),
            max_rooms: 100_000,
            max_peers: 5_000,
        }
    }
}

impl Default for Rooms {
    fn default() -> Self {
        Self {
            reconnect_grace_ms: 20_000,
            empty_ms: 300_000,
            idle_unload_ms: 60_000,
            ended_retention_ms: 3_600_000,
            max_live: 100_000,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        let socket = SocketConfig::default();
        Self {
            http_per_second: 50,
            sockets_per_second: 20,
            max_sockets: 50_000,
            frames_per_second: 200,
            joins_per_second: 5,
            signalling_per_second: 5,
            pushes_per_second: 50,
            room_pushes_per_second: 1000,
            chat_per_second: 5,
            outbox_frames: socket.outbox_frames,
            outbox_bytes: socket.outbox_bytes,
        }
    }
}

impl Default for Cluster {
    fn default() -> Self {
        Self {
            name: "videorooms".to_owned(),
            listen: None,
            advertise: None,
            identity: None,
            weight: 1,
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        let log = videorooms_debug::Limits::default();
        Self {
            filter: "info,ractor=warn,ractor_cluster=error".to_owned(),
            format: LogFormat::Text,
            records: log.records,
            bytes: log.bytes,
        }
    }
}

impl Config {
    fn check(&self) -> Result<(), ConfigError> {
        self.node_id()?;
        self.advertise()?;
        self.check_texts()?;
        self.check_ranges()?;
        for (name, secret) in [
            ("SECRET_KEY_BASE", &self.secret_key_base),
            ("SECRET_KEY_BASE_PREVIOUS", &self.secret_key_base_previous),
        ] {
            if secret.as_ref().is_some_and(|secret| secret.expose().len() < 32) {
                let key = name.to_ascii_lowercase();
                return Err(ConfigError(format!("{key} ({name}) must have at least 32 bytes")));
            }
        }
        self.check_cluster()?;
        if self.dev && !self.http.listen.ip().is_loopback() {
            return Err(ConfigError(format!(
                "dev = true opens the logs and is for loopback only, but http.listen is {}",
                self.http.listen
            )));
        }
        Ok(())
    }

    fn check_cluster(&self) -> Result<(), ConfigError> {
        let wrong = |text: &str| Err(ConfigError(text.to_owned()));
        let cluster = &self.cluster;
        let Some(listen) = cluster.listen else {
            return Ok(());
        };
        if !self.store_url().is_shared() {
            return wrong(
                "cluster.listen: several nodes need a store that they share: set store.url to redis://<host>",
            );
        }
        if listen.ip().is_unspecified() && cluster.advertise.is_none() {
            return wrong(
                "cluster.advertise: other nodes must be told host and port when cluster.listen is all addresses",
            );
        }
        let has_port = |address: &String| {
            address
                .rsplit_once(':')
                .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
        };
        if !cluster.advertise.as_ref().is_none_or(has_port) {
            return wrong("cluster.advertise: it is host:port");
        }
        if cluster.name.is_empty() || cluster.name.len() > 64 {
            return wrong("cluster.name: it has 1 to 64 bytes");
        }
        Ok(())
    }

    fn check_texts(&self) -> Result<(), ConfigError> {
        let wrong = |text: String| Err(ConfigError(text));
        if self.data.as_os_str().is_empty() {
            return wrong("data: a folder is needed".to_owned());
        }
        if self.sfu.provider.is_empty() {
            return wrong("sfu.provider: a name is needed, such as embedded".to_owned());
        }
        for origin in &self.http.allowed_origins {
            if !is_origin(origin) {
                return wrong(format!(
                    "http.allowed_origins: {origin:?} is no origin such as https://example.org, without a path"
                ));
            }
        }
        // Not shown: a URL of another scheme may carry a password where none is looked for.
        if self.store.url.as_ref().is_some_and(|url| !url.is_known()) {
            return wrong("store.url: it is memory:, file:<dir> or redis://<host>".to_owned());
        }
        if let Err(error) = tracing_subscriber::EnvFilter::try_new(&self.log.filter) {
            return wrong(format!("log.filter = {:?}: {error}", self.log.filter));
        }
        Ok(())
    }

    fn check_ranges(&self) -> Result<(), ConfigError> {
        let (rooms, limits) = (&self.rooms, &self.limits);
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        for (key, value, most) in [
            ("rooms.reconnect_grace_ms", rooms.reconnect_grace_ms, LONGEST_MS),
            ("rooms.empty_ms", rooms.empty_ms, LONGEST_MS),
            ("rooms.idle_unload_ms", rooms.idle_unload_ms, LONGEST_MS),
            ("rooms.ended_retention_ms", rooms.ended_retention_ms, LONGEST_MS),
            ("rooms.max_live", count(rooms.max_live), MOST),
            ("sfu.max_rooms", count(self.sfu.max_rooms), MOST),
            ("sfu.max_peers", count(self.sfu.max_peers), MOST),
            ("limits.http_per_second", limits.http_per_second.into(), MOST),
            (
                "limits.sockets_per_second",
                limits.sockets_per_second.into(),
                MOST,
            ),
            ("limits.max_sockets", count(limits.max_sockets), MOST),
            ("limits.frames_per_second", limits.frames_per_second.into(), MOST),
            ("limits.joins_per_second", limits.joins_per_second.into(), MOST),
            (
                "limits.signalling_per_second",
                limits.signalling_per_second.into(),
                MOST,
            ),
            ("limits.pushes_per_second", limits.pushes_per_second.into(), MOST),
            (
                "limits.room_pushes_per_second",
                limits.room_pushes_per_second.into(),
                MOST,
            ),
            ("limits.chat_per_second", limits.chat_per_second.into(), MOST),
            ("limits.outbox_frames", count(limits.outbox_frames), MOST),
            ("limits.outbox_bytes", count(limits.outbox_bytes), MOST),
            ("log.records", count(self.log.records), MOST),
            ("log.bytes", count(self.log.bytes), MOST),
        ] {
            if !(1..=most).contains(&value) {
                return Err(ConfigError(format!("{key} = {value}: it is from 1 to {most}")));
            }
        }
        Ok(())
    }

    /// The node's name as an id.
    ///
    /// # Errors
    /// [`ConfigError`] for a name with other characters than `a-z`, `0-9`, `-`, or of other than 1–32.
    pub fn node_id(&self) -> Result<NodeId, ConfigError> {
        let wrong = |_| {
            ConfigError(format!(
                "node = {:?}: a name has 1–32 of a-z, 0-9 and -",
                self.node
            ))
        };
        self.node.parse().map_err(wrong)
    }

    /// Addresses of the embedded media server as browsers see it.
    ///
    /// # Errors
    /// [`ConfigError`] for what is no address.
    pub fn advertise(&self) -> Result<Vec<Advertise>, ConfigError> {
        let read = |text: &String| {
            text.parse()
                .map_err(|error| ConfigError(format!("sfu.advertise: {error}")))
        };
        self.sfu.advertise.iter().map(read).collect()
    }

    /// Where this node's certificates are.
    #[must_use]
    pub fn identity(&self) -> PathBuf {
        let own = || self.data.join("identity");
        self.cluster.identity.clone().unwrap_or_else(own)
    }

    /// The store's address.
    #[must_use]
    pub fn store_url(&self) -> StoreUrl {
        let own = || StoreUrl(format!("file:{}", self.data.join("rooms").display()));
        self.store.url.clone().unwrap_or_else(own)
    }
}

/// A configuration that cannot be used; the text says which key and why.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);
