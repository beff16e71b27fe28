//! The form on the wire: fixed bytes, the same after a round trip, readable across versions.

use proptest::prelude::*;
use serde_json::Value;
use videorooms_domain::{RoomId, Source};
use videorooms_rooms::calls::WireError;
use videorooms_rooms::media_calls::{Answer, Ask, Content, ENVELOPE_BYTES, Envelope, Event, Refused, Tell};
use videorooms_sfu::{Offer, PeerId, SfuError};

use crate::examples::{SECRET, contents, here};
use crate::wire;

/// One envelope a line, as version 1 writes it. A line that changes breaks calls between this version and the one before.
pub(crate) const GOLDEN: &str = include_str!("golden.jsonl");

fn envelope(content: Content) -> Envelope {
    let deadline_ms = matches!(content, Content::Call(_)).then_some(5000);
    Envelope {
        deadline_ms,
        ..Envelope::new(here(1), content)
    }
}

#[test]
fn every_kind_has_the_bytes_that_it_always_had_and_reads_back() {
    let envelopes: Vec<_> = contents().into_iter().map(envelope).collect();
    wire::has_the_bytes(&envelopes, GOLDEN);
}

#[test]
fn the_fixed_bytes_leave_out_no_kind() {
    for (path, variants) in [
        ("/content", wire::variants::<Content>()),
        ("/content/call", wire::variants::<Ask>()),
        ("/content/cast", wire::variants::<Tell>()),
        ("/content/cast/event/event", wire::variants::<Event>()),
        ("/content/answer", wire::variants::<Answer>()),
        ("/content/refused", wire::variants::<Refused>()),
    ] {
        assert!(variants.len() > 1, "{path}");
        assert_eq!(wire::shown(GOLDEN, path), variants, "{path}");
    }
}

proptest! {
    #[test]
    fn whatever_is_offered_arrives_as_it_was(
        peer: u64,
        r#gen: u32,
        sdp: String,
        mids: Vec<String>,
        room: u128,
        deadline_ms: Option<u64>,
    ) {
        let tracks = mids.into_iter().map(|mid| (mid, Source::Camera)).collect();
        let offer = Ask::Offer { peer: PeerId(peer), offer: Offer { r#gen, sdp, tracks } };
        for ask in [offer, Ask::RoomInfo { room: RoomId(room) }] {
            let sent = Envelope { deadline_ms, ..Envelope::new(here(1), Content::Call(ask)) };
            let bytes = sent.encode().unwrap();
            prop_assert_eq!(Envelope::decode(&bytes), Ok(sent));
        }
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes: Vec<u8>) {
        prop_assert!(Envelope::decode(&bytes).is_err());
    }
}

#[test]
fn every_error_arrives_as_it_was() {
    for content in contents() {
        if let Content::Refused(refused) = content {
            assert_eq!(Refused::from(SfuError::from(refused.clone())), refused);
        }
    }
}

#[test]
fn fields_of_a_newer_version_are_passed_over_and_those_of_an_older_one_have_a_default() {
    let older = br#"{"v":1,"from":{"node":"a","incarnation":1},"content":{"call":{"attach":{"room":"00000000000000000000000001","participant":"0000000000001","token":"t","stream":1}}}}"#;
    let read = Envelope::decode(older).unwrap();
    let Content::Call(Ask::Attach(attach)) = &read.content else {
        panic!("{read:?}")
    };
    assert_eq!((read.deadline_ms, attach.peer), (None, None));
    for place in ["", "/from", "/content/call/attach"] {
        let mut newer: Value = serde_json::from_slice(older).unwrap();
        let object = newer.pointer_mut(place).unwrap().as_object_mut().unwrap();
        object.insert("of_a_newer_version".into(), serde_json::json!([{"x": 1}]));
        assert_eq!(Envelope::decode(newer.to_string().as_bytes()).as_ref(), Ok(&read));
    }
}

#[test]
fn a_newer_format_an_unknown_variant_and_cut_bytes_are_told_apart() {
    let refused = Envelope::decode(br#"{"content":[],"v":2}"#);
    assert_eq!(refused, Err(WireError::Version { found: 2, known: 1 }));
    for line in GOLDEN.lines() {
        let mut newer: Value = serde_json::from_str(line).unwrap();
        newer["content"] = serde_json::json!({"of_a_newer_version": newer["content"]});
        let refused = Envelope::decode(newer.to_string().as_bytes());
        assert!(
            matches!(refused, Err(WireError::NotUnderstood { .. })),
            "{refused:?}"
        );
        let cut = Envelope::decode(&line.as_bytes()[..line.len() - 1]);
        assert!(matches!(cut, Err(WireError::Malformed { .. })), "{cut:?}");
    }
}

#[test]
fn the_longest_description_fits_and_what_is_too_large_is_refused_unread_and_never_sent() {
    let offer = |sdp: String| {
        let (r#gen, tracks) = (1, Vec::new());
        let offer = Offer { r#gen, sdp, tracks };
        envelope(Content::Call(Ask::Offer {
            peer: PeerId(1),
            offer,
        }))
    };
    assert!(offer("\n".repeat(512 * 1024)).encode().is_ok());
    let refused = offer("x".repeat(ENVELOPE_BYTES)).encode();
    assert!(matches!(refused, Err(WireError::TooLarge { .. })), "{refused:?}");
    let bytes = ENVELOPE_BYTES + 1;
    let too_large = WireError::TooLarge { bytes };
    assert_eq!(Envelope::decode(&vec![b'{'; bytes]), Err(too_large));
}

#[test]
fn secrets_travel_and_are_never_shown() {
    let mut travelled = 0;
    for content in contents() {
        let envelope = envelope(content);
        let (text, shown) = (envelope.encode().unwrap(), format!("{envelope:?}"));
        travelled += usize::from(String::from_utf8(text).unwrap().contains(SECRET));
        assert!(!shown.contains(SECRET), "{shown}");
    }
    assert_eq!(travelled, 4);
}
