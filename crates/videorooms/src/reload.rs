//! SIGHUP: certificates and the list of revocations are read again, and count for connections that are opened from then on.

use std::path::PathBuf;

use tokio::signal::unix::{SignalKind, signal};
use videorooms_cluster::links::Links;

use crate::identities;

/// Reads the folder again at each SIGHUP, until it is dropped. What cannot be used is said, and the former stays.
pub(crate) async fn on_hangup(folder: PathBuf, links: Links) {
    let Ok(mut hangups) = signal(SignalKind::hangup()) else {
        tracing::warn!("SIGHUP cannot be heard; new certificates count after a restart");
        return;
    };
    while hangups.recv().await.is_some() {
        match reload(&folder, &links) {
            Ok(()) => tracing::info!(folder = %folder.display(), "certificates were read again"),
            Err(error) => tracing::error!("certificates stay as they were: {error:#}"),
        }
    }
}

fn reload(folder: &std::path::Path, links: &Links) -> anyhow::Result<()> {
    Ok(links.renew(&identities::read_identity(folder)?)?)
}
