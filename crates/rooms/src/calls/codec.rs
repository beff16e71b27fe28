//! The envelope and how it becomes bytes: JSON whose `v` is looked at first. One for all that travels between rooms and between media; what is in it
//! has a limit and a version of its own.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use videorooms_domain::NodeIncarnation;

/// Why an envelope cannot be written or read. It says where and never what stands there: secrets travel in envelopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// Longer than an envelope of its kind may be.
    #[error("{bytes} bytes are more than an envelope may have")]
    TooLarge {
        /// How long it is.
        bytes: usize,
    },
    /// Written by a newer version of the program, or by none.
    #[error("format {found} is not known, this version reads up to {known}")]
    Version {
        /// What it says it is.
        found: u16,
        /// The newest that can be read.
        known: u16,
    },
    /// Well formed, but something in it is not known to this version, missing, or not what stands there in this format.
    #[error("not understood at column {column}")]
    NotUnderstood {
        /// Where reading ended, from 1; 0 where that is not known.
        column: usize,
    },
    /// Not what any version of this program writes.
    #[error("malformed at column {column}")]
    Malformed {
        /// Where reading ended, from 1; 0 where that is not known.
        column: usize,
    },
}

impl WireError {
    /// Name for metrics.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "too_large",
            Self::Version { .. } => "version",
            Self::NotUnderstood { .. } => "not_understood",
            Self::Malformed { .. } => "malformed",
        }
    }
}

/// What an envelope holds.
pub trait Payload: Serialize + DeserializeOwned {
    /// The format written by this version.
    const VERSION: u16;
    /// Longest envelope, in bytes.
    const BYTES: usize;
}

/// One message between nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope<P> {
    /// Format; see [`Payload::VERSION`].
    pub v: u16,
    /// The sender's boot. The link has authenticated the node; whoever reads it compares.
    pub from: NodeIncarnation,
    /// How long the sender will wait for an answer, in milliseconds from when it was sent: clocks of nodes are never compared. None where nobody
    /// waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<u64>,
    /// What it holds.
    pub content: P,
}

impl<P: Payload> Envelope<P> {
    /// An envelope for which nobody waits.
    #[must_use]
    pub fn new(from: NodeIncarnation, content: P) -> Self {
        Self {
            v: P::VERSION,
            from,
            deadline_ms: None,
            content,
        }
    }

    /// The bytes of it.
    ///
    /// # Errors
    /// [`WireError::TooLarge`].
    pub fn encode(&self) -> Result<Vec<u8>, WireError> {
        let bytes = to_json(self);
        check_size(&bytes, P::BYTES)?;
        Ok(bytes)
    }

    /// The envelope that [`Self::encode`] wrote, here or in another version.
    ///
    /// # Errors
    /// [`WireError`], the size first and the version second.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        #[derive(Deserialize)]
        struct Versioned {
            v: u16,
        }
        check_size(bytes, P::BYTES)?;
        let Versioned { v: found } = serde_json::from_slice(bytes).map_err(|error| WireError::Malformed {
            column: error.column(),
        })?;
        let known = P::VERSION;
        if !(1..=known).contains(&found) {
            return Err(WireError::Version { found, known });
        }
        serde_json::from_slice(bytes).map_err(unreadable)
    }
}

fn to_json(envelope: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(envelope)
        .expect("an envelope has string keys only and nothing that fails to serialize")
}

fn check_size(bytes: &[u8], limit: usize) -> Result<(), WireError> {
    if bytes.len() > limit {
        return Err(WireError::TooLarge { bytes: bytes.len() });
    }
    Ok(())
}

fn unreadable(error: serde_json::Error) -> WireError {
    let column = error.column();
    if error.is_data() {
        WireError::NotUnderstood { column }
    } else {
        WireError::Malformed { column }
    }
}
