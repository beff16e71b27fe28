//! What holds of every kind of envelope: fixed bytes, none left out, and no input that makes the reader panic.

use std::collections::BTreeSet;
use std::hash::{BuildHasher as _, RandomState};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use arbitrary::{Arbitrary, Unstructured};
use serde::de::DeserializeOwned;
use serde_json::Value;
use videorooms_rooms::calls::codec::{Envelope, Payload};
use videorooms_tests::{Change, Random};

const TRIALS: usize = 20_000;
const TIME: Duration = Duration::from_millis(500);

/// Pieces that mean something somewhere.
const WORDS: [&str; 12] = [
    "null",
    "{",
    "}",
    "[",
    "]",
    "\"v\":1,",
    "\\ud800",
    "1e999",
    "-1",
    "18446744073709551616",
    "\"content\":",
    "\u{feff}",
];

/// Each envelope has the bytes of its line, and reads back from it.
pub(crate) fn has_the_bytes<P>(envelopes: &[Envelope<P>], golden: &str)
where
    P: Payload + PartialEq + std::fmt::Debug,
{
    let written: Vec<_> = envelopes
        .iter()
        .map(|envelope| String::from_utf8(envelope.encode().unwrap()).unwrap())
        .collect();
    for (line, (written, golden)) in written.iter().zip(golden.lines()).enumerate() {
        assert_eq!(written, golden, "line {}", line + 1);
    }
    assert_eq!(written.len(), golden.lines().count(), "{}", written.join("\n"));
    for (envelope, golden) in envelopes.iter().zip(golden.lines()) {
        assert_eq!(Envelope::decode(golden.as_bytes()).as_ref(), Ok(envelope));
    }
}

/// Names of all variants, as the derived reader lists them when it meets one that it does not know.
pub(crate) fn variants<T: DeserializeOwned + std::fmt::Debug>() -> BTreeSet<String> {
    let error = serde_json::from_str::<T>(r#"{"no such":0}"#)
        .unwrap_err()
        .to_string();
    let (_, list) = error
        .split_once("expected")
        .expect("the variants that are expected");
    list.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Names of variants that stand in the golden lines below `path`.
pub(crate) fn shown(golden: &str, path: &str) -> BTreeSet<String> {
    let values = golden
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    values
        .filter_map(|value| match value.pointer(path)? {
            Value::String(name) => Some(name.clone()),
            Value::Object(fields) => fields.keys().next().cloned(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => None,
        })
        .collect()
}

/// The golden lines, changed by `arbitrary`'s reading of pseudo-random bytes: first so many trials from a fixed seed, then from a fresh one, which
/// `name` tells from others, for half a second. No input may panic; what is read is written and read back the same.
pub(crate) fn survives_changes<P>(golden: &str, name: &str)
where
    P: Payload + PartialEq + std::fmt::Debug,
{
    let judge = |input: &[u8]| {
        let Ok(read) = Envelope::<P>::decode(input) else {
            return false;
        };
        let again = Envelope::decode(&read.encode().unwrap());
        assert_eq!(again, Ok(read));
        true
    };
    let examples: Vec<_> = golden.lines().map(str::as_bytes).collect();
    let mut read = 0;
    let mut run = |seed: u64, go_on: &dyn Fn(usize) -> bool| {
        let mut random = Random::new(seed);
        for _ in (0..).take_while(|trial| go_on(*trial)) {
            let mut input = examples[random.next_u64() as usize % examples.len()].to_vec();
            let noise = random.bytes::<64>();
            let mut noise = Unstructured::new(&noise);
            for _ in 0..=random.next_u64() % 3 {
                if let Ok(change) = Change::arbitrary(&mut noise) {
                    change.apply(&mut input, &WORDS);
                }
            }
            let judged = catch_unwind(AssertUnwindSafe(|| judge(&input)));
            let is_read =
                judged.unwrap_or_else(|_| panic!("seed {seed:#x}: {:?}", String::from_utf8_lossy(&input)));
            read += usize::from(is_read);
        }
    };
    run(0x5EED, &|trial| trial < TRIALS);
    let until = Instant::now() + TIME;
    run(RandomState::new().hash_one(name), &|_| Instant::now() < until);
    assert!(
        read > TRIALS / 100,
        "{read} changed envelopes were read: too few to try anything"
    );
}
