//! `cluster init` and what follows it: the certificates by which nodes know each other, as files.
//!
//! ```text
//! <folder>/authority/   ca.pem ca.key revoked.pem secret    stays with the operator: whoever has the key can make nodes
//! <folder>/<node>/      node.pem node.key ca.pem revoked.pem secret    goes to that node and nowhere else
//! ```
//!
//! Nothing is overwritten but what is to be renewed; keys and secrets are readable by their owner only.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use videorooms_cluster::certificates::{self, Certified};
use videorooms_cluster::links::Identity;
use videorooms_domain::{NodeId, Timestamp};

/// The authority's own folder; no node can have this name, which has no hyphen to spare.
const AUTHORITY: &str = "authority";
/// How long the authority's certificate is valid, in days.
const AUTHORITY_DAYS: u32 = 3650;
/// Bytes of randomness in the cluster's secret.
const SECRET_BYTES: usize = 32;

/// What a node reads of its own folder, but for the secret.
///
/// # Errors
/// Which file cannot be read.
pub(crate) fn read_identity(folder: &Path) -> anyhow::Result<Identity> {
    Ok(Identity {
        certificate: read(folder, "node.pem")?,
        key: read(folder, "node.key")?,
        authority: read(folder, "ca.pem")?,
        revocations: read(folder, "revoked.pem")?,
    })
}

/// The files of one cluster.
pub struct Identities {
    folder: PathBuf,
}

impl Identities {
    /// Those in this folder, made or not.
    #[must_use]
    pub fn in_folder(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Makes an authority, a secret, and an identity for each node; answers the folders to be given to the nodes.
    ///
    /// # Errors
    /// When there is an authority already, a name cannot stand in a certificate, or a file cannot be written.
    pub fn init(
        &self,
        cluster: &str,
        nodes: &[NodeId],
        days: u32,
        now: Timestamp,
    ) -> anyhow::Result<Vec<PathBuf>> {
        let folder = self.authority_folder();
        ensure!(
            !folder.exists(),
            "{} is there already; videorooms cluster add-node makes one more node of it",
            folder.display()
        );
        ensure!(!nodes.is_empty(), "name at least one node");
        let authority = certificates::authority(cluster, AUTHORITY_DAYS, now)?;
        let revoked = certificates::no_revocations(&authority, now)?;
        make_folder(&folder)?;
        write(&folder, "ca.key", &authority.key)?;
        write(&folder, "ca.pem", &authority.certificate)?;
        write(&folder, "revoked.pem", &revoked)?;
        write(&folder, "secret", &secret()?)?;
        nodes.iter().map(|node| self.add(node, days, now)).collect()
    }

    /// Makes the identity of one more node; nothing of the others changes.
    ///
    /// # Errors
    /// When there is no authority, the node has an identity already, or a file cannot be written.
    pub fn add(&self, node: &NodeId, days: u32, now: Timestamp) -> anyhow::Result<PathBuf> {
        ensure!(
            node.as_str() != AUTHORITY,
            "no node can have the name {AUTHORITY}"
        );
        let authority = self.authority()?;
        let folder = self.folder.join(node.as_str());
        ensure!(
            !folder.exists(),
            "{} is there already; videorooms cluster renew makes its certificate anew",
            folder.display()
        );
        let issued = certificates::issue(&authority, node, days, now)?;
        make_folder(&folder)?;
        write(&folder, "node.key", &issued.key)?;
        write(&folder, "node.pem", &issued.certificate)?;
        write(&folder, "ca.pem", &authority.certificate)?;
        for shared in ["revoked.pem", "secret"] {
            write(&folder, shared, &read(&self.authority_folder(), shared)?)?;
        }
        Ok(folder)
    }

    /// Makes a node's certificate anew, with the same key.
    ///
    /// # Errors
    /// When there is no such node or no authority, or a file cannot be written.
    pub fn renew(&self, node: &NodeId, days: u32, now: Timestamp) -> anyhow::Result<PathBuf> {
        let folder = self.node_folder(node)?;
        let former = Certified {
            certificate: read(&folder, "node.pem")?,
            key: read(&folder, "node.key")?,
        };
        let renewed = certificates::renew(&self.authority()?, &former, days, now)?;
        replace(&folder, "node.pem", &renewed.certificate)?;
        Ok(folder)
    }

    /// Takes a node's certificate out of use; answers the folders in which the list of revocations changed. It counts for a node once that has read it: at its
    /// start, and on SIGHUP.
    ///
    /// # Errors
    /// When there is no such node or no authority, or a file cannot be written.
    pub fn revoke(&self, node: &NodeId, now: Timestamp) -> anyhow::Result<Vec<PathBuf>> {
        let certificate = read(&self.node_folder(node)?, "node.pem")?;
        let former = read(&self.authority_folder(), "revoked.pem")?;
        let revoked = certificates::revoke(&self.authority()?, &former, &certificate, now)?;
        let mut folders = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let folder = entry?.path();
            if folder.join("revoked.pem").exists() {
                replace(&folder, "revoked.pem", &revoked)?;
                folders.push(folder);
            }
        }
        folders.sort();
        Ok(folders)
    }

    fn authority(&self) -> anyhow::Result<Certified> {
        let folder = self.authority_folder();
        let part = |name| {
            read(&folder, name).context("no authority of a cluster there; videorooms cluster init makes one")
        };
        Ok(Certified {
            certificate: part("ca.pem")?,
            key: part("ca.key")?,
        })
    }

    fn authority_folder(&self) -> PathBuf {
        self.folder.join(AUTHORITY)
    }

    fn node_folder(&self, node: &NodeId) -> anyhow::Result<PathBuf> {
        let folder = self.folder.join(node.as_str());
        if node.as_str() == AUTHORITY || !folder.exists() {
            bail!("{} has no node {node}", self.folder.display());
        }
        Ok(folder)
    }
}

fn secret() -> anyhow::Result<String> {
    let mut bytes = [0; SECRET_BYTES];
    getrandom::fill(&mut bytes).context("no random numbers")?;
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("{digits}\n"))
}

fn make_folder(folder: &Path) -> anyhow::Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.with_context(|| format!("cannot make {}", folder.display()))
}

fn read(folder: &Path, name: &str) -> anyhow::Result<String> {
    let path = folder.join(name);
    fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
}

fn write(folder: &Path, name: &str, text: &str) -> anyhow::Result<()> {
    let path = folder.join(name);
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()));
    written.with_context(|| format!("cannot write {}", path.display()))
}

/// So that whoever reads it meanwhile finds the former or the new one whole.
fn replace(folder: &Path, name: &str, text: &str) -> anyhow::Result<()> {
    let unfinished = format!("{name}.unfinished");
    let path = folder.join(&unfinished);
    if path.exists() {
        fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
    }
    write(folder, &unfinished, text)?;
    let renamed = fs::rename(&path, folder.join(name));
    renamed.with_context(|| format!("cannot replace {}", folder.join(name).display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const NOW: Timestamp = Timestamp(1_764_000_000_000);

    fn node(name: &str) -> NodeId {
        name.parse().unwrap()
    }

    #[test]
    fn each_node_gets_its_own_key_and_the_authoritys_stays_apart() {
        let dir = tempfile::tempdir().unwrap();
        let files = Identities::in_folder(dir.path().join("nodes"));
        let folders = files.init("test", &[node("a"), node("b")], 90, NOW).unwrap();
        let keys: Vec<_> = folders
            .iter()
            .map(|folder| read(folder, "node.key").unwrap())
            .collect();
        assert_ne!(keys[0], keys[1]);
        for folder in &folders {
            assert!(!folder.join("ca.key").exists());
            for entry in fs::read_dir(folder).unwrap() {
                let mode = entry.unwrap().metadata().unwrap().permissions().mode();
                assert_eq!(mode & 0o077, 0);
            }
            let certificate = read(folder, "node.pem").unwrap();
            let named = certificates::node(&certificate).unwrap();
            assert!(folder.ends_with(named.as_str()));
        }
        let secret = |folder| read(folder, "secret").unwrap();
        assert_eq!(secret(&folders[0]), secret(&folders[1]));
        assert!(secret(&folders[0]).trim().len() >= 32);
    }

    #[test]
    fn nothing_is_made_twice_and_a_newcomer_changes_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let files = Identities::in_folder(dir.path().to_owned());
        assert!(files.add(&node("d"), 90, NOW).is_err(), "no authority yet");
        assert!(files.init("test", &[], 90, NOW).is_err());
        let a = files.init("test", &[node("a")], 90, NOW).unwrap().remove(0);
        let before = read(&a, "node.pem").unwrap();
        assert!(files.init("test", &[node("a")], 90, NOW).is_err());
        assert!(files.add(&node("a"), 90, NOW).is_err());
        assert!(files.add(&node(AUTHORITY), 90, NOW).is_err());
        files.add(&node("d"), 90, NOW).unwrap();
        assert_eq!(read(&a, "node.pem").unwrap(), before);
    }

    #[test]
    fn a_certificate_is_renewed_in_place_and_a_revocation_reaches_every_folder() {
        let dir = tempfile::tempdir().unwrap();
        let files = Identities::in_folder(dir.path().to_owned());
        files.init("test", &[node("a"), node("b")], 90, NOW).unwrap();
        let later = Timestamp(NOW.0 + 86_400_000);
        let a = files.renew(&node("a"), 90, later).unwrap();
        let until = certificates::valid_until(&read(&a, "node.pem").unwrap()).unwrap();
        assert_eq!(until, later.after(std::time::Duration::from_secs(90 * 86_400)));
        let before = read(&a, "revoked.pem").unwrap();
        let folders = files.revoke(&node("b"), later).unwrap();
        assert_eq!(folders.len(), 3);
        assert_ne!(read(&a, "revoked.pem").unwrap(), before);
        assert!(files.revoke(&node("x"), later).is_err());
    }
}
