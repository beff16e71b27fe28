//! Binary frames of Phoenix Channels V2: one byte of kind, one byte of length for each field, the fields, then the data.
//!
//! An absent ref has length 0. A client sends pushes only; any other kind ends its socket, as in Phoenix.

use crate::frame::{FrameError, Ref, Status};

const PUSH: u8 = 0;
const REPLY: u8 = 1;
const BROADCAST: u8 = 2;

/// A client's binary push, borrowed from what was received.
#[derive(Debug, PartialEq, Eq)]
pub struct BinaryPush<'a> {
    /// The channel's, or none.
    pub join_ref: Option<Ref>,
    /// The message's own, or none.
    pub r#ref: Option<Ref>,
    /// Which channel.
    pub topic: &'a str,
    /// What.
    pub event: &'a str,
    /// The rest of the frame.
    pub data: &'a [u8],
}

impl<'a> BinaryPush<'a> {
    /// Reads a client's binary frame.
    ///
    /// # Errors
    /// [`FrameError::NotAPush`] for another kind, a frame cut short, or fields that are not UTF-8.
    pub fn parse(frame: &'a [u8]) -> Result<Self, FrameError> {
        let [PUSH, join_ref, r#ref, topic, event, rest @ ..] = frame else {
            return Err(FrameError::NotAPush);
        };
        let mut rest = rest;
        let mut field = |length: u8| {
            let (field, after) = rest.split_at_checked(length.into()).ok_or(FrameError::NotAPush)?;
            rest = after;
            std::str::from_utf8(field).map_err(|_| FrameError::NotAPush)
        };
        let join_ref = reference(field(*join_ref)?);
        let r#ref = reference(field(*r#ref)?);
        let (topic, event) = (field(*topic)?, field(*event)?);
        Ok(Self {
            join_ref,
            r#ref,
            topic,
            event,
            data: rest,
        })
    }
}

fn reference(text: &str) -> Option<Ref> {
    if text.is_empty() { None } else { Some(text.into()) }
}

/// A push to one channel; there is no ref field.
#[must_use]
pub fn push(join_ref: Option<&Ref>, topic: &str, event: &str, data: &[u8]) -> Vec<u8> {
    assemble(PUSH, &[&text(join_ref), topic, event], data)
}

/// A reply.
#[must_use]
pub fn reply(
    join_ref: Option<&Ref>,
    r#ref: Option<&Ref>,
    topic: &str,
    status: Status,
    data: &[u8],
) -> Vec<u8> {
    let status = match status {
        Status::Ok => "ok",
        Status::Error => "error",
    };
    assemble(REPLY, &[&text(join_ref), &text(r#ref), topic, status], data)
}

/// A broadcast.
#[must_use]
pub fn broadcast(topic: &str, event: &str, data: &[u8]) -> Vec<u8> {
    assemble(BROADCAST, &[topic, event], data)
}

fn text(reference: Option<&Ref>) -> String {
    match reference {
        None => String::new(),
        Some(Ref::Text(text)) => text.to_string(),
        Some(Ref::Number(number)) => number.to_string(),
    }
}

fn assemble(kind: u8, fields: &[&str], data: &[u8]) -> Vec<u8> {
    let length = 1 + fields.iter().map(|field| 1 + field.len()).sum::<usize>() + data.len();
    let mut frame = Vec::with_capacity(length);
    frame.push(kind);
    // Topics, events and refs that the house uses or has accepted are shorter than 256 bytes.
    frame.extend(
        fields
            .iter()
            .map(|field| u8::try_from(field.len()).expect("a field has at most 255 bytes")),
    );
    fields
        .iter()
        .for_each(|field| frame.extend_from_slice(field.as_bytes()));
    frame.extend_from_slice(data);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_broadcast_is_laid_out_as_seen_from_phoenix() {
        assert_eq!(
            broadcast("room:1", "bin", &[1, 2, 0xff]),
            b"\x02\x06\x03room:1bin\x01\x02\xff"
        );
    }

    #[test]
    fn a_push_and_a_reply_carry_their_refs() {
        let one = Ref::from("1");
        assert_eq!(push(Some(&one), "t", "e", b"x"), b"\x00\x01\x01\x011tex");
        assert_eq!(
            reply(Some(&one), None, "t", Status::Ok, b"x"),
            b"\x01\x01\x00\x01\x021tokx"
        );
    }

    #[test]
    fn a_clients_push_is_read() {
        let push = BinaryPush::parse(b"\x00\x01\x02\x01\x03122tbin\x00\x01").unwrap();
        assert_eq!((push.join_ref, push.r#ref), (Some("1".into()), Some("22".into())));
        assert_eq!(
            (push.topic, push.event, push.data),
            ("t", "bin", &b"\x00\x01"[..])
        );
    }

    #[test]
    fn any_other_kind_and_a_frame_cut_short_are_refused() {
        for frame in [
            &b"\x01\x00\x00\x00\x00"[..],
            b"",
            b"\x00\x01",
            b"\x00\x05\x00\x00\x00ab",
            b"\x00\x01\x00\x00\x00\xff",
        ] {
            assert!(BinaryPush::parse(frame).is_err(), "{frame:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_panic(frame: Vec<u8>) {
            let _ = BinaryPush::parse(&frame);
        }
    }
}
