//! Messages between the actors of two nodes: what stands before the payload, and how a long one is cut and joined.
//!
//! A part is never longer than [`PART_BYTES`], so that no frame exceeds [`super::FRAME_BYTES`], beyond which the other side hangs up. A long call or
//! cast is sent as parts of which the last is the call or cast; a long answer is its first part, and the caller fetches the others, so
//! nothing depends on whether an answer overtakes what was sent before it.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::hello::Token;
use super::{FRAME_BYTES, MESSAGE_BYTES};

/// Payload of one part, in bytes. The rest of a frame is for what stands before it, here and in the library.
pub(crate) const PART_BYTES: usize = FRAME_BYTES - 1024;
/// What a frame is taken to weigh beside its payload, so that many empty ones weigh something.
const FRAME_WEIGHT: usize = 64;
/// Unfinished messages of one node, all together, in bytes. Two of the longest.
const UNFINISHED_BYTES: usize = 2 * MESSAGE_BYTES;
const VERSION: u8 = 1;
const TOKEN: std::ops::Range<usize> = 2..18;

/// A message, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Frame {
    /// All of it.
    Whole(Bytes),
    /// A part of message `id`, which has `total` bytes. They come in order.
    Part { id: u64, total: u32, part: Bytes },
    /// The caller wants the answer `id` from `offset` on.
    Fetch { id: u64, offset: u32 },
    /// The sender is there and has taken so much, see [`weight`], of what is not answered.
    Alive { taken: u64 },
}

impl Frame {
    /// The bytes, for the stream that the token belongs to.
    pub(crate) fn encode(&self, token: &Token) -> Vec<u8> {
        let (kind, numbers, payload): (u8, Vec<u8>, &[u8]) = match self {
            Self::Whole(payload) => (0, Vec::new(), payload),
            Self::Part { id, total, part } => {
                (1, [&id.to_be_bytes()[..], &total.to_be_bytes()].concat(), part)
            }
            Self::Fetch { id, offset } => (2, [&id.to_be_bytes()[..], &offset.to_be_bytes()].concat(), &[]),
            Self::Alive { taken } => (3, taken.to_be_bytes().to_vec(), &[]),
        };
        let mut bytes = Vec::with_capacity(TOKEN.end + numbers.len() + payload.len());
        bytes.extend_from_slice(&[VERSION, kind]);
        bytes.extend_from_slice(token);
        bytes.extend_from_slice(&numbers);
        bytes.extend_from_slice(payload);
        bytes
    }

    /// The token, and the frame if it is one.
    pub(crate) fn decode(bytes: Bytes) -> Option<(Token, Option<Self>)> {
        let token = bytes.get(TOKEN)?.try_into().ok()?;
        Some((token, Self::parse(bytes)))
    }

    fn parse(mut bytes: Bytes) -> Option<Self> {
        let head = bytes.split_to(TOKEN.end);
        if head[0] != VERSION {
            return None;
        }
        Some(match head[1] {
            0 => Self::Whole(bytes),
            1 => Self::Part {
                id: number(&mut bytes).map(u64::from_be_bytes)?,
                total: number(&mut bytes).map(u32::from_be_bytes)?,
                part: bytes,
            },
            2 => Self::Fetch {
                id: number(&mut bytes).map(u64::from_be_bytes)?,
                offset: number(&mut bytes).map(u32::from_be_bytes)?,
            },
            3 => Self::Alive {
                taken: number(&mut bytes).map(u64::from_be_bytes)?,
            },
            _ => return None,
        })
    }
}

/// What a call comes back with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    Whole(Bytes),
    /// The first part of a long one.
    First {
        id: u64,
        total: u32,
        part: Bytes,
    },
    Refused(Reason),
}

/// Why a call was not answered, by the other side's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The stream is not the one that stands.
    Session,
    Malformed,
    Full,
    TooLarge,
    Failed,
}

impl Answer {
    pub(crate) fn encode(&self) -> Vec<u8> {
        match self {
            Self::Whole(payload) => [&[0], &payload[..]].concat(),
            Self::First { id, total, part } => {
                [&[1], &id.to_be_bytes()[..], &total.to_be_bytes(), &part[..]].concat()
            }
            Self::Refused(reason) => vec![2, *reason as u8],
        }
    }

    pub(crate) fn decode(mut bytes: Bytes) -> Option<Self> {
        let [kind] = number(&mut bytes)?;
        Some(match kind {
            0 => Self::Whole(bytes),
            1 => Self::First {
                id: number(&mut bytes).map(u64::from_be_bytes)?,
                total: number(&mut bytes).map(u32::from_be_bytes)?,
                part: bytes,
            },
            2 => Self::Refused(match number(&mut bytes)? {
                [0] => Reason::Session,
                [1] => Reason::Malformed,
                [2] => Reason::Full,
                [3] => Reason::TooLarge,
                _ => Reason::Failed,
            }),
            _ => return None,
        })
    }
}

fn number<const N: usize>(bytes: &mut Bytes) -> Option<[u8; N]> {
    let (number, _) = bytes.split_first_chunk::<N>()?;
    let number = *number;
    drop(bytes.split_to(N));
    Some(number)
}

/// A message as frames; `id` is used for one that has to be cut.
pub(crate) fn cut(message: &Bytes, id: u64) -> Vec<Frame> {
    if message.len() <= PART_BYTES {
        return vec![Frame::Whole(message.clone())];
    }
    let total = message.len() as u32;
    (0..message.len())
        .step_by(PART_BYTES)
        .map(|offset| Frame::Part {
            id,
            total,
            part: part_from(message, offset),
        })
        .collect()
}

/// One part of a message.
pub(crate) fn part_from(message: &Bytes, offset: usize) -> Bytes {
    let offset = offset.min(message.len());
    message.slice(offset..message.len().min(offset + PART_BYTES))
}

/// What a frame counts for, in bytes.
pub(crate) fn weight(payload: usize) -> u64 {
    (payload + FRAME_WEIGHT) as u64
}

/// The unfinished messages of one stream.
#[derive(Debug, Default)]
pub(crate) struct Unfinished {
    messages: BTreeMap<u64, Vec<u8>>,
    bytes: usize,
}

impl Unfinished {
    /// Takes a part; the message, if that was its last.
    ///
    /// # Errors
    /// [`Reason::TooLarge`] for a message that may not be so long, [`Reason::Full`] for too many, [`Reason::Malformed`] for parts that do not fit. The message is dropped.
    pub(crate) fn take(&mut self, id: u64, total: u32, part: &[u8]) -> Result<Option<Bytes>, Reason> {
        let mut message = self.messages.remove(&id).unwrap_or_default();
        self.bytes -= message.len();
        let (total, length) = (total as usize, message.len() + part.len());
        if total > MESSAGE_BYTES {
            return Err(Reason::TooLarge);
        }
        if length > total || part.is_empty() {
            return Err(Reason::Malformed);
        }
        if self.bytes + length > UNFINISHED_BYTES {
            return Err(Reason::Full);
        }
        message.extend_from_slice(part);
        if length == total {
            return Ok(Some(message.into()));
        }
        self.bytes += length;
        self.messages.insert(id, message);
        Ok(None)
    }
}

#[cfg(test)]
mod tests;
