//! Fuzzing on stable, as in `tests/calls/fuzz.rs`: the golden lines, changed by `arbitrary`'s reading of pseudo-random bytes. First so
//! many trials from a fixed seed, then from a fresh one for half a second. No input may panic; what is read is written and read back the same.

use std::hash::{BuildHasher as _, RandomState};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use arbitrary::{Arbitrary, Unstructured};
use videorooms_rooms::media_calls::Envelope;
use videorooms_tests::{Change, Random};

use crate::format::GOLDEN;

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

/// Whether the input was read.
fn judge(input: &[u8]) -> bool {
    let Ok(read) = Envelope::decode(input) else {
        return false;
    };
    let again = Envelope::decode(&read.encode().unwrap());
    assert_eq!(again, Ok(read));
    true
}

#[test]
fn envelopes_that_are_read_read_back_as_written_and_nothing_panics() {
    let examples: Vec<_> = GOLDEN.lines().map(str::as_bytes).collect();
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
    run(RandomState::new().hash_one("media envelope"), &|_| {
        Instant::now() < until
    });
    assert!(
        read > TRIALS / 100,
        "{read} changed envelopes were read: too few to try anything"
    );
}
