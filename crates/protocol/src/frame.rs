//! Text frames of Phoenix Channels V2: `[join_ref, ref, topic, event, payload]`, always five elements from us; a client may send more, which
//! are ignored. Payloads are raw JSON: who routes a frame does not read it.
//!
//! Encoders build the finished text, so that a broadcast is encoded once and the same bytes go to every socket.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::control;

/// A client's reference, echoed exactly. phoenix.js sends decimal strings; a raw client may send a number, and gets the number back.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(untagged)]
pub enum Ref {
    /// As phoenix.js sends it; at most [`Ref::MAX_BYTES`].
    Text(Box<str>),
    /// As a raw client may.
    Number(u64),
}

impl Ref {
    /// Longest reference; a size field of the binary form counts in one byte.
    pub const MAX_BYTES: usize = 255;
}

impl From<&str> for Ref {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl<'de> Deserialize<'de> for Ref {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RefVisitor;
        impl Visitor<'_> for RefVisitor {
            type Value = Ref;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a short string or a number")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Ref, E> {
                if text.len() > Ref::MAX_BYTES {
                    Err(E::custom("the ref is too long"))
                } else {
                    Ok(text.into())
                }
            }
            fn visit_u64<E>(self, number: u64) -> Result<Ref, E> {
                Ok(Ref::Number(number))
            }
        }
        deserializer.deserialize_any(RefVisitor)
    }
}

/// A frame that is none: Phoenix closes the socket with 1011.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// No JSON array of five or more.
    #[error("not a frame: {0}")]
    Malformed(#[from] serde_json::Error),
    /// The payload is no JSON object.
    #[error("the payload is no object")]
    PayloadNotObject,
    /// A binary frame that is no client push.
    #[error("not a binary push")]
    NotAPush,
}

/// A client's text frame, borrowed from what was received.
#[derive(Debug)]
pub struct Frame<'a> {
    /// The channel's, or none.
    pub join_ref: Option<Ref>,
    /// The message's own, or none.
    pub r#ref: Option<Ref>,
    /// Which channel.
    pub topic: Cow<'a, str>,
    /// What.
    pub event: Cow<'a, str>,
    /// A JSON object, unread.
    pub payload: &'a RawValue,
}

impl<'a> Frame<'a> {
    /// Reads a client's frame. The payload is known to be an object and to be JSON; nothing more.
    ///
    /// # Errors
    /// [`FrameError`] for anything that Phoenix would crash on.
    pub fn parse(text: &'a str) -> Result<Self, FrameError> {
        let frame: Self = serde_json::from_str(text)?;
        if frame.payload.get().starts_with('{') {
            Ok(frame)
        } else {
            Err(FrameError::PayloadNotObject)
        }
    }
}

impl<'de> Deserialize<'de> for Frame<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(FrameVisitor)
    }
}

/// `Cow` alone would copy: serde borrows text only where it is told to.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

struct FrameVisitor;

impl<'de> Visitor<'de> for FrameVisitor {
    type Value = Frame<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[join_ref, ref, topic, event, payload]")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Frame<'de>, A::Error> {
        fn next<'de, T: Deserialize<'de>, A: SeqAccess<'de>>(
            elements: &mut A,
            at: usize,
        ) -> Result<T, A::Error> {
            elements
                .next_element()?
                .ok_or_else(|| de::Error::invalid_length(at, &"five elements"))
        }
        let frame = Frame {
            join_ref: next(&mut elements, 0)?,
            r#ref: next(&mut elements, 1)?,
            topic: next::<Text<'de>, A>(&mut elements, 2)?.0,
            event: next::<Text<'de>, A>(&mut elements, 3)?.0,
            payload: next(&mut elements, 4)?,
        };
        while elements.next_element::<IgnoredAny>()?.is_some() {}
        Ok(frame)
    }
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Done.
    Ok,
    /// Refused.
    Error,
}

#[derive(Serialize)]
struct ReplyPayload<'a, T: ?Sized> {
    status: Status,
    response: &'a T,
}

/// An empty payload.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
pub struct Empty {}

/// A reply. `join_ref` is the channel's, even where the push had none.
#[must_use]
pub fn reply(
    join_ref: Option<&Ref>,
    r#ref: Option<&Ref>,
    topic: &str,
    status: Status,
    response: &(impl Serialize + ?Sized),
) -> String {
    encode(
        join_ref,
        r#ref,
        topic,
        control::REPLY,
        &ReplyPayload { status, response },
    )
}

/// A push to one channel.
#[must_use]
pub fn push(join_ref: Option<&Ref>, topic: &str, event: &str, payload: &(impl Serialize + ?Sized)) -> String {
    encode(join_ref, None, topic, event, payload)
}

/// A broadcast: identical for everyone who hears it.
#[must_use]
pub fn broadcast(topic: &str, event: &str, payload: &(impl Serialize + ?Sized)) -> String {
    encode(None, None, topic, event, payload)
}

/// The channel has ended for good: the client does not come back by itself.
#[must_use]
pub fn phx_close(join_ref: Option<&Ref>, topic: &str) -> String {
    encode(join_ref, join_ref, topic, control::CLOSE, &Empty {})
}

/// The channel has crashed: the client joins again.
#[must_use]
pub fn phx_error(join_ref: Option<&Ref>, topic: &str, reason: &str) -> String {
    encode(
        join_ref,
        join_ref,
        topic,
        control::ERROR,
        &control::ChannelError { reason },
    )
}

fn encode(
    join_ref: Option<&Ref>,
    r#ref: Option<&Ref>,
    topic: &str,
    event: &str,
    payload: &(impl Serialize + ?Sized),
) -> String {
    serde_json::to_string(&(join_ref, r#ref, topic, event, payload))
        .expect("payloads are structs and maps of text, which always have a JSON form")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn refs_are_echoed_with_their_type() {
        for text in [
            r#"["1","2","room:x","e",{}]"#,
            r#"[null,7,"room:x","e",{}]"#,
            r#"[null,null,"t","e",{}]"#,
        ] {
            let frame = Frame::parse(text).unwrap();
            let echoed = encode(
                frame.join_ref.as_ref(),
                frame.r#ref.as_ref(),
                &frame.topic,
                &frame.event,
                frame.payload,
            );
            assert_eq!(echoed, text);
        }
    }

    #[test]
    fn more_than_five_elements_are_ignored_and_fewer_are_refused() {
        assert!(Frame::parse(r#"["1","2","t","e",{},{"more":[1]},null]"#).is_ok());
        assert!(Frame::parse(r#"["1","2","t","e"]"#).is_err());
    }

    #[test]
    fn what_phoenix_crashes_on_is_refused() {
        let malformed = [
            "",
            "{}",
            "[1]",
            "[null,null,null,\"e\",{}]",
            "[null,null,\"t\",\"e\",{}] x",
            "[[],null,\"t\",\"e\",{}]",
        ];
        for text in malformed {
            assert!(Frame::parse(text).is_err(), "{text}");
        }
        assert!(matches!(
            Frame::parse(r#"[null,null,"t","e",[]]"#),
            Err(FrameError::PayloadNotObject)
        ));
    }

    #[test]
    fn a_topic_with_escapes_is_read_too() {
        let frame = Frame::parse(r#"[null,"1","room:\u0061","e",{"a":1}]"#).unwrap();
        assert_eq!(
            (frame.topic.as_ref(), frame.payload.get()),
            ("room:a", r#"{"a":1}"#)
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text: String) {
            let _ = Frame::parse(&text);
        }

        #[test]
        fn nothing_that_looks_like_a_frame_makes_the_parser_panic(
            text in r#"\[("[0-9]{1,3}"|null|[0-9]{1,25}),("[0-9]"|null),"[a-z:\\u0-9]{0,9}","[a-z]{0,4}",[{}\[\]"a:1,]{0,9}\]"#
        ) {
            let _ = Frame::parse(&text);
        }
    }
}
