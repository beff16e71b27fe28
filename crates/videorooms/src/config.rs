//! The configuration of a node: the only reader of files and environment. Sources, later ones win: built-in defaults, the shared part of the
//! file, its `[nodes.<id>]` part, the environment (`VIDEOROOMS__SECTION__KEY`, and the variables of the architecture document), the command line.
//!
//! An unknown key is an error that names the nearest known one. Secrets are held in [`Secret`], which never shows itself.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use figment::providers::{Env, Format, Serialized, Toml};
use figment::value::{Dict, Map};
use figment::{Figment, Metadata, Profile, Provider};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use videorooms_domain::NodeId;
use videorooms_sfu::embedded::Advertise;

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
    /// Addresses told to browsers, with or without a port; empty: every address of this machine.
    pub advertise: Vec<String>,
}

/// Where rooms are kept.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Store {
    /// `memory:` or `file:<dir>`; none: `file:<data>/rooms`.
    pub url: Option<String>,
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
    /// Pushes per second and member.
    pub pushes_per_second: u32,
    /// Chat lines per second and member.
    pub chat_per_second: u32,
}

/// Logs.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// Filter in `tracing`'s form, such as `info,videorooms_rooms=debug`.
    pub filter: String,
    /// `text` or `json`.
    pub format: LogFormat,
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
        }
    }
}

impl Default for Rooms {
    fn default() -> Self {
        Self {
            reconnect_grace_ms: 20_000,
            empty_ms: 300_000,
            idle_unload_ms: 60_000,
            max_live: 100_000,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            http_per_second: 50,
            sockets_per_second: 20,
            max_sockets: 50_000,
            pushes_per_second: 50,
            chat_per_second: 5,
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self {
            filter: "info,ractor=warn".to_owned(),
            format: LogFormat::Text,
        }
    }
}

/// Where the configuration comes from, as the command line says.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The file, such as `cluster.toml`.
    pub file: Option<PathBuf>,
    /// Which node of the file.
    pub node: Option<String>,
    /// Keys given on the command line, dotted.
    pub overrides: Vec<(&'static str, String)>,
}

impl Sources {
    /// Reads and checks the configuration.
    ///
    /// # Errors
    /// [`ConfigError`] with the key, the reason and where the value came from.
    pub fn read(&self) -> Result<Config, ConfigError> {
        let figment = self.figment()?;
        let config: Config = figment
            .extract()
            .map_err(|error| ConfigError::from_figment(&figment, &error))?;
        config.check()?;
        Ok(config)
    }

    /// The merged sources, for `config explain`.
    ///
    /// # Errors
    /// [`ConfigError`] when the file cannot be read.
    pub fn figment(&self) -> Result<Figment, ConfigError> {
        let mut figment = Figment::from(Serialized::defaults(Config::default()));
        if let Some(path) = &self.file {
            figment = self.merge_file(figment, path)?;
        }
        figment = figment.merge(Env::prefixed("VIDEOROOMS__").split("__"));
        figment = figment.merge(Env::raw().only(&["SECRET_KEY_BASE", "SECRET_KEY_BASE_PREVIOUS"]));
        if let Some(node) = &self.node {
            figment = figment.merge(("node", node));
        }
        for (key, value) in &self.overrides {
            figment = figment.merge(Flag { key, value });
        }
        Ok(figment)
    }

    fn merge_file(&self, figment: Figment, path: &Path) -> Result<Figment, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError(format!("{}: {error}", path.display())))?;
        let whole: figment::value::Value =
            toml_value(&text).map_err(|error| ConfigError(format!("{}: {error}", path.display())))?;
        let mut shared = whole.into_dict().unwrap_or_default();
        let nodes = shared
            .remove("nodes")
            .and_then(figment::value::Value::into_dict)
            .unwrap_or_default();
        let figment = figment.merge(FilePart {
            path: path.to_owned(),
            part: "shared settings",
            dict: shared,
        });
        let Some(node) = &self.node else {
            return Ok(figment);
        };
        let Some(own) = nodes.get(node).cloned() else {
            let known = nodes.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            return Err(ConfigError(format!(
                "{}: no [nodes.{node}]; there are: {known}",
                path.display()
            )));
        };
        let dict = own.into_dict().unwrap_or_default();
        Ok(figment.merge(FilePart {
            path: path.to_owned(),
            part: "this node's settings",
            dict,
        }))
    }
}

fn toml_value(text: &str) -> Result<figment::value::Value, figment::Error> {
    let value: figment::value::Value = Figment::from(Toml::string(text)).extract()?;
    // Without the name of this intermediate source: whoever merges it gives its own.
    figment::value::Value::serialize(value)
}

/// A part of the file as a source of its own, so that `explain` can name it.
struct FilePart {
    path: PathBuf,
    part: &'static str,
    dict: Dict,
}

impl Provider for FilePart {
    fn metadata(&self) -> Metadata {
        Metadata::named(format!("{} ({})", self.path.display(), self.part))
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Map::from([(Profile::Default, self.dict.clone())]))
    }
}

/// One key from the command line, its value read as the environment's are.
struct Flag<'a> {
    key: &'a str,
    value: &'a str,
}

impl Provider for Flag<'_> {
    fn metadata(&self) -> Metadata {
        Metadata::named("the command line")
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        let value = self.value.parse().expect("figment reads any text as a value");
        let nested = figment::util::nest(self.key, value);
        Ok(Map::from([(
            Profile::Default,
            nested.into_dict().unwrap_or_default(),
        )]))
    }
}

impl Config {
    fn check(&self) -> Result<(), ConfigError> {
        self.node_id()?;
        self.advertise()?;
        for (name, secret) in [
            ("SECRET_KEY_BASE", &self.secret_key_base),
            ("SECRET_KEY_BASE_PREVIOUS", &self.secret_key_base_previous),
        ] {
            if secret.as_ref().is_some_and(|secret| secret.expose().len() < 32) {
                return Err(ConfigError(format!("{name} must have at least 32 bytes")));
            }
        }
        if self.dev && !self.http.listen.ip().is_loopback() {
            return Err(ConfigError(format!(
                "dev = true opens the logs and is for loopback only, but http.listen is {}",
                self.http.listen
            )));
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

    /// The store's address.
    #[must_use]
    pub fn store_url(&self) -> String {
        self.store
            .url
            .clone()
            .unwrap_or_else(|| format!("file:{}", self.data.join("rooms").display()))
    }
}

/// A configuration that cannot be used; the text says which key and why.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

impl ConfigError {
    fn from_figment(figment: &Figment, error: &figment::Error) -> Self {
        use figment::error::Kind;
        let from = |source: Option<&Metadata>| {
            source
                .map(|from| format!(" (from {})", from.name))
                .unwrap_or_default()
        };
        let path = error.path.join(".");
        if let Kind::UnknownField(field, known) = &error.kind {
            let nearest = known
                .iter()
                .max_by(|a, b| strsim::jaro_winkler(field, a).total_cmp(&strsim::jaro_winkler(field, b)));
            // figment's path holds the field itself or only its parents.
            let parents = path
                .strip_suffix(field.as_str())
                .unwrap_or(&path)
                .trim_end_matches('.');
            let whole = |key: &str| {
                if parents.is_empty() {
                    key.to_owned()
                } else {
                    format!("{parents}.{key}")
                }
            };
            let origin = from(figment.find_metadata(&whole(field)));
            let hint = nearest
                .map(|key| format!("; did you mean {}?", whole(key)))
                .unwrap_or_default();
            return Self(format!("unknown key {}{origin}{hint}", whole(field)));
        }
        Self(format!("{path}: {}{}", error.kind, from(error.metadata.as_ref())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(toml: &str, node: Option<&str>) -> Result<Config, ConfigError> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("cluster.toml");
        std::fs::write(&file, toml).unwrap();
        Sources {
            file: Some(file),
            node: node.map(str::to_owned),
            overrides: Vec::new(),
        }
        .read()
    }

    #[test]
    fn a_nodes_own_settings_win_over_the_shared_ones() {
        let toml = "[http]\nlisten = \"127.0.0.1:1\"\n[nodes.a.http]\nlisten = \"127.0.0.1:2\"\n[nodes.b]\n";
        assert_eq!(read(toml, Some("a")).unwrap().http.listen.port(), 2);
        assert_eq!(read(toml, Some("b")).unwrap().http.listen.port(), 1);
    }

    #[test]
    fn an_unknown_key_names_the_nearest_one_and_where_it_stands() {
        let error = read("listen = 1\n", None).unwrap_err().to_string();
        assert!(error.contains("unknown key listen"), "{error}");
        let error = read("[http]\nlissten = \"127.0.0.1:1\"\n", None)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("http.lissten") && error.contains("http.listen"),
            "{error}"
        );
        assert!(error.contains("cluster.toml"), "{error}");
    }

    #[test]
    fn a_node_that_the_file_does_not_know_is_refused_with_those_it_knows() {
        let error = read("[nodes.a]\n[nodes.b]\n", Some("c")).unwrap_err().to_string();
        assert!(error.contains("a, b"), "{error}");
    }

    #[test]
    fn a_short_secret_is_refused_and_no_secret_is_ever_shown() {
        let error = read("secret_key_base = \"short-secret\"\n", None)
            .unwrap_err()
            .to_string();
        assert!(error.contains("32") && !error.contains("short-secret"), "{error}");
        let secret = Secret::new("a-very-secret-thing".into());
        assert!(!format!("{secret:?}").contains("very"));
    }

    #[test]
    fn dev_is_refused_off_loopback() {
        assert!(read("dev = true\n[http]\nlisten = \"0.0.0.0:4000\"\n", None).is_err());
    }
}
