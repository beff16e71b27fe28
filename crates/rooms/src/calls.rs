//! How calls of doors to rooms, their answers and what rooms say look between nodes: an [`Envelope`] of bytes with a version, the boot of the
//! node that sent it, and, for a call, the time that is left for it.
//!
//! The format is that of records in the store: JSON, whose first concern is that the next version can read it. A field that is added has a
//! default, which an older sender means by leaving it out; a field that is not known is passed over; a variant that is not known
//! is [`EnvelopeError::Malformed`], and answered, so that nobody waits for it. Only a change that an older node would misread raises
//! [`VERSION`]. Inside one node nothing is ever encoded.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use videorooms_domain::{
    NodeIncarnation, ParticipantId, Position, Request, Role, RoomId, SecretHash, Signal, Snapshot,
};

use crate::{Attach, Attached, Overview, Rooms, RoomsError};

/// The version that is written, and the newest that is read.
pub const VERSION: u16 = 1;
/// Longest envelope, in bytes: the snapshot of the fullest room fits twice. A link cuts it into frames.
pub const MAX_BYTES: usize = 8 << 20;

/// What travels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope<T> {
    /// Format.
    pub v: u16,
    /// Which boot of which node sent it.
    pub from: NodeIncarnation,
    /// How long whoever asked still waits, in ms; none for what has no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_ms: Option<u64>,
    /// What it is about.
    pub body: T,
}

/// Bytes that are no envelope for us.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// Longer than [`MAX_BYTES`]; nothing was read.
    #[error("an envelope of {bytes} bytes, the longest has {MAX_BYTES}")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// Of another format than we read.
    #[error("an envelope of version {found}, this node reads up to {VERSION}")]
    Version {
        /// What it says it is.
        found: u16,
    },
    /// Not what a node writes.
    #[error("no envelope: {0}")]
    Malformed(String),
}

/// What a door asks of a room. Whoever asks names the room's shard by the room; a room that is elsewhere by then says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// [`Rooms::overview`].
    Overview,
    /// [`Rooms::verify`].
    Verify {
        /// Whose secret.
        participant: ParticipantId,
        /// Its hash.
        secret: SecretHash,
    },
    /// [`Rooms::attach`].
    Attach(Box<Attach>),
    /// [`Rooms::execute`]. Carries the command's id.
    Execute(Box<Request>),
    /// [`Rooms::snapshot`].
    Snapshot {
        /// For whom.
        participant: ParticipantId,
    },
    /// [`Rooms::signal`]; a goodbye is never refused, as with [`Rooms::detach`].
    Signal(Signal),
    /// [`Rooms::media_admitted`].
    MediaAdmitted {
        /// Who.
        participant: ParticipantId,
    },
}

/// What a room answers to a [`Call`] of the same name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// To an overview.
    Overview(Box<Overview>),
    /// To a verification.
    Role(Role),
    /// To an attachment.
    Attached(Box<Attached>),
    /// To a command: it is committed there.
    Committed(Position),
    /// To a question for everything.
    Snapshot(Position, Box<Snapshot>),
    /// It was taken.
    Taken,
}

/// A call with the room that it is for.
pub type CallEnvelope = Envelope<(RoomId, Call)>;
/// What comes back.
pub type AnswerEnvelope = Envelope<Result<Answer, RoomsError>>;

impl<T: Serialize> Envelope<T> {
    /// From this boot.
    #[must_use]
    pub fn new(from: NodeIncarnation, left: Option<Duration>, body: T) -> Self {
        Self {
            v: VERSION,
            from,
            left_ms: left.map(|left| u64::try_from(left.as_millis()).unwrap_or(u64::MAX)),
            body,
        }
    }

    /// Its bytes.
    ///
    /// # Errors
    /// [`EnvelopeError::TooLong`].
    pub fn encode(&self) -> Result<Vec<u8>, EnvelopeError> {
        let bytes = serde_json::to_vec(self).map_err(malformed)?;
        bounded(&bytes)?;
        Ok(bytes)
    }
}

impl<T: DeserializeOwned> Envelope<T> {
    /// The envelope that [`Self::encode`] wrote, here or on another node.
    ///
    /// # Errors
    /// [`EnvelopeError`]; nothing but the length and the version is looked at before they are known to be ours.
    pub fn decode(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        #[derive(Deserialize)]
        struct Versioned {
            v: u16,
        }
        bounded(bytes)?;
        let Versioned { v: found } = serde_json::from_slice(bytes).map_err(malformed)?;
        if !(1..=VERSION).contains(&found) {
            return Err(EnvelopeError::Version { found });
        }
        serde_json::from_slice(bytes).map_err(malformed)
    }
}

fn bounded(bytes: &[u8]) -> Result<(), EnvelopeError> {
    let bytes = bytes.len();
    if bytes > MAX_BYTES {
        return Err(EnvelopeError::TooLong { bytes });
    }
    Ok(())
}

fn malformed(error: serde_json::Error) -> EnvelopeError {
    EnvelopeError::Malformed(error.to_string())
}

impl Rooms {
    /// Does here what a door elsewhere asks, and answers what it is to hear.
    ///
    /// # Errors
    /// Those of the method that the call names.
    pub async fn serve(&self, room: RoomId, call: Call) -> Result<Answer, RoomsError> {
        match call {
            Call::Overview => self.overview(room).await.map(Box::new).map(Answer::Overview),
            Call::Verify { participant, secret } => {
                self.verify(room, participant, secret).await.map(Answer::Role)
            }
            Call::Attach(attach) => self
                .attach(room, *attach)
                .await
                .map(Box::new)
                .map(Answer::Attached),
            Call::Execute(request) => self.execute(room, *request).await.map(Answer::Committed),
            Call::Snapshot { participant } => {
                let (position, snapshot) = self.snapshot(room, participant).await?;
                Ok(Answer::Snapshot(position, Box::new(snapshot)))
            }
            Call::Signal(signal @ Signal::Detached { .. }) => {
                self.say_goodbye(room, signal);
                Ok(Answer::Taken)
            }
            Call::Signal(signal) => self.signal(room, signal).map(|()| Answer::Taken),
            Call::MediaAdmitted { participant } => {
                self.media_admitted(room, participant);
                Ok(Answer::Taken)
            }
        }
    }
}
