//! Rooms under random histories, durable and ephemeral, against a naive reference: same verdicts, same state, and after every step all numbered
//! invariants of the crate. Histories hold hostile values, repeated command ids, jumps of time and restarts.

#![expect(clippy::unwrap_used, reason = "a test fails by it")]

#[path = "model/invariants.rs"]
mod invariants;
#[path = "model/live_reference.rs"]
mod live_reference;
#[path = "model/reference.rs"]
mod reference;
#[path = "model/steps.rs"]
mod steps;

use std::collections::BTreeSet;

use live_reference::LiveReference;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use reference::Reference;
use steps::{Step, node, steps};
use videorooms_domain::{
    Actor, Command, ConnectionState, EndReason, Epoch, Event, Grace, Live, NodeIncarnation, ParticipantId,
    Rejection, Request, Role, Room, RoomId, SecretHash, Settings, Timestamp,
};

/// The room, its reference, and a log from which it must be possible to start again.
struct World {
    now: Timestamp,
    here: NodeIncarnation,
    room: Room,
    live: Live,
    reference: Reference,
    live_reference: LiveReference,
    replica: Room,
    seen: BTreeSet<String>,
}

impl World {
    fn new() -> Self {
        let (now, here) = (Timestamp(1_000_000_000_000), node("a", 1));
        let settings = Settings {
            participant_limit: 6,
            ..Settings::default()
        };
        let (room, record) = Room::create(RoomId(1), now, Epoch(1), settings.clone()).unwrap();
        let mut replica = Room::new(RoomId(1));
        replica.fold(&record).unwrap();
        let live = Live::load(&room, now, &here, Grace::default());
        let reference = Reference {
            settings,
            changed_at: now,
            ..Reference::default()
        };
        let (live_reference, seen) = (LiveReference::default(), BTreeSet::new());
        Self {
            now,
            here,
            room,
            live,
            reference,
            live_reference,
            replica,
            seen,
        }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Command(request) => self.command(request),
            Step::Signal(signal) => {
                let before = self.live.clone();
                let decided = self.live.apply(&self.room, self.now, signal);
                let accepted = self.live_reference.apply(&self.reference, self.now, signal);
                assert_eq!(decided.is_ok(), accepted, "{decided:?}");
                assert!(accepted || self.live == before, "I2: a refusal changes nothing");
                invariants::check_notes(&before, &decided.unwrap_or_default(), &self.live, &everyone());
            }
            Step::Wait(ms) => {
                self.now.0 += ms;
                self.due();
            }
            Step::Restart => self.restart(),
        }
        self.compare();
    }

    fn command(&mut self, request: &Request) {
        let epoch = Epoch(self.here.incarnation);
        let before = self.room.clone();
        let verdict = self.room.apply(self.now, epoch, request);
        if let Some(position) = self.known(request) {
            let transition = verdict.unwrap();
            assert_eq!(
                (transition.record, transition.answer),
                (None, position),
                "I9: the first answer again"
            );
            assert_eq!(self.room, before, "I9: done once");
            return;
        }
        let reference_before = self.reference.clone();
        let expected = self.reference.apply(self.now, request);
        match (verdict, expected) {
            (Err(rejection), Err(expected)) => {
                assert_eq!(rejection.code(), expected.code());
                assert_eq!(self.room, before, "I2: a refusal changes nothing");
            }
            (Ok(transition), Ok(changed)) => {
                assert_eq!(transition.answer, self.room.position());
                assert_eq!(
                    transition.record.is_some(),
                    changed,
                    "I2: a record if and only if something changes"
                );
                let Some(record) = transition.record else {
                    return assert_eq!(self.room, before, "I2");
                };
                invariants::check_transition(&before, &record, &self.room);
                self.replica.fold(&record).unwrap();
                for event in &record.events {
                    self.seen.insert(kind(event));
                    self.live.observe(&self.room, self.now, event);
                }
                self.live_reference
                    .observe(&reference_before, &self.reference, self.now);
                if let (Actor::Participant(by), Some(id)) = (request.by, &request.id) {
                    self.reference.done.push((by, id.clone(), transition.answer));
                }
            }
            (verdict, expected) => panic!("{verdict:?} where {expected:?} was expected"),
        }
    }

    fn known(&self, request: &Request) -> Option<videorooms_domain::Position> {
        let (Actor::Participant(by), Some(id)) = (request.by, &request.id) else {
            return None;
        };
        let done = self
            .reference
            .done
            .iter()
            .find(|(who, known, _)| *who == by && known == id);
        done.map(|(.., position)| *position)
    }

    fn due(&mut self) {
        let requests = self.live.due(&self.room, self.now);
        let (expire, end) = self.live_reference.due(&self.reference, self.now);
        let mut expected: Vec<_> = expire
            .into_iter()
            .map(|participant| Command::Expire { participant })
            .collect();
        expected.extend(end.then_some(Command::End {
            reason: EndReason::Empty,
        }));
        let commands: Vec<_> = requests.iter().map(|request| request.command.clone()).collect();
        assert_eq!(commands, expected);
        invariants::check_not_hot(&mut self.live, &self.room, self.now);
        for request in &requests {
            self.command(request);
        }
    }

    fn restart(&mut self) {
        self.here.incarnation += 1;
        self.room = Room::from_snapshot(&self.room.to_snapshot()).unwrap();
        self.live = Live::load(&self.room, self.now, &self.here, Grace::default());
        let since: Vec<_> = self
            .room
            .waiting()
            .map(|waiting| (waiting.participant_id, waiting.since))
            .collect();
        self.live_reference = LiveReference::load(&self.reference, self.now, &self.here, &since);
    }

    fn compare(&self) {
        let (room, reference) = (&self.room, &self.reference);
        assert_eq!(&self.replica, room, "I3: a replica that read the log is the same");
        assert_eq!(
            (room.settings(), room.ended()),
            (&reference.settings, reference.ended)
        );
        assert_eq!(
            (room.media_node(), room.changed_at()),
            (reference.media_node.as_ref(), reference.changed_at)
        );
        let members = |room: &Room| -> Vec<_> {
            let tuple = |m: &videorooms_domain::Member| {
                (
                    m.participant,
                    m.name.clone(),
                    m.role,
                    m.rights,
                    m.muted,
                    m.via.clone(),
                    m.address.clone(),
                )
            };
            room.members().map(tuple).collect()
        };
        let tuple = |m: &reference::Member| {
            (
                m.id,
                m.name.clone(),
                m.role,
                m.rights,
                m.muted,
                m.via.clone(),
                m.address.clone(),
            )
        };
        assert_eq!(
            members(room),
            reference.members.iter().map(tuple).collect::<Vec<_>>()
        );
        let waiting: Vec<_> = room
            .waiting()
            .map(|waiting| (waiting.participant_id, waiting.name.clone()))
            .collect();
        assert_eq!(waiting, reference.waiting);
        self.compare_snapshot();
        self.compare_secrets();
        self.compare_live();
        invariants::check(room, &self.live, &everyone());
    }

    fn compare_snapshot(&self) {
        let reference = &self.reference;
        for viewer in &reference.members {
            let snapshot = self.room.snapshot_for(viewer.id, &self.live);
            assert_eq!(snapshot.hands, reference.hands);
            let chat: Vec<_> = snapshot
                .chat
                .iter()
                .map(|line| (line.from, line.text.clone(), line.at))
                .collect();
            assert_eq!(chat, reference.chat);
            let banned: Vec<_> = snapshot
                .banned
                .iter()
                .map(|banned| banned.participant_id)
                .collect();
            let moderates = viewer.role >= Role::Moderator;
            let expected: Vec<_> = reference
                .banned
                .iter()
                .map(|(id, _)| *id)
                .filter(|_| moderates)
                .collect();
            assert_eq!(
                (banned, snapshot.lobby.is_empty()),
                (expected, !moderates || reference.waiting.is_empty())
            );
        }
    }

    fn compare_secrets(&self) {
        let code = |verified: Result<(), Rejection>| verified.map_err(Rejection::code);
        for id in everyone() {
            for secret in (0..4).map(|n| SecretHash([n; 32])) {
                assert_eq!(
                    code(self.room.verify_resume(id, &secret)),
                    code(self.reference.verify(id, &secret)),
                    "I15"
                );
            }
        }
    }

    fn compare_live(&self) {
        let (live, reference) = (&self.live, &self.live_reference);
        for id in everyone() {
            assert_eq!(
                live.connection(id) == ConnectionState::Connected,
                reference.is_there(id)
            );
            assert_eq!(live.media(id), reference.media_of(id));
        }
        assert_eq!(live.connected(), reference.sockets.len());
        assert_eq!(live.next_deadline(), reference.next_deadline(&self.reference));
    }
}

fn everyone() -> Vec<ParticipantId> {
    (0..9).map(ParticipantId).collect()
}

/// The first word of the event as `Debug` writes it.
fn kind(event: &Event) -> String {
    let text = format!("{event:?}");
    text.split([' ', '{']).next().unwrap_or_default().to_owned()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_room_does_what_the_reference_does_and_keeps_its_invariants(steps in steps()) {
        let mut world = World::new();
        for step in &steps {
            world.step(step);
        }
    }
}

#[test]
fn the_histories_reach_every_kind_of_event() {
    let mut runner = TestRunner::deterministic();
    let mut seen = BTreeSet::new();
    for _ in 0..160 {
        let mut world = World::new();
        for step in steps().new_tree(&mut runner).unwrap().current() {
            world.step(&step);
        }
        seen.append(&mut world.seen);
    }
    let all_but_created = 19;
    assert_eq!(seen.len(), all_but_created, "{seen:?}");
}
