//! Identities and positions. All ids are values given from outside: nothing here draws randomness or reads a clock.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Lower-case Crockford base32: no i, l, o, u, so an id can be read aloud and double-clicked.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Number of ownership shards; the count stands in the store and never changes for a cluster.
pub const SHARDS: u16 = 1024;

/// A string that is not an id of the kind asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a valid id")]
pub struct InvalidId;

fn write_base32(mut value: u128, width: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut text = [b'0'; 26];
    for place in text[..width].iter_mut().rev() {
        *place = ALPHABET[(value & 31) as usize];
        value >>= 5;
    }
    text[..width]
        .iter()
        .try_for_each(|&c| fmt::Write::write_char(f, char::from(c)))
}

fn read_base32(text: &str, width: usize, bits: u32) -> Result<u128, InvalidId> {
    if text.len() != width {
        return Err(InvalidId);
    }
    let mut value: u128 = 0;
    for byte in text.bytes() {
        let digit = ALPHABET.iter().position(|&c| c == byte).ok_or(InvalidId)? as u128;
        if value.leading_zeros() < 5 {
            return Err(InvalidId);
        }
        value = value << 5 | digit;
    }
    if bits < 128 && value >> bits != 0 {
        Err(InvalidId)
    } else {
        Ok(value)
    }
}

macro_rules! textual_id {
    ($name:ident, $repr:ty, $width:literal) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_base32(u128::from(self.0), $width, f)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let value = read_base32(text, $width, <$repr>::BITS)?;
                Ok(Self(<$repr>::try_from(value).map_err(|_| InvalidId)?))
            }
        }
        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

/// A room: 128 random bits, 26 characters. Knowing it is the right to knock.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoomId(pub u128);
textual_id!(RoomId, u128, 26);

impl RoomId {
    /// The unit of ownership the room belongs to, in `0..SHARDS`.
    #[must_use]
    pub fn shard(&self) -> ShardId {
        let hash = xxhash_rust::xxh3::xxh3_64(&self.0.to_be_bytes());
        ShardId((hash % u64::from(SHARDS)) as u16)
    }
}

/// A participant of one room: 64 random bits, 13 characters. No secret.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParticipantId(pub u64);
textual_id!(ParticipantId, u64, 13);

/// A unit of ownership.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ShardId(pub u16);

/// The reign of one owner of a room; a deposed owner has a lower one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Epoch(pub u64);

/// Number of a durable event in its room, from 1, without gaps, across epochs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Seq(pub u64);

impl Seq {
    /// The number `n` events later.
    #[must_use]
    pub fn plus(self, n: usize) -> Self {
        Self(self.0 + n as u64)
    }
}

/// A point in a room's history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Position {
    /// In whose reign.
    pub epoch: Epoch,
    /// The event's number.
    pub seq: Seq,
}

/// Milliseconds since the Unix epoch, given by the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// The moment `duration` later.
    #[must_use]
    pub fn after(self, duration: std::time::Duration) -> Self {
        Self(self.0.saturating_add(duration.as_millis() as u64))
    }
}

/// A node's name in the configuration: 1–32 of `a-z`, `0-9`, `-`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct NodeId(Box<str>);

impl NodeId {
    /// The name as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for NodeId {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let legal = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        if (1..=32).contains(&text.len()) && text.bytes().all(legal) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidId)
        }
    }
}

impl<'de> Deserialize<'de> for NodeId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        std::borrow::Cow::<'de, str>::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One boot of a node. A connection belongs to a boot: an earlier boot of the same node is dead.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeIncarnation {
    /// Which node.
    pub node: NodeId,
    /// Which boot; rises.
    pub incarnation: u64,
}

impl fmt::Display for NodeIncarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.node, self.incarnation)
    }
}

/// A client's name for one command of its own, so that sending it twice does it once: 1–64 printable ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct CommandId(Box<str>);

impl CommandId {
    /// The id as given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for CommandId {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        if (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidId)
        }
    }
}

impl<'de> Deserialize<'de> for CommandId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        std::borrow::Cow::<'de, str>::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_room_id_reads_back_as_written(value: u128) {
            prop_assert_eq!(RoomId(value).to_string().parse(), Ok(RoomId(value)));
        }

        #[test]
        fn a_participant_id_reads_back_as_written(value: u64) {
            prop_assert_eq!(ParticipantId(value).to_string().parse(), Ok(ParticipantId(value)));
        }

        #[test]
        fn no_text_makes_the_parsers_panic(text: String) {
            let _ = (text.parse::<RoomId>(), text.parse::<ParticipantId>(), text.parse::<NodeId>());
        }
    }

    #[test]
    fn an_id_of_more_bits_than_it_may_hold_is_refused() {
        assert_eq!("z".repeat(26).parse::<RoomId>(), Err(InvalidId));
        assert_eq!("z".repeat(13).parse::<ParticipantId>(), Err(InvalidId));
        assert_eq!("7zzzzzzzzzzzzzzzzzzzzzzzzz".parse(), Ok(RoomId(u128::MAX)));
    }
}
