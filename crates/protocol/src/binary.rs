//! Binary frames of Phoenix Channels V2: one byte of kind, one byte of length for each field, the fields, then the data.
//!
//! An absent ref has length 0. A client sends pushes only; any other kind ends its socket, as in Phoenix. The server sends none: all that it
//! says is JSON.

use crate::frame::{FrameError, Ref};

const PUSH: u8 = 0;

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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
