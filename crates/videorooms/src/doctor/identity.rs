//! Who the node is to others: certificates and secret.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use videorooms_admin::NodeList;
use videorooms_cluster::certificates;
use videorooms_cluster::links::LinksError;
use videorooms_domain::Timestamp;

use super::{Finding, Running};
use crate::config::Config;
use crate::{identities, secret};

const CERTIFICATES: &str = "certificates";
const SECRET: &str = "secret";
/// A certificate is to be renewed when less than this is left of it, in days.
const SOON_DAYS: u64 = 30;

pub(super) fn examine(config: &Config, running: &Running, now: Timestamp) -> Vec<Finding> {
    let mut findings = vec![the_secret(config, running)];
    if config.cluster.listen.is_some() {
        let folder = config.identity();
        findings.push(the_certificate(config, &folder, now));
        findings.extend(open_to_others(&folder));
    }
    findings
}

fn the_secret(config: &Config, running: &Running) -> Finding {
    let own = match secret::load(config) {
        Ok(secret) => secret::fingerprint(&secret),
        Err(_) if config.cluster.listen.is_none() => {
            return Finding::ok(SECRET, "the first start makes one");
        }
        Err(error) => {
            let remedy =
                "set SECRET_KEY_BASE, or bring the folder that videorooms cluster init made for this node";
            return Finding::fail(SECRET, format!("{error:#}"), remedy);
        }
    };
    match running {
        Running::Us(list) => compared(&own, list),
        Running::Stranger(why) => Finding::fail(
            SECRET,
            format!("it is there, but at admin.listen: {why}"),
            "restart the node if its secret was changed, or give the doctor the node's own configuration",
        ),
        Running::Nothing => Finding::ok(
            SECRET,
            "it is there; not compared with others, since the node does not run",
        ),
    }
}

fn compared(own: &str, list: &NodeList) -> Finding {
    let other = |fingerprint: &str| fingerprint != own;
    let mut differing = Vec::new();
    for node in &list.nodes {
        let says = node.says.as_ref().map(|says| says.secret_fingerprint.as_str());
        let is_refused = node.refused.as_deref().is_some_and(|why| why.contains("secret"));
        if says.is_some_and(other) || is_refused {
            differing.push(node.id.to_string());
        }
    }
    if differing.is_empty() {
        let known = list.nodes.iter().filter(|node| node.says.is_some()).count();
        return Finding::ok(
            SECRET,
            format!(
                "the same at {known} of {} nodes that were reached",
                list.nodes.len()
            ),
        );
    }
    let text = format!("another one at {}", differing.join(", "));
    Finding::fail(
        SECRET,
        text,
        "give all nodes the same SECRET_KEY_BASE, or the same file secret, and restart them",
    )
}

fn the_certificate(config: &Config, folder: &Path, now: Timestamp) -> Finding {
    let fail = |text: String, remedy: &str| Finding::fail(CERTIFICATES, text, remedy);
    let bring = "bring the folder of this node that videorooms cluster init made";
    let identity = match identities::read_identity(folder) {
        Ok(identity) => identity,
        Err(error) => return fail(format!("{error:#}"), bring),
    };
    let me = match config.node_id() {
        Ok(me) => me,
        Err(error) => return fail(error.to_string(), "choose another name"),
    };
    match identity.check(&me, now) {
        Ok(()) => {}
        Err(error @ LinksError::Unfit(_)) => {
            let remedy = "videorooms cluster renew makes a new one where the authority is; then SIGHUP";
            return fail(error.to_string(), remedy);
        }
        Err(error) => return fail(error.to_string(), bring),
    }
    let Ok(until) = certificates::valid_until(&identity.certificate) else {
        return fail("the certificate cannot be read".to_owned(), bring);
    };
    let days = until.0.saturating_sub(now.0) / 86_400_000;
    let text = format!("of node {me}, valid for {days} days more");
    if days < SOON_DAYS {
        let remedy = "videorooms cluster renew, the new node.pem to this node, and SIGHUP";
        return Finding::warn(CERTIFICATES, text, remedy);
    }
    Finding::ok(CERTIFICATES, text)
}

/// Keys that others on the machine may read.
fn open_to_others(folder: &Path) -> Option<Finding> {
    let is_open = |name: &&str| {
        let mode = std::fs::metadata(folder.join(name)).map(|file| file.permissions().mode());
        mode.is_ok_and(|mode| mode & 0o077 != 0)
    };
    let open: Vec<_> = ["node.key", "secret"].into_iter().filter(is_open).collect();
    let text = format!(
        "{} in {} can be read by others",
        open.join(" and "),
        folder.display()
    );
    (!open.is_empty()).then(|| Finding::warn("permissions", text, "chmod 600"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::Level;
    use super::*;
    use crate::config;
    use crate::identities::Identities;

    const NOW: Timestamp = Timestamp(1_764_000_000_000);
    const DAY: Duration = Duration::from_secs(86_400);

    fn config(folder: &Path, node: &str) -> Config {
        Config {
            node: node.to_owned(),
            cluster: config::Cluster {
                listen: Some(([127, 0, 0, 1], 0).into()),
                identity: Some(folder.to_owned()),
                ..config::Cluster::default()
            },
            ..Config::default()
        }
    }

    #[test]
    fn a_certificate_is_good_old_expired_revoked_or_of_another() {
        let dir = tempfile::tempdir().unwrap();
        let files = Identities::in_folder(dir.path().join("one"));
        let (a, b): (videorooms_domain::NodeId, videorooms_domain::NodeId) =
            ("a".parse().unwrap(), "b".parse().unwrap());
        let folder = files.init("test", &[a.clone(), b], 90, NOW).unwrap().remove(0);
        let own = config(&folder, "a");
        let found = |config: &Config, at| the_certificate(config, &folder, at);
        assert_eq!(found(&own, NOW).level, Level::Ok, "{}", found(&own, NOW));
        assert_eq!(found(&own, NOW.after(DAY * 70)).level, Level::Warn);
        let expired = found(&own, NOW.after(DAY * 91));
        assert!(
            expired.level == Level::Fail && expired.text.contains("not valid"),
            "{expired}"
        );
        let others = found(&config(&folder, "b"), NOW);
        assert!(
            others.level == Level::Fail && others.text.contains("of node a"),
            "{others}"
        );

        // The key of another certificate.
        let key = std::fs::read(folder.join("node.key")).unwrap();
        std::fs::copy(dir.path().join("one/b/node.key"), folder.join("node.key")).unwrap();
        let mismatched = found(&own, NOW);
        assert!(
            mismatched.level == Level::Fail && mismatched.text.contains("key"),
            "{mismatched}"
        );
        std::fs::write(folder.join("node.key"), key).unwrap();

        files.revoke(&a, NOW).unwrap();
        let revoked = found(&own, NOW);
        assert!(
            revoked.level == Level::Fail && revoked.text.contains("revoked"),
            "{revoked}"
        );

        let strangers = Identities::in_folder(dir.path().join("two"));
        strangers.init("other", &[a], 90, NOW).unwrap();
        for name in ["ca.pem", "revoked.pem"] {
            std::fs::copy(dir.path().join("two/a").join(name), folder.join(name)).unwrap();
        }
        let foreign = found(&own, NOW);
        assert!(
            foreign.level == Level::Fail && foreign.text.contains("another authority"),
            "{foreign}"
        );
        std::fs::remove_file(folder.join("ca.pem")).unwrap();
        assert_eq!(found(&own, NOW).level, Level::Fail);
    }

    #[test]
    fn keys_that_others_may_read_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("node.key");
        std::fs::write(&path, "").unwrap();
        let mode = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        mode(0o600);
        assert_eq!(open_to_others(dir.path()), None);
        mode(0o640);
        assert!(open_to_others(dir.path()).unwrap().text.contains("node.key"));
    }
}
