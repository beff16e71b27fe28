//! Where the configuration comes from: the only reader of files and environment. Later ones win: built-in defaults, the shared part of the
//! file, its `[nodes.<id>]` part, the environment (`VIDEOROOMS__SECTION__KEY`, and the variables of the architecture document), the command line.
//!
//! An unknown key is an error that names the nearest known one.

use std::path::{Path, PathBuf};

use figment::providers::{Env, Format, Serialized, Toml};
use figment::value::{Dict, Map};
use figment::{Figment, Metadata, Profile, Provider};

use super::{Config, ConfigError};

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
        let failed = |error: &dyn std::fmt::Display| ConfigError(format!("{}: {error}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|error| failed(&error))?;
        let mut shared = dict_of(&text).map_err(|error| failed(&error))?;
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

fn dict_of(toml: &str) -> Result<Dict, Box<figment::Error>> {
    let value: figment::value::Value = Figment::from(Toml::string(toml)).extract()?;
    // Without the name of this intermediate source: whoever merges it gives its own.
    let value = figment::value::Value::serialize(value)?;
    Ok(value.into_dict().unwrap_or_default())
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
        // Any text is a value; reading it cannot fail.
        let Ok(value) = self.value.parse();
        let nested = figment::util::nest(self.key, value);
        Ok(Map::from([(
            Profile::Default,
            nested.into_dict().unwrap_or_default(),
        )]))
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
            overrides: Vec::new(),
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
}
