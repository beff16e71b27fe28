//! What a decision comes to, and how it is written to the log and read back.
//!
//! A record is JSON with its version in `v`. A version that is not known is refused before the rest is looked at, so that a node
//! never half-understands what a newer one wrote.

use serde::Deserialize;

use crate::{Position, Record, Seq};

/// What a successful command came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transition {
    /// What is to be committed; none when the command id was known already, or when nothing changes.
    pub record: Option<Record>,
    /// What to tell the one who asked: the first verdict's position for a known command id, else where the room stands now.
    pub answer: Position,
}

/// Why stored bytes or a record cannot become state. State is as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FoldError {
    /// Written by a newer version of the program, or by none.
    #[error("format {found} is not known, this version reads up to {known}")]
    Version {
        /// What it says it is.
        found: u16,
        /// The newest that can be read.
        known: u16,
    },
    /// Records are missing, doubled or out of order.
    #[error("record begins at {} where {} was expected", found.0, expected.0)]
    Gap {
        /// The next seq of the state.
        expected: Seq,
        /// The record's first.
        found: Seq,
    },
    /// Not what this program writes.
    #[error("damaged: {0}")]
    Damaged(String),
}

/// Bytes of a record for the log.
///
/// # Panics
/// Never: a record holds nothing that JSON cannot.
#[must_use]
pub fn encode_record(record: &Record) -> Vec<u8> {
    serde_json::to_vec(record).expect("a record has string keys only and nothing that fails to serialize")
}

/// The record that [`encode_record`] wrote.
///
/// # Errors
/// [`FoldError::Version`], [`FoldError::Damaged`].
pub fn decode_record(bytes: &[u8]) -> Result<Record, FoldError> {
    check_version(bytes, Record::VERSION)?;
    let record: Record = serde_json::from_slice(bytes).map_err(damaged)?;
    if record.events.is_empty() {
        return Err(FoldError::Damaged("a record without events".to_owned()));
    }
    Ok(record)
}

/// Refuses anything but the versions 1 to `known`.
pub(crate) fn check_version(bytes: &[u8], known: u16) -> Result<(), FoldError> {
    #[derive(Deserialize)]
    struct Versioned {
        v: u16,
    }
    let Versioned { v: found } = serde_json::from_slice(bytes).map_err(damaged)?;
    if (1..=known).contains(&found) {
        Ok(())
    } else {
        Err(FoldError::Version { found, known })
    }
}

pub(crate) fn damaged(error: serde_json::Error) -> FoldError {
    FoldError::Damaged(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Epoch, Event, ParticipantId, Timestamp};

    fn record() -> Record {
        let events = vec![Event::HandRaised {
            participant: ParticipantId(7),
        }];
        let origin = Some((ParticipantId(7), "c1".parse().unwrap()));
        Record {
            v: Record::VERSION,
            epoch: Epoch(3),
            first: Seq(9),
            at: Timestamp(5),
            origin,
            events,
        }
    }

    #[test]
    fn a_record_reads_back_as_written() {
        assert_eq!(decode_record(&encode_record(&record())), Ok(record()));
    }

    #[test]
    fn a_record_of_a_newer_format_is_refused_even_if_nothing_else_is_understood() {
        let newer = br#"{"v":3,"whatever":true}"#;
        assert_eq!(
            decode_record(newer),
            Err(FoldError::Version { found: 3, known: 2 })
        );
    }

    #[test]
    fn damage_is_an_error_and_never_a_panic() {
        let bytes = encode_record(&record());
        for cut in 0..bytes.len() {
            assert!(matches!(decode_record(&bytes[..cut]), Err(FoldError::Damaged(_))));
        }
        let empty = encode_record(&Record {
            events: Vec::new(),
            ..record()
        });
        assert!(matches!(decode_record(&empty), Err(FoldError::Damaged(_))));
    }
}
