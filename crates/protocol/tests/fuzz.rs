//! Fuzzing on stable: committed examples (`tests/corpus`), changed by `arbitrary`'s reading of pseudo-random bytes. First so many trials from a
//! fixed seed, the same on every machine, then from a fresh one for half a second each. A failure names its input.
//!
//! No input may panic. What is read and can be written reads back the same.

#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use std::hash::{BuildHasher as _, RandomState};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use arbitrary::{Arbitrary, Unstructured};
use serde_json::value::RawValue;
use videorooms_protocol::binary::BinaryPush;
use videorooms_protocol::frame::{self, Frame, Ref, Status};
use videorooms_protocol::room::{MediaState, RoomPush};
use videorooms_protocol::sfu::SfuPush;
use videorooms_protocol::{Topic, control};
use videorooms_tests::{Change, Random};

const TRIALS: usize = 20_000;
const TIME: Duration = Duration::from_millis(500);

/// Pieces that mean something somewhere.
const WORDS: [&str; 24] = [
    "null",
    "\"\"",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\\u0000",
    "\\ud800",
    "\"",
    "\\",
    "1e999",
    "-1",
    "18446744073709551616",
    "room:",
    "sfu:",
    "phoenix",
    "phx_join",
    "{\"text\":",
    "\u{feff}",
    "\n",
    "true",
    "\u{0}",
];

fn corpus(kind: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/corpus")
        .join(kind);
    let files = std::fs::read_dir(&folder).unwrap();
    let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{} has no examples", folder.display());
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

/// Judges every example as it stands, and then what becomes of them.
#[expect(
    clippy::disallowed_methods,
    reason = "frames have no clock, but this test has an end"
)]
fn fuzz(kind: &str, judge: impl Fn(&[u8])) {
    let examples = corpus(kind);
    let tried = |input: &[u8], origin: &str| {
        let judged = catch_unwind(AssertUnwindSafe(|| judge(input)));
        assert!(judged.is_ok(), "{origin}: {:?}", String::from_utf8_lossy(input));
    };
    for example in &examples {
        tried(example, "an example");
    }
    let run = |seed: u64, go_on: &dyn Fn(usize) -> bool| {
        let mut random = Random::new(seed);
        for _ in (0..).take_while(|trial| go_on(*trial)) {
            let mut input = examples[random.next_u64() as usize % examples.len()].clone();
            let bytes = random.bytes::<64>();
            let mut bytes = Unstructured::new(&bytes);
            for _ in 0..=random.next_u64() % 5 {
                if let Ok(change) = Change::arbitrary(&mut bytes) {
                    change.apply(&mut input, &WORDS);
                }
            }
            tried(&input, &format!("seed {seed:#x}"));
        }
    };
    run(0x5EED, &|trial| trial < TRIALS);
    let until = Instant::now() + TIME;
    run(RandomState::new().hash_one(kind), &|_| Instant::now() < until);
}

/// The same with text; what is no UTF-8 never comes to these readers.
fn fuzz_text(kind: &str, judge: impl Fn(&str)) {
    fuzz(kind, |input| judge(&String::from_utf8_lossy(input)));
}

fn same(read: &Frame<'_>, again: &Frame<'_>) {
    assert_eq!((&read.join_ref, &read.topic), (&again.join_ref, &again.topic));
}

#[test]
fn frames_read_back_as_written() {
    fuzz_text("frame", |text| {
        let Ok(read) = Frame::parse(text) else { return };
        let join_ref = read.join_ref.as_ref();
        let pushed = frame::push(join_ref, &read.topic, &read.event, read.payload);
        let again = Frame::parse(&pushed).unwrap();
        same(&read, &again);
        assert_eq!((&again.r#ref, &again.event), (&None, &read.event));
        assert_eq!(again.payload.get(), read.payload.get());
        let replied = frame::reply(
            join_ref,
            read.r#ref.as_ref(),
            &read.topic,
            Status::Ok,
            read.payload,
        );
        let again = Frame::parse(&replied).unwrap();
        same(&read, &again);
        assert_eq!((&again.r#ref, &*again.event), (&read.r#ref, control::REPLY));
        let closed = frame::phx_close(join_ref, &read.topic);
        same(&read, &Frame::parse(&closed).unwrap());
    });
}

/// The bytes of a client's push with these fields.
fn written(push: &BinaryPush<'_>) -> Vec<u8> {
    let text = |reference: &Option<Ref>| match reference {
        None => String::new(),
        Some(Ref::Text(text)) => text.to_string(),
        Some(Ref::Number(_)) => panic!("a binary frame has no numbers"),
    };
    let (join_ref, r#ref) = (text(&push.join_ref), text(&push.r#ref));
    let fields = [&*join_ref, &*r#ref, push.topic, push.event];
    let mut bytes = vec![0];
    bytes.extend(fields.iter().map(|field| u8::try_from(field.len()).unwrap()));
    fields
        .iter()
        .for_each(|field| bytes.extend_from_slice(field.as_bytes()));
    bytes.extend_from_slice(push.data);
    bytes
}

#[test]
fn binary_pushes_read_back_as_written() {
    fuzz("binary", |bytes| {
        let Ok(read) = BinaryPush::parse(bytes) else {
            return;
        };
        assert_eq!(written(&read), bytes);
    });
}

#[test]
fn topics_read_back_as_written() {
    fuzz_text("topic", |name| {
        if let Some(topic) = Topic::parse(name) {
            assert_eq!(topic.to_string(), name);
        }
    });
}

/// The two lines of an example: an event and its payload, which a frame has proved to be JSON.
fn push(text: &str) -> Option<(&str, &RawValue)> {
    let (event, payload) = text.split_once('\n')?;
    Some((event, serde_json::from_str(payload).ok()?))
}

#[test]
fn pushes_to_a_room_never_panic() {
    fuzz_text("room", |text| {
        let Some((event, payload)) = push(text) else {
            return;
        };
        match RoomPush::parse(event, payload) {
            Some(Ok(RoomPush::Data(data))) => assert_eq!(data.get(), payload.get()),
            Some(Ok(RoomPush::Media(media))) => {
                let text = serde_json::to_string(&media).unwrap();
                assert_eq!(serde_json::from_str::<MediaState>(&text).unwrap(), media);
            }
            Some(Ok(RoomPush::Durable { .. } | RoomPush::React(_) | RoomPush::Snapshot) | Err(_)) | None => {}
        }
    });
}

#[test]
fn pushes_to_media_never_panic() {
    fuzz_text("sfu", |text| {
        let Some((event, payload)) = push(text) else {
            return;
        };
        drop(SfuPush::parse(event, payload.get()));
    });
}

/// Any frame that a client could mean.
#[derive(Debug, Arbitrary)]
struct Meant {
    join_ref: Option<AnyRef>,
    r#ref: Option<AnyRef>,
    topic: String,
    event: String,
    payload: Vec<(String, Option<Result<String, i64>>)>,
}

#[derive(Debug, Arbitrary)]
enum AnyRef {
    Text(String),
    Number(u64),
}

impl AnyRef {
    fn is(&self, read: &Ref) -> bool {
        match (self, read) {
            (Self::Text(meant), Ref::Text(read)) => **meant == **read,
            (Self::Number(meant), Ref::Number(read)) => meant == read,
            (Self::Text(_), Ref::Number(_)) | (Self::Number(_), Ref::Text(_)) => false,
        }
    }

    fn json(&self) -> serde_json::Value {
        match self {
            Self::Text(text) => text.as_str().into(),
            Self::Number(number) => (*number).into(),
        }
    }
}

#[test]
fn every_frame_that_is_one_is_read_as_it_was_meant() {
    let mut random = Random::new(0x5EED);
    for _ in 0..TRIALS {
        let bytes = random.bytes::<200>();
        let meant = Meant::arbitrary(&mut Unstructured::new(&bytes)).unwrap();
        let json = |reference: &Option<AnyRef>| reference.as_ref().map(AnyRef::json);
        let field = |(name, value): &(String, Option<Result<String, i64>>)| {
            let value = value.as_ref().map(|value| match value {
                Ok(text) => serde_json::Value::from(text.as_str()),
                Err(number) => (*number).into(),
            });
            (name.clone(), value.unwrap_or_default())
        };
        let payload: serde_json::Map<_, _> = meant.payload.iter().map(field).collect();
        let refs = (json(&meant.join_ref), json(&meant.r#ref));
        let text = serde_json::to_string(&(refs.0, refs.1, &meant.topic, &meant.event, &payload)).unwrap();
        let read = Frame::parse(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        let agree = |meant: &Option<AnyRef>, read: &Option<Ref>| match (meant, read) {
            (Some(meant), Some(read)) => meant.is(read),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        assert!(agree(&meant.join_ref, &read.join_ref) && agree(&meant.r#ref, &read.r#ref));
        assert_eq!((&*read.topic, &*read.event), (&*meant.topic, &*meant.event));
        assert_eq!(read.payload.get(), serde_json::to_string(&payload).unwrap());
    }
}
