//! The node's own secret: what a first start without `SECRET_KEY_BASE` writes, readable by its owner only.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, bail};
use hkdf::Hkdf;
use sha2::Sha256;

use crate::config::{Config, Secret};

/// Bytes of randomness in a secret that is made here; written as twice as many hexadecimal digits.
const BYTES: usize = 32;
/// Its file in the data folder.
const FILE: &str = "secret";
/// What a crash in the middle of writing leaves; never read.
const UNFINISHED: &str = "secret.unfinished";

/// The secret from the configuration, else from `<data>/secret`, which is made on the first start.
///
/// # Errors
/// When the file cannot be read or written, or holds less than a secret: it is then left as it is.
pub(crate) fn load_or_make(config: &Config) -> anyhow::Result<Secret> {
    match find(config)? {
        Some(secret) => Ok(secret),
        None if config.cluster.listen.is_some() => bail!(
            "nodes of a cluster share one secret: set SECRET_KEY_BASE, or have {} made by videorooms cluster init",
            config.identity().join(FILE).display()
        ),
        None => make(&config.data),
    }
}

/// As [`load_or_make`], but makes none.
///
/// # Errors
/// When there is none.
pub(crate) fn load(config: &Config) -> anyhow::Result<Secret> {
    let path = config.data.join(FILE);
    find(config)?.with_context(|| {
        format!(
            "no SECRET_KEY_BASE and no {}: start the node once, or give its --data, --config and --node",
            path.display()
        )
    })
}

/// A key for one use alone; `purpose` is its name.
pub(crate) fn derive(secret: &Secret, purpose: &[u8]) -> [u8; 32] {
    let mut key = [0; 32];
    let expanded = Hkdf::<Sha256>::new(None, secret.expose().as_bytes()).expand(purpose, &mut key);
    expanded.expect("32 bytes are not too long for HKDF-SHA256");
    key
}

/// Tells whether two nodes have the same secret, and nothing else of it.
pub(crate) fn fingerprint(secret: &Secret) -> String {
    let derived = derive(secret, b"videorooms secret fingerprint v1");
    derived[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

fn find(config: &Config) -> anyhow::Result<Option<Secret>> {
    if let Some(secret) = &config.secret_key_base {
        return Ok(Some(secret.clone()));
    }
    let of_cluster = config.identity().join(FILE);
    let path = if config.cluster.listen.is_some() || of_cluster.exists() {
        of_cluster
    } else {
        config.data.join(FILE)
    };
    match std::fs::read_to_string(&path) {
        Ok(text) if text.trim().len() >= BYTES => Ok(Some(Secret::new(text.trim().to_owned()))),
        Ok(_) => bail!(
            "{} holds less than {BYTES} bytes; remove it to have a new secret made",
            path.display()
        ),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

fn make(folder: &Path) -> anyhow::Result<Secret> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let path = folder.join(FILE);
    std::fs::create_dir_all(folder)
        .and_then(|()| write(folder, &path, &text))
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(Secret::new(text))
}

/// Whole or not at all: written under another name first, so that a crash leaves no short secret that the next start would refuse.
fn write(folder: &Path, path: &Path, text: &str) -> std::io::Result<()> {
    let unfinished = folder.join(UNFINISHED);
    match std::fs::remove_file(&unfinished) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&unfinished)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&unfinished, path)?;
    File::open(folder)?.sync_all()
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

    #[test]
    fn what_a_crash_left_half_written_is_no_secret_and_hinders_none() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(UNFINISHED), "abc").unwrap();
        let config = Config {
            data: dir.path().to_owned(),
            ..Config::default()
        };
        let made = load_or_make(&config).unwrap();
        assert_eq!(load(&config).unwrap().expose(), made.expose());
        assert!(!dir.path().join(UNFINISHED).exists());
    }
}
