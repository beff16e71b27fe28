//! The node's own secret: what a first start without `SECRET_KEY_BASE` writes, readable by its owner only.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, bail};

use crate::config::{Config, Secret};

/// Bytes of randomness in a secret that is made here; written as twice as many hexadecimal digits.
const BYTES: usize = 32;

/// The secret from the configuration, else from `<data>/secret`, which is made on the first start.
///
/// # Errors
/// When the file cannot be read or written, or holds less than a secret: it is then left as it is.
pub(crate) fn load_or_make(config: &Config) -> anyhow::Result<Secret> {
    if let Some(secret) = &config.secret_key_base {
        return Ok(secret.clone());
    }
    let path = config.data.join("secret");
    match std::fs::read_to_string(&path) {
        Ok(text) if text.trim().len() >= BYTES => Ok(Secret::new(text.trim().to_owned())),
        Ok(_) => bail!(
            "{} holds less than {BYTES} bytes; remove it to have a new secret made",
            path.display()
        ),
        Err(error) if error.kind() == ErrorKind::NotFound => make(&path),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

fn make(path: &Path) -> anyhow::Result<Secret> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let failed = || format!("cannot write {}", path.display());
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(failed)?;
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(failed)?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .with_context(failed)?;
    Ok(Secret::new(text))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_first_start_makes_a_secret_that_only_its_owner_reads_and_the_second_finds_it() {
        let dir = tempfile::tempdir().unwrap();
        let config = Config {
            data: dir.path().to_owned(),
            ..Config::default()
        };
        let first = load_or_make(&config).unwrap();
        let mode = std::fs::metadata(dir.path().join("secret"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(load_or_make(&config).unwrap().expose(), first.expose());
    }

    #[test]
    fn a_damaged_secret_is_refused_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("secret"), "short").unwrap();
        let config = Config {
            data: dir.path().to_owned(),
            ..Config::default()
        };
        assert!(load_or_make(&config).is_err());
        assert_eq!(
            std::fs::read_to_string(dir.path().join("secret")).unwrap(),
            "short"
        );
    }
}
