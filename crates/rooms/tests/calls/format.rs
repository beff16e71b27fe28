//! The form on the wire: fixed bytes, the same after a round trip, readable across versions.

use proptest::prelude::*;
use serde_json::Value;
use videorooms_domain::{Command, Epoch, Event, Note, Rejection, Signal};
use videorooms_rooms::calls::{Answer, Ask, Content, ENVELOPE_BYTES, Envelope, Tell, WireError};
use videorooms_rooms::{Body, CloseReason, Credential, History, RoomsError};

use crate::any;
use crate::examples::{contents, here};
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
        ("/content/call/ask", wire::variants::<Ask>()),
        (
            "/content/call/ask/attach/credential",
            wire::variants::<Credential>(),
        ),
        ("/content/call/ask/execute/command", wire::variants::<Command>()),
        ("/content/cast/tell", wire::variants::<Tell>()),
        ("/content/cast/tell/signal", wire::variants::<Signal>()),
        ("/content/answer", wire::variants::<Answer>()),
        ("/content/answer/attach/history", wire::variants::<History>()),
        ("/content/refused", wire::variants::<RoomsError>()),
        ("/content/refused/rejected", wire::variants::<Rejection>()),
        ("/content/publication/body", wire::variants::<Body>()),
        (
            "/content/publication/body/durable/event",
            wire::variants::<Event>(),
        ),
        ("/content/publication/body/ephemeral", wire::variants::<Note>()),
        (
            "/content/publication/body/closed/why",
            wire::variants::<CloseReason>(),
        ),
    ] {
        assert!(variants.len() > 1, "{path}");
        assert_eq!(wire::shown(GOLDEN, path), variants, "{path}");
    }
}

proptest! {
    #[test]
    fn whatever_is_sent_arrives_as_it_was(envelope in any::envelope()) {
        let bytes = envelope.encode().unwrap();
        prop_assert_eq!(Envelope::decode(&bytes), Ok(envelope));
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes: Vec<u8>) {
        prop_assert!(Envelope::decode(&bytes).is_err());
    }
}

#[test]
fn fields_that_an_older_program_does_not_write_have_a_default_and_those_of_a_newer_one_are_passed_over() {
    let older = br#"{"v":1,"from":{"node":"a","incarnation":1},"content":{"call":{"room":"00000000000000000000000001","ask":{"snapshot":{"participant":"0000000000001"}}}}}"#;
    let read = Envelope::decode(older).unwrap();
    let Content::Call(call) = &read.content else {
        panic!("{read:?}")
    };
    assert_eq!((read.deadline_ms, call.epoch), (None, Epoch(0)));

    for place in ["", "/from", "/content/call", "/content/call/ask/snapshot"] {
        let mut newer: Value = serde_json::from_slice(older).unwrap();
        let object = newer.pointer_mut(place).unwrap().as_object_mut().unwrap();
        object.insert("of_a_newer_version".into(), serde_json::json!([{"x": 1}]));
        assert_eq!(Envelope::decode(newer.to_string().as_bytes()).as_ref(), Ok(&read));
    }
}

#[test]
fn a_newer_format_is_refused_before_anything_else_is_understood() {
    for found in [0, 2, u16::MAX] {
        let bytes = format!(r#"{{"content":[],"v":{found}}}"#);
        let refused = Envelope::decode(bytes.as_bytes());
        assert_eq!(refused, Err(WireError::Version { found, known: 1 }));
    }
}

#[test]
fn a_variant_that_is_not_known_is_not_understood_and_cut_bytes_are_malformed() {
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
    let ask = GOLDEN
        .lines()
        .next()
        .unwrap()
        .replacen("\"create\"", "\"dissolve\"", 1);
    let refused = Envelope::decode(ask.as_bytes());
    assert!(
        matches!(refused, Err(WireError::NotUnderstood { .. })),
        "{refused:?}"
    );
}

#[test]
fn what_is_too_large_is_refused_unread_and_never_sent() {
    let bytes = ENVELOPE_BYTES + 1;
    let too_large = WireError::TooLarge { bytes };
    assert_eq!(Envelope::decode(&vec![b'{'; bytes]), Err(too_large));
    let limit = Envelope::decode(&vec![b'{'; ENVELOPE_BYTES]);
    assert!(matches!(limit, Err(WireError::Malformed { .. })), "{limit:?}");
    let reason = "x".repeat(ENVELOPE_BYTES).into();
    let error = RoomsError::Unavailable {
        reason,
        retry_after_ms: 1,
    };
    let refused = envelope(Content::Refused(error)).encode();
    assert!(matches!(refused, Err(WireError::TooLarge { .. })), "{refused:?}");
}

#[test]
fn secrets_travel_and_are_never_shown() {
    let mut travelled = (false, false);
    for content in contents() {
        let envelope = envelope(content);
        let (text, shown) = (envelope.encode().unwrap(), format!("{envelope:?}"));
        let text = String::from_utf8(text).unwrap();
        travelled.0 |= text.contains("7,7,7,7");
        travelled.1 |= text.contains("$argon2id$");
        assert!(
            !shown.contains("7, 7, 7") && !shown.contains("argon2id"),
            "{shown}"
        );
        // An error says where and not what.
        let bad = text
            .replace("[7,7,7,7", "[7,7,7,777")
            .replace("\"$argon2id", "1,\"$argon2id");
        if bad != text {
            let error = Envelope::decode(bad.as_bytes()).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("777") && !error.to_string().contains("argon"));
        }
    }
    assert_eq!(travelled, (true, true));
}
