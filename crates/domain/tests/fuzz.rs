//! Any bytes are a history of a room, and none makes it panic or break an invariant; any bytes may stand in the log, and none makes a reader
//! panic. The corpus holds histories that together reach every kind of event and nearly every refusal; after a change of the language write it anew:
//! `VIDEOROOMS_WRITE_CORPUS=1 cargo test -p videorooms-domain --test fuzz corpus`.

#![expect(clippy::unwrap_used, reason = "a test fails by it")]

#[path = "fuzz/input.rs"]
mod input;
#[path = "model/invariants.rs"]
mod invariants;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use input::{Step, request, steps};
use videorooms_domain::{
    Epoch, Grace, Live, NodeIncarnation, ParticipantId, Record, Request, Room, RoomId, Settings, Timestamp,
    decode_record, encode_record,
};

/// Pseudo-random histories of every run, the same each time.
const HISTORIES: u64 = 3000;
/// Longest history, in bytes: a few dozen steps.
const LONGEST: u64 = 600;
/// How long new histories are tried besides.
const BOX: Duration = Duration::from_secs(2);

/// A room under a history, and what it did.
struct World {
    now: Timestamp,
    here: NodeIncarnation,
    room: Room,
    live: Live,
    last: (Room, Record),
    reached: BTreeSet<String>,
}

impl World {
    fn new() -> Self {
        let (now, here) = (
            Timestamp(1_000_000_000_000),
            NodeIncarnation {
                node: "a".parse().unwrap(),
                incarnation: 1,
            },
        );
        let (room, record) = Room::create(RoomId(1), now, Epoch(1), Settings::default()).unwrap();
        let live = Live::load(&room, now, &here, Grace::default());
        Self {
            now,
            here,
            room,
            live,
            last: (Room::new(RoomId(1)), record),
            reached: BTreeSet::new(),
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Command(by, id, order) => self.command(&request(by, id, order)),
            Step::Signal(cry) => {
                let before = self.live.clone();
                match self.live.apply(&self.room, self.now, &cry.signal()) {
                    Ok(notes) => invariants::check_notes(&before, &notes, &self.live, &everyone()),
                    Err(_) => assert_eq!(self.live, before, "I2: a refusal changes nothing"),
                }
            }
            Step::Wait(tenths) => {
                self.now.0 += u64::from(tenths) * 100;
                for request in self.live.due(&self.room, self.now) {
                    self.command(&request);
                }
                invariants::check_not_hot(&mut self.live, &self.room, self.now);
            }
            Step::Restart => {
                self.here.incarnation += 1;
                self.room = Room::from_snapshot(&self.room.to_snapshot()).unwrap();
                self.live = Live::load(&self.room, self.now, &self.here, Grace::default());
            }
            Step::Damage(places) => {
                let (before, record) = &self.last;
                let mut bytes = encode_record(record);
                for (place, value) in places {
                    let place = usize::from(place) % bytes.len();
                    bytes[place] = value;
                }
                read(&bytes, before);
            }
            Step::Read(bytes) => read(&bytes, &self.room),
        }
        invariants::check(&self.room, &self.live, &everyone());
    }

    fn command(&mut self, request: &Request) {
        let before = self.room.clone();
        let record = match self.room.apply(self.now, Epoch(self.here.incarnation), request) {
            Err(rejection) => {
                self.reached.insert(format!("refused: {}", rejection.code()));
                return assert_eq!(self.room, before, "I2: a refusal changes nothing");
            }
            Ok(transition) => match transition.record {
                None => return assert_eq!(self.room, before, "I2: nothing to say, nothing done"),
                Some(record) => {
                    assert_eq!(transition.answer, self.room.position());
                    record
                }
            },
        };
        assert_eq!(
            decode_record(&encode_record(&record)).as_ref(),
            Ok(&record),
            "the codec loses nothing"
        );
        invariants::check_transition(&before, &record, &self.room);
        if request.id.is_some() && !matches!(request.by, videorooms_domain::Actor::System) {
            let (after, again) = (self.room.clone(), self.room.apply(self.now, Epoch(99), request));
            let again = again.expect("I9: what was done is answered again");
            assert_eq!(
                (again.record, again.answer),
                (None, after.position()),
                "I9: done once"
            );
            assert_eq!(self.room, after, "I9");
        }
        for event in &record.events {
            let text = format!("{event:?}");
            self.reached
                .insert(text.split([' ', '{']).next().unwrap_or_default().to_owned());
            self.live.observe(&self.room, self.now, event);
        }
        self.last = (before, record);
    }
}

/// Reads bytes as a node would that finds them in its store: an error or a room, never a panic.
fn read(bytes: &[u8], room: &Room) {
    if let Ok(record) = decode_record(bytes) {
        assert_eq!(
            decode_record(&encode_record(&record)),
            Ok(record.clone()),
            "what can be read can be written"
        );
        let mut room = room.clone();
        let before = room.clone();
        match room.fold(&record) {
            Ok(()) => drop(room.to_snapshot()),
            Err(_) => assert_eq!(room, before, "a record that does not fit changes nothing"),
        }
    }
    drop(Room::from_snapshot(bytes));
}

fn everyone() -> Vec<ParticipantId> {
    (0..8).map(ParticipantId).collect()
}

/// Shows the bytes of a history that failed.
struct Shown<'a>(&'a [u8]);

impl Drop for Shown<'_> {
    #[expect(clippy::print_stdout, reason = "shown with the failure")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            let hex: String = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
            println!("the history that failed, for tests/corpus: {hex}");
        }
    }
}

/// Lives through a history; answers what it reached.
fn run(bytes: &[u8]) -> BTreeSet<String> {
    let _shown = Shown(bytes);
    read(bytes, &Room::new(RoomId(1)));
    let mut world = World::new();
    for step in steps(bytes) {
        world.step(step);
    }
    // Long histories are worth keeping, too: variations of them get further.
    let length = world.room.seq().0.ilog2();
    world.reached.insert(format!("long: {length}"));
    world.reached
}

/// SplitMix64: the same bytes on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Half of them small: small bytes are early variants, few people and short texts.
    fn history(&mut self) -> Vec<u8> {
        let length = self.next() % LONGEST;
        (0..length)
            .map(|_| {
                let n = self.next();
                if n & 0x100 == 0 { n as u8 } else { n as u8 % 8 }
            })
            .collect()
    }

    /// A known history with a few bytes changed, cut or doubled.
    fn variation(&mut self, known: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = known[self.next() as usize % known.len()].clone();
        let other = &known[self.next() as usize % known.len()];
        for _ in 0..self.next() % 8 {
            let place = self.next() as usize % (bytes.len() + 1);
            match self.next() % 4 {
                0 if place < bytes.len() => bytes[place] = self.next() as u8,
                1 => bytes.truncate(place),
                2 => bytes.insert(place, self.next() as u8),
                _ => bytes.extend_from_slice(&other[place.min(other.len())..]),
            }
        }
        bytes.truncate(2 * LONGEST as usize);
        bytes
    }
}

fn corpus_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

fn corpus() -> Vec<Vec<u8>> {
    let mut files: Vec<_> = std::fs::read_dir(corpus_folder())
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

/// Picks pseudo-random histories until everything they reach is reached, and writes them.
fn write_corpus() {
    for old in std::fs::read_dir(corpus_folder()).unwrap() {
        std::fs::remove_file(old.unwrap().path()).unwrap();
    }
    let (mut random, mut all, mut kept) = (Random(0xC0), BTreeSet::new(), Vec::<Vec<u8>>::new());
    for round in 0..60_000 {
        let bytes = if round % 2 == 0 || kept.is_empty() {
            random.history()
        } else {
            random.variation(&kept)
        };
        let reached = run(&bytes);
        if !reached.is_subset(&all) {
            all.extend(reached);
            std::fs::write(corpus_folder().join(format!("{:02}.bin", kept.len())), &bytes).unwrap();
            kept.push(bytes);
        }
    }
}

#[test]
fn the_corpus_is_lived_through_and_reaches_every_kind_of_event() {
    if std::env::var_os("VIDEOROOMS_WRITE_CORPUS").is_some() {
        write_corpus();
    }
    let reached: BTreeSet<String> = corpus().iter().flat_map(|bytes| run(bytes)).collect();
    let (refused, events): (Vec<_>, Vec<_>) = reached
        .iter()
        .filter(|word| !word.starts_with("long"))
        .partition(|word| word.starts_with("refused"));
    let all_but_created = 19;
    assert_eq!(events.len(), all_but_created, "write the corpus anew: {events:?}");
    assert!(refused.len() >= 7, "write the corpus anew: {refused:?}");
}

#[test]
fn thousands_of_histories_keep_the_invariants() {
    let mut random = Random(0x5EED);
    for _ in 0..HISTORIES {
        run(&random.history());
    }
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the rules have no clock, but this test has an end"
)]
fn new_histories_keep_the_invariants_for_as_long_as_there_is_time() {
    let seed = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_nanos() as u64;
    let (mut random, known, end) = (Random(seed), corpus(), Instant::now() + BOX);
    while Instant::now() < end {
        run(&random.variation(&known));
    }
}
