//! Arbitrary credentials: none makes the house panic, and none but the one that was given out opens anything.

use std::hash::{BuildHasher as _, RandomState};
use std::time::{Duration, Instant};

use arbitrary::{Arbitrary, Unstructured};
use videorooms_domain::{ParticipantId, Role, RoomId};
use videorooms_gateway::auth::{JoinClaims, Keys, ResumeSecret};
use videorooms_tests::Random;

/// Trials from the fixed seed, then as many as fit into the time.
const TRIALS: usize = 2_000;
const TIME: Duration = Duration::from_secs(1);

/// A change of one place of a text.
#[derive(Debug, Arbitrary)]
enum Change {
    Put(usize, char),
    Swap(usize, usize),
    Cut(usize),
    Repeat(usize),
    Flip(usize, u8),
}

/// What a stranger may show: anything, or something near to the truth.
#[derive(Debug, Arbitrary)]
enum Attempt {
    Anything(String),
    Nearly(Vec<Change>),
}

impl Attempt {
    fn of(self, truth: &str) -> String {
        let changes = match self {
            Self::Anything(text) => return text,
            Self::Nearly(changes) => changes,
        };
        let mut text: Vec<char> = truth.chars().collect();
        for change in changes {
            let length = text.len().max(1);
            match change {
                Change::Put(at, char) => text.insert(at % length, char),
                Change::Swap(a, b) if !text.is_empty() => text.swap(a % length, b % length),
                Change::Cut(at) => text.truncate(at % length),
                Change::Repeat(at) => text.extend_from_within(at % length..),
                Change::Flip(at, bits) if !text.is_empty() => {
                    text[at % length] = char::from(text[at % length] as u8 ^ (bits % 128));
                }
                Change::Swap(..) | Change::Flip(..) => {}
            }
            if text.is_empty() {
                text.push('x');
            }
        }
        text.into_iter().collect()
    }
}

fn attempts(truth: &str, judge: impl Fn(&str)) {
    let run = |seed: u64, go_on: &dyn Fn(usize) -> bool| {
        let mut random = Random::new(seed);
        for trial in (0..).take_while(|trial| go_on(*trial)) {
            let bytes = random.bytes::<256>();
            let Ok(attempt) = Attempt::arbitrary(&mut Unstructured::new(&bytes)) else {
                continue;
            };
            let attempt = attempt.of(truth);
            let judged = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| judge(&attempt)));
            assert!(judged.is_ok(), "seed {seed:#x}, trial {trial}: {attempt:?}");
        }
    };
    run(0x5EED, &|trial| trial < TRIALS);
    let until = Instant::now() + TIME;
    run(RandomState::new().hash_one("seed"), &|_| Instant::now() < until);
}

#[test]
fn no_other_text_than_the_token_verifies() {
    let keys = Keys::derive(b"a base of at least thirty-two bytes", None);
    let token = keys.join_token(&JoinClaims {
        room: RoomId(1),
        participant: ParticipantId(2),
        role: Role::Host,
        name: "Ada".into(),
    });
    assert!(keys.verify_join(&token).is_ok());
    attempts(&token, |attempt| {
        assert_eq!(keys.verify_join(attempt).is_ok(), attempt == token);
        assert!(keys.verify_operator(attempt).is_err());
    });
}

#[test]
fn no_other_text_than_the_secret_is_the_secret() {
    let secret = ResumeSecret::fresh(ParticipantId(7)).unwrap();
    let text = secret.expose();
    attempts(&text, |attempt| {
        let read = attempt.parse::<ResumeSecret>();
        let is_it =
            read.is_ok_and(|read| read.participant == secret.participant && read.hash() == secret.hash());
        assert_eq!(is_it, attempt == text);
    });
}
