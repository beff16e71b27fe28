//! How envelopes become bytes: JSON whose `v` is looked at first. One codec for all kinds of envelopes; each has a limit and a version of its own.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

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

/// The bytes of an envelope.
pub(crate) fn write(envelope: &impl Serialize, limit: usize) -> Result<Vec<u8>, WireError> {
    let bytes = to_json(envelope);
    check_size(&bytes, limit)?;
    Ok(bytes)
}

/// Reads what [`write`] wrote, here or in another version up to `known`: the size is looked at first and the version second.
pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8], limit: usize, known: u16) -> Result<T, WireError> {
    #[derive(Deserialize)]
    struct Versioned {
        v: u16,
    }
    check_size(bytes, limit)?;
    let Versioned { v: found } = serde_json::from_slice(bytes).map_err(|error| WireError::Malformed {
        column: error.column(),
    })?;
    if !(1..=known).contains(&found) {
        return Err(WireError::Version { found, known });
    }
    serde_json::from_slice(bytes).map_err(unreadable)
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
