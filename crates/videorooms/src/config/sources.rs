//! Where the configuration comes from: the only reader of files. Later ones win: built-in defaults, the shared part of the file, its
//! `[nodes.<id>]` part, the environment (`VIDEOROOMS__SECTION__KEY`, and the two secrets by their own names), the command line.
//!
//! The file says of itself what is text and what is a number; variables and flags are text and are read as their key wants them
//! ([`super::keys`]). An unknown key is an error that names the nearest known ones. No error shows the value of a secret.

use std::path::{Path, PathBuf};

use figment::providers::{Format, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};

use super::keys::{self, SECRETS};
use super::{Config, ConfigError};

/// What the variables of keys begin with.
const PREFIX: &str = "VIDEOROOMS__";

/// Where the configuration comes from, as the command line says.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The file, such as `cluster.toml`.
    pub file: Option<PathBuf>,
    /// Which node of the file.
    pub node: Option<String>,
    /// Variables of the environment by name; those that mean nothing here are passed over.
    pub environment: Vec<(String, String)>,
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
        let defaults = Source::named("default".to_owned(), keys::defaults());
        let mut figment = Figment::from(defaults);
        if let Some(path) = &self.file {
            figment = self.merge_file(figment, path)?;
        }
        for (name, value) in &self.environment {
            if let Some(key) = key_of(name) {
                figment = figment.merge(Source::of_key(
                    format!("environment variable {name}"),
                    &key,
                    value,
                ));
            }
        }
        let command_line = || "the command line".to_owned();
        if let Some(node) = &self.node {
            figment = figment.merge(Source::of_key(command_line(), "node", node));
        }
        for (key, value) in &self.overrides {
            figment = figment.merge(Source::of_key(command_line(), key, value));
        }
        Ok(figment)
    }

    fn merge_file(&self, figment: Figment, path: &Path) -> Result<Figment, ConfigError> {
        let failed = |error: &dyn std::fmt::Display| ConfigError(format!("{}: {error}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|error| failed(&error))?;
        let mut shared = dict_of(&text).map_err(|error| failed(&error))?;
        let nodes = shared
            .remove("nodes")
            .and_then(Value::into_dict)
            .unwrap_or_default();
        let part = |part: &str, dict| Source::named(format!("{} ({part})", path.display()), dict);
        let figment = figment.merge(part("shared settings", shared));
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
        Ok(figment.merge(part("this node's settings", dict)))
    }
}

/// The dotted key that a variable stands for.
fn key_of(variable: &str) -> Option<String> {
    if let Some(rest) = variable.strip_prefix(PREFIX) {
        return Some(rest.to_ascii_lowercase().replace("__", "."));
    }
    let key = variable.to_ascii_lowercase();
    (variable.bytes().all(|byte| !byte.is_ascii_lowercase()) && SECRETS.contains(&key.as_str()))
        .then_some(key)
}

fn dict_of(toml: &str) -> Result<Dict, Box<figment::Error>> {
    let value: Value = Figment::from(Toml::string(toml)).extract()?;
    // Without the name of this intermediate source: whoever merges it gives its own.
    let value = Value::serialize(value)?;
    Ok(value.into_dict().unwrap_or_default())
}

/// Some keys and where they come from, which `explain` and errors name.
struct Source {
    name: String,
    dict: Dict,
}

impl Source {
    fn named(name: String, dict: Dict) -> Self {
        Self { name, dict }
    }

    fn of_key(name: String, key: &str, text: &str) -> Self {
        let nested = figment::util::nest(key, keys::read(key, text));
        Self::named(name, nested.into_dict().unwrap_or_default())
    }
}

impl Provider for Source {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.name.clone())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Map::from([(Profile::Default, self.dict.clone())]))
    }
}

impl ConfigError {
    fn from_figment(figment: &Figment, error: &figment::Error) -> Self {
        use figment::error::Kind;
        let from = |source: Option<&Metadata>| {
            source
                .map(|from| format!(" (from {})", from.name))
                .unwrap_or_default()
        };
        let path = error.path.join(".");
        if let Kind::UnknownField(field, _) = &error.kind {
            // figment's path holds the field itself or only its parents.
            let parents = path
                .strip_suffix(field.as_str())
                .unwrap_or(&path)
                .trim_end_matches('.');
            let whole = if parents.is_empty() {
                field.clone()
            } else {
                format!("{parents}.{field}")
            };
            let origin = from(figment.find_metadata(&whole));
            let nearest = keys::nearest(&whole).join(" or ");
            let hint = if nearest.is_empty() {
                String::new()
            } else {
                format!("; did you mean {nearest}?")
            };
            return Self(format!("unknown key {whole}{origin}{hint}"));
        }
        let origin = from(error.metadata.as_ref());
        if SECRETS.contains(&path.as_str()) {
            return Self(format!("{path}: a secret is text of at least 32 bytes{origin}"));
        }
        Self(format!("{path}: {}{origin}", error.kind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    fn read(toml: &str, node: Option<&str>) -> Result<Config, ConfigError> {
        let (_folder, sources) = file(toml, node);
        sources.read()
    }

    fn file(toml: &str, node: Option<&str>) -> (tempfile::TempDir, Sources) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("cluster.toml");
        std::fs::write(&file, toml).expect("it can be written to");
        let sources = Sources {
            file: Some(file),
            node: node.map(str::to_owned),
            ..Sources::default()
        };
        (folder, sources)
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

    fn by_environment(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let environment = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let sources = Sources {
            environment,
            ..Sources::default()
        };
        sources.read()
    }

    fn variable_of(key: &str) -> String {
        format!("{PREFIX}{}", key.to_ascii_uppercase().replace('.', "__"))
    }

    /// A value for every key that is not its default.
    const EVERY_KEY: [(&str, &str, &str); 41] = [
        ("dev", "true", "true"),
        ("node", "7", "\"7\""),
        ("data", "1", "\"1\""),
        ("http.listen", "127.0.0.1:1", "\"127.0.0.1:1\""),
        (
            "http.trusted_proxies",
            "10.0.0.0/8, ::1/128",
            "[\"10.0.0.0/8\", \"::1/128\"]",
        ),
        (
            "http.allowed_origins",
            "[\"https://a.example\"]",
            "[\"https://a.example\"]",
        ),
        ("admin.listen", "127.0.0.1:2", "\"127.0.0.1:2\""),
        ("sfu.provider", "1", "\"1\""),
        ("sfu.listen", "127.0.0.1:3", "\"127.0.0.1:3\""),
        (
            "sfu.advertise",
            "192.0.2.1,192.0.2.2:5",
            "[\"192.0.2.1\", \"192.0.2.2:5\"]",
        ),
        ("sfu.max_rooms", "12", "12"),
        ("sfu.max_peers", "13", "13"),
        (
            "store.url",
            "redis://node:s3cr:et@/@db:6380/1?prefix=a",
            "\"redis://•••@db:6380/1?prefix=a\"",
        ),
        ("store.durability", "relaxed", "\"relaxed\""),
        ("cluster.name", "1", "\"1\""),
        ("cluster.listen", "127.0.0.1:4", "\"127.0.0.1:4\""),
        ("cluster.advertise", "node:5", "\"node:5\""),
        ("cluster.identity", "6", "\"6\""),
        ("cluster.weight", "0", "0"),
        ("rooms.reconnect_grace_ms", "1", "1"),
        ("rooms.empty_ms", "2", "2"),
        ("rooms.idle_unload_ms", "3", "3"),
        ("rooms.max_live", "4", "4"),
        ("rooms.ended_retention_ms", "14", "14"),
        ("limits.http_per_second", "5", "5"),
        ("limits.sockets_per_second", "6", "6"),
        ("limits.max_sockets", "7", "7"),
        ("limits.frames_per_second", "15", "15"),
        ("limits.joins_per_second", "16", "16"),
        ("limits.signalling_per_second", "17", "17"),
        ("limits.room_pushes_per_second", "18", "18"),
        ("limits.pushes_per_second", "8", "8"),
        ("limits.chat_per_second", "9", "9"),
        ("limits.outbox_frames", "10", "10"),
        ("limits.outbox_bytes", "1048577", "1048577"),
        ("log.filter", "debug", "\"debug\""),
        ("log.format", "json", "\"json\""),
        ("log.records", "11", "11"),
        ("log.bytes", "1048577", "1048577"),
        ("secret_key_base", "12345678901234567890123456789012", "\"•••\""),
        (
            "secret_key_base_previous",
            "true45678901234567890123456789012",
            "\"•••\"",
        ),
    ];

    #[test]
    fn every_key_can_be_set_by_the_environment() {
        let mut known: Vec<_> = EVERY_KEY.iter().map(|(key, ..)| (*key).to_owned()).collect();
        known.sort();
        assert_eq!(known, keys::all(), "a key without a row here");
        for (key, text, shown) in EVERY_KEY {
            let variable = variable_of(key);
            // Nodes of a cluster need a store that they share.
            let shared = (variable_of("store.url"), "redis://db");
            let beside = key.starts_with("cluster.").then_some((&*shared.0, shared.1));
            let variables: Vec<_> = beside.into_iter().chain([(&*variable, text)]).collect();
            let config = by_environment(&variables).unwrap_or_else(|error| panic!("{variable}: {error}"));
            let all = crate::explain::flat(&Value::serialize(&config).unwrap());
            let found = all
                .iter()
                .find(|(name, _)| name == key)
                .map(|(_, value)| value.as_str());
            assert_eq!(found, Some(shown), "{variable}");
        }
    }

    #[test]
    fn secrets_have_names_of_their_own_and_may_look_like_numbers() {
        let digits = "12345678901234567890123456789012";
        let config = by_environment(&[("SECRET_KEY_BASE", digits)]).unwrap();
        assert_eq!(config.secret_key_base.unwrap().expose(), digits);
    }

    #[test]
    fn no_error_shows_a_secret_whatever_it_was_taken_for() {
        for error in [
            by_environment(&[("SECRET_KEY_BASE", "31337")]),
            by_environment(&[("VIDEOROOMS__SECRET_KEY_BASE_PREVIOUS", "31337")]),
            by_environment(&[("VIDEOROOMS__SECRET_KEY_BASE__X", "31337")]),
            read("secret_key_base = 31337\n", None),
            read("secret_key_base = [\"31337\"]\n", None),
        ] {
            let error = error.unwrap_err().to_string();
            assert!(error.contains("32 bytes") && !error.contains("31337"), "{error}");
        }
    }

    #[test]
    fn the_nearest_key_is_sought_everywhere() {
        let hint = |toml| read(toml, None).unwrap_err().to_string();
        let error = hint("listen = \"127.0.0.1:1\"\n");
        assert!(error.contains("http.listen"), "{error}");
        let error = hint("[htpp]\nlisten = \"127.0.0.1:1\"\n");
        assert!(error.contains("did you mean http?"), "{error}");
        let error = by_environment(&[("VIDEOROOMS__MAX_SOCKETS", "1")])
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("limits.max_sockets") && error.contains("VIDEOROOMS__MAX_SOCKETS"),
            "{error}"
        );
    }

    #[test]
    fn what_cannot_be_used_is_refused_by_its_key() {
        for (key, text) in [
            ("node", "Ä"),
            ("data", ""),
            ("http.allowed_origins", "https://a.example/"),
            ("http.allowed_origins", "a.example"),
            ("sfu.provider", ""),
            ("sfu.advertise", "nowhere"),
            ("store.url", "redis:"),
            ("store.durability", "some"),
            ("store.url", "file:"),
            ("rooms.empty_ms", "0"),
            ("rooms.empty_ms", "18446744073709551615"),
            ("rooms.max_live", "0"),
            ("limits.http_per_second", "0"),
            ("limits.max_sockets", "0"),
            ("limits.outbox_frames", "0"),
            ("log.filter", "info,[="),
            ("log.records", "0"),
        ] {
            let variable = variable_of(key);
            let error = by_environment(&[(&variable, text)])
                .err()
                .map(|error| error.to_string());
            assert!(
                error.as_ref().is_some_and(|error| error.contains(key)),
                "{key}={text}: {error:?}"
            );
        }
    }
}
