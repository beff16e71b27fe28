//! The commit pipeline against a store that delays, forgets, repeats and refuses: whatever it does, answers and events come once, in
//! order, and only for what is durable.

#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use proptest::prelude::*;
use videorooms_domain::{
    Actor, Command, Epoch, Join, NodeIncarnation, ParticipantId, Position, Record, Request, Role, Room,
    RoomId, SecretHash, Seq, Settings, Timestamp,
};
use videorooms_rooms::pipeline::{MAX_PENDING, Outcome, Output, Pipeline, Refusal, SinceSnapshot};
use videorooms_store::{Commit, Verdict};

const EPOCH: Epoch = Epoch(7);
const NOW: Timestamp = Timestamp(1_000_000);

/// What happens next to the pipeline.
#[derive(Debug, Clone)]
enum Step {
    Chat {
        by: u64,
        id: u8,
    },
    Refused,
    /// What waits goes to the store, if nothing is there already.
    Send,
    /// The batch with the store gets this fate.
    Resolve(Fate),
}

#[derive(Debug, Clone, Copy)]
enum Fate {
    Committed,
    /// The store did it, but the answer was lost.
    DoneButUnknown,
    /// The store did `n` of the batch and said so, the rest is unknown and was not done.
    PartlyDone(usize),
    /// The store did `n` of the batch, but the answer was lost.
    PartlyDoneButUnknown(usize),
    Lost,
    /// After `n` of the batch someone else owned the room.
    Deposed(usize),
    /// After `n` of the batch the store was in another life, or settled in it.
    StoreChanged(usize),
    /// After `n` of the batch the log was not where the room left it.
    Behind(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let some = || 0usize..4;
    let fate = prop_oneof![
        40 => Just(Fate::Committed),
        10 => Just(Fate::DoneButUnknown),
        10 => some().prop_map(Fate::PartlyDone),
        10 => some().prop_map(Fate::PartlyDoneButUnknown),
        10 => Just(Fate::Lost),
        10 => some().prop_map(Fate::StoreChanged),
        1 => some().prop_map(Fate::Deposed),
        1 => some().prop_map(Fate::Behind),
    ];
    let step = prop_oneof![
        5 => (1u64..4, 0u8..6).prop_map(|(by, id)| Step::Chat { by, id }),
        1 => Just(Step::Refused),
        3 => Just(Step::Send),
        3 => fate.prop_map(Step::Resolve),
    ];
    prop::collection::vec(step, 1..160)
}

/// The store as the port promises it: a log, and the same commit again is the same commit.
#[derive(Default)]
struct ModelStore {
    log: Vec<Commit>,
    last: Seq,
}

impl ModelStore {
    fn commit(&mut self, commit: &Commit) -> Verdict {
        if self.log.iter().any(|done| done == commit) {
            return Verdict::Committed;
        }
        assert_eq!(
            commit.expect, self.last,
            "the pipeline sends each room's commits in order"
        );
        self.last = commit.last;
        self.log.push(commit.clone());
        Verdict::Committed
    }
}

struct Harness {
    pipeline: Pipeline<usize>,
    store: ModelStore,
    on_its_way: Option<Vec<Commit>>,
    submitted: usize,
    answered: Vec<(usize, Outcome)>,
    said: Vec<Record>,
    /// The batch is to be sent again.
    retry: bool,
    /// The last verdicts left something unknown.
    is_unknown: bool,
    /// Deposed or behind.
    is_over: bool,
    /// Those who got no answer because of that; they ask again elsewhere.
    let_go: Vec<usize>,
}

fn request(by: u64, id: Option<&str>, command: Command) -> Request {
    Request {
        by: Actor::Participant(ParticipantId(by)),
        id: id.map(|id| id.parse().unwrap()),
        command,
    }
}

fn join(by: u64) -> Request {
    let via = NodeIncarnation {
        node: "a".parse().unwrap(),
        incarnation: 1,
    };
    let (name, role, resume) = (format!("p{by}"), Role::Participant, SecretHash([by as u8; 32]));
    request(
        by,
        None,
        Command::Join(Join {
            name,
            role,
            via,
            resume,
            address: None,
        }),
    )
}

impl Harness {
    fn new() -> Self {
        let (room, record) = Room::create(RoomId(1), NOW, EPOCH, Settings::default()).unwrap();
        let last = record.last();
        let store = ModelStore {
            log: Vec::new(),
            last,
        };
        let mut harness = Self {
            pipeline: Pipeline::new(room, EPOCH, SinceSnapshot::default()),
            store,
            on_its_way: None,
            submitted: 0,
            answered: Vec::new(),
            said: Vec::new(),
            retry: false,
            is_unknown: false,
            is_over: false,
            let_go: Vec::new(),
        };
        for by in 1..4 {
            harness.submit(&join(by));
            harness.fate(Fate::Committed);
        }
        harness
    }

    fn submit(&mut self, request: &Request) {
        let waiter = self.submitted;
        self.submitted += 1;
        match self.pipeline.submit(NOW, request, waiter) {
            Ok(output) => self.take(output.into_iter().collect()),
            Err((refusal, waiter)) => {
                let expected = if self.is_over {
                    Refusal::Closed
                } else {
                    Refusal::StoreUnknown
                };
                assert_eq!(refusal, expected);
                assert!(
                    self.is_over || self.is_unknown,
                    "refused for an unknown store only while it is unknown"
                );
                self.answered.push((
                    waiter,
                    Err(videorooms_domain::Rejection::Invalid("refused at the door")),
                ));
            }
        }
    }

    fn fate(&mut self, fate: Fate) {
        self.send();
        self.resolve(fate);
    }

    fn send(&mut self) {
        if self.on_its_way.is_some() {
            assert_eq!(self.pipeline.next_batch(), None, "one batch at a time");
            return;
        }
        self.on_its_way = if std::mem::take(&mut self.retry) {
            self.pipeline.retry()
        } else {
            self.pipeline.next_batch()
        };
        assert!(!self.is_over || self.on_its_way.is_none());
    }

    fn resolve(&mut self, fate: Fate) {
        let Some(batch) = self.on_its_way.take() else {
            return;
        };
        let unknown = Verdict::Unknown {
            reason: "lost".into(),
        };
        let lost = vec![unknown; batch.len()];
        let verdicts = match fate {
            Fate::Committed => self.done(&batch, usize::MAX),
            Fate::DoneButUnknown => {
                self.done(&batch, usize::MAX);
                lost
            }
            Fate::PartlyDone(n) => self.done(&batch, n),
            Fate::PartlyDoneButUnknown(n) => {
                self.done(&batch, n);
                lost
            }
            Fate::Lost => lost,
            Fate::Deposed(n) => self.refused(&batch, n, &Verdict::Deposed { epoch: Epoch(8) }),
            Fate::StoreChanged(n) => self.refused(&batch, n, &Verdict::StoreChanged),
            Fate::Behind(n) => self.refused(&batch, n, &Verdict::Behind { stored: Seq(1) }),
        };
        self.is_unknown = false;
        let outputs = self.pipeline.resolve(verdicts);
        self.take(outputs);
    }

    fn done(&mut self, batch: &[Commit], n: usize) -> Vec<Verdict> {
        batch
            .iter()
            .take(n)
            .map(|commit| self.store.commit(commit))
            .collect()
    }

    fn refused(&mut self, batch: &[Commit], n: usize, verdict: &Verdict) -> Vec<Verdict> {
        let mut verdicts = self.done(batch, n);
        verdicts.resize(batch.len(), verdict.clone());
        verdicts
    }

    fn take(&mut self, outputs: Vec<Output<usize>>) {
        for output in outputs {
            match output {
                Output::Answer(waiter, outcome) => self.hear(waiter, outcome),
                Output::Committed { record, waiters, .. } => {
                    if let Some(before) = self.said.last() {
                        assert_eq!(
                            record.first,
                            before.last().plus(1),
                            "events are said in order, each once"
                        );
                    }
                    self.said.push(record);
                    for (waiter, outcome) in waiters {
                        self.hear(waiter, outcome);
                    }
                }
                Output::Retry => (self.retry, self.is_unknown) = (true, true),
                Output::Deposed { waiters, .. } | Output::Behind { waiters, .. } => {
                    self.is_over = true;
                    self.let_go.extend(waiters);
                }
            }
        }
    }

    fn hear(&mut self, waiter: usize, outcome: Outcome) {
        assert!(
            self.answered.iter().all(|(heard, _)| *heard != waiter),
            "everyone is answered once"
        );
        assert!(!self.let_go.contains(&waiter), "nor after it was let go");
        if let Ok(Position { seq, .. }) = outcome {
            assert!(!self.is_over, "no success once it is over");
            assert!(
                seq <= self.store.last,
                "no success is answered before it is durable"
            );
        }
        self.answered.push((waiter, outcome));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn whatever_the_store_does_answers_are_durable_single_and_complete(steps in steps()) {
        let mut harness = Harness::new();
        for step in steps {
            match step {
                Step::Chat { by, id } => {
                    let id = format!("c{id}");
                    harness.submit(&request(by, Some(&id), Command::Chat { text: format!("{by} says {id}") }));
                }
                Step::Refused => harness.submit(&request(9, None, Command::RaiseHand)),
                Step::Send => harness.send(),
                Step::Resolve(fate) => harness.resolve(fate),
            }
            prop_assert!(harness.pipeline.committed().seq() <= harness.store.last);
        }
        // The store recovers: everything that was taken is answered.
        for _ in 0..4 {
            harness.fate(Fate::Committed);
        }
        prop_assert!(harness.pipeline.is_idle());
        prop_assert_eq!(harness.answered.len() + harness.let_go.len(), harness.submitted);
        prop_assert_eq!(harness.pipeline.committed(), harness.pipeline.speculative());
        let mut again = Room::create(RoomId(1), NOW, EPOCH, Settings::default()).unwrap().0;
        for commit in &harness.store.log {
            again.fold(&videorooms_domain::decode_record(&commit.record).unwrap()).unwrap();
        }
        if harness.is_over {
            prop_assert!(again.seq() >= harness.pipeline.committed().seq(), "the log holds all that was acknowledged");
        } else {
            prop_assert_eq!(&again, harness.pipeline.committed(), "the log folds to what the room acknowledged");
        }
    }
}

#[test]
fn a_room_whose_store_changed_keeps_the_batch_and_sends_it_again() {
    let mut harness = Harness::new();
    harness.submit(&request(1, Some("x"), Command::RaiseHand));
    let batch = harness.pipeline.next_batch().unwrap();
    let outputs = harness.pipeline.resolve(vec![Verdict::StoreChanged]);
    assert_eq!(outputs, vec![Output::Retry]);
    let refused = harness
        .pipeline
        .submit(NOW, &request(2, None, Command::RaiseHand), 99);
    assert_eq!(refused, Err((Refusal::StoreUnknown, 99)));
    assert_eq!(harness.pipeline.retry(), Some(batch));
}

#[test]
fn a_deposed_room_answers_nobody_with_success_and_takes_nothing_more() {
    let mut harness = Harness::new();
    harness.submit(&request(1, Some("x"), Command::RaiseHand));
    harness.pipeline.next_batch().unwrap();
    let outputs = harness
        .pipeline
        .resolve(vec![Verdict::Deposed { epoch: Epoch(8) }]);
    assert_eq!(
        outputs,
        vec![Output::Deposed {
            epoch: Epoch(8),
            waiters: vec![3]
        }]
    );
    let refused = harness
        .pipeline
        .submit(NOW, &request(2, None, Command::RaiseHand), 99);
    assert_eq!(refused, Err((Refusal::Closed, 99)));
}

#[test]
fn a_refusal_that_rests_on_pending_state_waits_for_it() {
    let mut harness = Harness::new();
    let lower = |by| {
        request(
            by,
            None,
            Command::LowerHand {
                participant: ParticipantId(2),
            },
        )
    };
    harness.submit(&request(1, None, Command::Leave));
    let before = harness.answered.len();
    harness.submit(&lower(1));
    assert_eq!(
        harness.answered.len(),
        before,
        "that the member left is not durable yet"
    );
    harness.fate(Fate::Committed);
    assert_eq!(harness.answered.len(), before + 2);
}

#[test]
fn the_number_of_those_who_wait_is_bounded_though_they_change_nothing() {
    let mut harness = Harness::new();
    harness.submit(&request(1, Some("x"), Command::RaiseHand));
    for _ in 1..MAX_PENDING {
        harness.submit(&request(9, None, Command::RaiseHand));
    }
    let refused = harness
        .pipeline
        .submit(NOW, &request(9, None, Command::RaiseHand), 9999);
    assert_eq!(refused, Err((Refusal::Full, 9999)));
    harness.fate(Fate::Committed);
    assert_eq!(harness.answered.len(), 3 + MAX_PENDING);
    harness.submit(&request(2, None, Command::RaiseHand));
    harness.fate(Fate::Committed);
    assert_eq!(harness.answered.len(), 4 + MAX_PENDING);
}

#[test]
fn the_number_of_pending_transitions_is_bounded() {
    let mut harness = Harness::new();
    for n in 0..MAX_PENDING {
        let id = format!("n{n}");
        harness.submit(&request(1, Some(&id), Command::Chat { text: id.clone() }));
    }
    let refused = harness
        .pipeline
        .submit(NOW, &request(1, None, Command::RaiseHand), 9999);
    assert_eq!(refused, Err((Refusal::Full, 9999)));
}
