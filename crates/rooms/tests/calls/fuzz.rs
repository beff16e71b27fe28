//! Fuzzing on stable, as in `crates/protocol/tests/fuzz.rs`: the golden lines, changed by `arbitrary`'s reading of pseudo-random bytes. First so
//! many trials from a fixed seed, then from a fresh one for half a second. No input may panic; what is read is written and read back the same.

use std::hash::{BuildHasher as _, RandomState};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use arbitrary::{Arbitrary, Unstructured};
use videorooms_rooms::calls::Envelope;

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

/// A change of one place.
#[derive(Debug, Arbitrary)]
enum Change {
    Put(u16, u8),
    Set(u16, u8),
    Word(u16, u8),
    Copy(u16, u16, u8),
    Cut(u16, u8),
    Truncate(u16),
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let place = |at: u16| usize::from(at) % (bytes.len() + 1);
        let span = |at: u16, length: u8| place(at)..(place(at) + usize::from(length)).min(bytes.len());
        match *self {
            Self::Put(at, byte) => bytes.insert(place(at), byte),
            Self::Set(at, byte) => {
                let at = place(at);
                if let Some(place) = bytes.get_mut(at) {
                    *place = byte;
                }
            }
            Self::Word(at, which) => {
                let (at, word) = (place(at), WORDS[usize::from(which) % WORDS.len()]);
                drop(bytes.splice(at..at, word.bytes()));
            }
            Self::Copy(from, to, length) => {
                let (piece, to) = (bytes[span(from, length)].to_vec(), place(to));
                drop(bytes.splice(to..to, piece));
            }
            Self::Cut(at, length) => drop(bytes.drain(span(at, length))),
            Self::Truncate(at) => bytes.truncate(place(at)),
        }
    }
}

/// xorshift64*.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }
}

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
        let mut random = Random(seed | 1);
        for _ in (0..).take_while(|trial| go_on(*trial)) {
            let mut input = examples[random.next() as usize % examples.len()].to_vec();
            let noise: [u8; 64] = std::array::from_fn(|_| random.next().to_le_bytes()[7]);
            let mut noise = Unstructured::new(&noise);
            for _ in 0..=random.next() % 3 {
                if let Ok(change) = Change::arbitrary(&mut noise) {
                    change.apply(&mut input);
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
    run(RandomState::new().hash_one("envelope"), &|_| {
        Instant::now() < until
    });
    assert!(
        read > TRIALS / 100,
        "{read} changed envelopes were read: too few to try anything"
    );
}
