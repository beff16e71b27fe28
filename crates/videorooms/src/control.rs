//! `NodeControl`: what nodes ask each other for an operator, and the answers. The form on the wire is JSON with a version.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use videorooms_admin::NodeSays;
use videorooms_cluster::links::Service;
use videorooms_cluster::{Cluster, ServiceName};
use videorooms_domain::NodeIncarnation;
use videorooms_rooms::Rooms;
use videorooms_rooms::calls::Peers;

/// The newest form that this program reads and the one that it writes.
const VERSION: u16 = 1;
/// How long a node may take to answer.
const WITHIN: Duration = Duration::from_secs(2);

/// What travels.
#[derive(Debug, Serialize, Deserialize)]
struct Letter<T> {
    v: u16,
    content: T,
}

/// What is asked of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ask {
    /// How it is.
    Status,
    /// To give its rooms away, or, with `undo`, to take rooms again.
    Drain {
        /// Take rooms again.
        undo: bool,
    },
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Status(Status),
    /// It was not understood, and nothing was done.
    Refused(String),
}

/// How a node is, after it did what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Status {
    pub(crate) draining: bool,
    pub(crate) says: NodeSays,
}

/// Does what is asked of this node, by others or here.
#[derive(Clone)]
pub(crate) struct Control {
    pub(crate) cluster: Cluster,
    pub(crate) rooms: Rooms,
    pub(crate) fingerprint: Arc<str>,
}

impl Control {
    /// Does it; never waits.
    pub(crate) fn obey(&self, ask: Ask) -> Status {
        match ask {
            Ask::Drain { undo } => {
                tracing::info!(undo, "an operator drains this node");
                self.cluster.drain(!undo);
            }
            Ask::Status => {}
        }
        Status {
            draining: self.cluster.is_draining(),
            says: NodeSays {
                standing: self.cluster.standing().as_str().to_owned(),
                shards: self.cluster.holds(),
                rooms: self.rooms.live_rooms(),
                secret_fingerprint: self.fingerprint.to_string(),
            },
        }
    }
}

#[async_trait]
impl Service for Control {
    async fn call(&self, _: &NodeIncarnation, bytes: Bytes) -> Vec<u8> {
        let answer = match read(&bytes) {
            Ok(ask) => Answer::Status(self.obey(ask)),
            Err(why) => Answer::Refused(why),
        };
        write(answer)
    }

    fn cast(&self, from: &NodeIncarnation, _: Bytes) {
        tracing::debug!(%from, "a cast to what takes calls only");
    }
}

/// Asks another node, within 2 s.
///
/// # Errors
/// Why there is no answer, for people.
pub(crate) async fn ask(peers: &dyn Peers, to: &NodeIncarnation, ask: Ask) -> Result<Status, String> {
    let called = peers.call(to, ServiceName::NodeControl, write(ask).into(), WITHIN);
    let answer = called.await.map_err(|error| error.to_string())?;
    match read(&answer)? {
        Answer::Status(status) => Ok(status),
        Answer::Refused(why) => Err(why),
    }
}

fn write(content: impl Serialize) -> Vec<u8> {
    let letter = Letter { v: VERSION, content };
    serde_json::to_vec(&letter).expect("a letter has string keys only and nothing that fails to serialize")
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    #[derive(Deserialize)]
    struct Versioned {
        v: u16,
    }
    let unread = |error: serde_json::Error| format!("not understood at column {}", error.column());
    let Versioned { v } = serde_json::from_slice(bytes).map_err(unread)?;
    if !(1..=VERSION).contains(&v) {
        return Err(format!(
            "form {v} is not known, this version reads up to {VERSION}"
        ));
    }
    let letter: Letter<T> = serde_json::from_slice(bytes).map_err(unread)?;
    Ok(letter.content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_on_the_wire_is_what_it_always_was() {
        let drain = br#"{"v":1,"content":{"drain":{"undo":true}}}"#;
        assert_eq!(write(Ask::Drain { undo: true }), drain);
        assert_eq!(read(drain), Ok(Ask::Drain { undo: true }));
        assert_eq!(read(br#"{"v":1,"content":"status"}"#), Ok(Ask::Status));
        let status = Answer::Status(Status {
            draining: true,
            says: NodeSays {
                standing: "live".to_owned(),
                shards: 3,
                rooms: 2,
                secret_fingerprint: "ab".to_owned(),
            },
        });
        let written = r#"{"v":1,"content":{"status":{"draining":true,"says":{"standing":"live","shards":3,"rooms":2,"secret_fingerprint":"ab"}}}}"#;
        assert_eq!(read(written.as_bytes()), Ok(status));
    }

    #[test]
    fn what_is_not_understood_is_refused_with_the_reason() {
        let newer = read::<Ask>(br#"{"v":2,"content":"status"}"#).unwrap_err();
        assert!(newer.contains("form 2"), "{newer}");
        for wrong in [
            "",
            "{}",
            "[]",
            r#"{"v":1}"#,
            r#"{"v":1,"content":"explode"}"#,
            r#"{"v":0,"content":"status"}"#,
        ] {
            assert!(read::<Ask>(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
