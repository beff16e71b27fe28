//! A room in the hub against a plain account of what was said: random interleavings of subscribing, attaching, publishing, changes of rank and
//! ends, after which each socket must have heard exactly what it should, in order, once.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};
use videorooms_domain::{LeaveReason, Role};

use super::*;
use crate::config::SocketConfig;
use crate::socket::wire::payload_of;

const ROOM: RoomId = RoomId(1);
const PEOPLE: u64 = 3;
const RESTART: u16 = 1012;

fn outbox() -> Arc<Outbox> {
    Outbox::unwritten(&SocketConfig {
        outbox_frames: 10_000,
        ..SocketConfig::default()
    })
}

/// What a socket was given: of each frame its event, seq and number, and `closed`.
fn heard(outbox: &Outbox) -> Vec<Value> {
    let read = |item: Item| match item {
        Item::Frame(frame) => {
            let frame: Value = serde_json::from_str(payload_of(&frame)).unwrap();
            json!([frame[3], frame[4]["seq"], frame[4]["data"]["n"]])
        }
        Item::Channel(_, Notice::Closed(_)) => json!("closed"),
        Item::Channel(_, notice) => panic!("{notice:?}"),
    };
    outbox.drain().into_iter().map(read).collect()
}

#[derive(Debug, Clone)]
enum Step {
    Subscribe {
        who: u64,
        replaces: Option<prop::sample::Index>,
    },
    /// The room answers: its position and the role are those of now.
    Attach(prop::sample::Index),
    Release(prop::sample::Index),
    Wait(prop::sample::Index),
    Unsubscribe(prop::sample::Index),
    Chat,
    Knock,
    Promote {
        who: u64,
        role: Role,
    },
    Data,
    Kick {
        who: u64,
    },
    Stale,
    NewReign,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let who = || 0..PEOPLE;
    let which = any::<prop::sample::Index>;
    let role = prop::sample::select(vec![Role::Viewer, Role::Participant, Role::Moderator]);
    let step = prop_oneof![
        3 => (who(), prop::option::of(which())).prop_map(|(who, replaces)| Step::Subscribe { who, replaces }),
        4 => which().prop_map(Step::Attach),
        4 => which().prop_map(Step::Release),
        1 => which().prop_map(Step::Wait),
        1 => which().prop_map(Step::Unsubscribe),
        3 => Just(Step::Chat),
        3 => Just(Step::Knock),
        3 => (who(), role).prop_map(|(who, role)| Step::Promote { who, role }),
        3 => Just(Step::Data),
        1 => who().prop_map(|who| Step::Kick { who }),
        1 => Just(Step::Stale),
        1 => Just(Step::NewReign),
    ];
    prop::collection::vec(step, 1..60)
}

/// One thing that was said, with what it needs to be judged later.
struct Said {
    what: What,
    /// The last durable seq that the hub knew.
    after: Option<u64>,
    roles: BTreeMap<u64, Role>,
}

enum What {
    Durable {
        seq: u64,
        event: &'static str,
        hidden: bool,
    },
    Data {
        n: u64,
    },
    Closed {
        who: u64,
    },
}

/// A socket as the account has it.
struct Socket {
    who: u64,
    connection: ConnectionId,
    outbox: Arc<Outbox>,
    replaces: bool,
    /// How much had been said when it came.
    from: usize,
    attached: Option<(u64, Role)>,
    stage: Stage,
    answered: Option<Admitted>,
    /// How much had been said when it stopped to hear.
    to: Option<usize>,
}

#[derive(Clone, Copy, PartialEq)]
enum Stage {
    Held,
    Live,
    Waiting,
    Muted,
    Gone,
}

#[derive(Clone, Copy, PartialEq)]
enum Admitted {
    Yes,
    NotYet,
}

struct World {
    entry: RoomEntry,
    epoch: u64,
    seq: u64,
    hub_epoch: u64,
    hub_last: Option<u64>,
    roles: BTreeMap<u64, Role>,
    said: Vec<Said>,
    sockets: Vec<Socket>,
    numbers: u64,
}

impl World {
    fn new() -> Self {
        Self {
            entry: RoomEntry::new(ROOM),
            epoch: 5,
            seq: 10,
            hub_epoch: 0,
            hub_last: None,
            roles: (0..PEOPLE).map(|who| (who, Role::Participant)).collect(),
            said: Vec::new(),
            sockets: Vec::new(),
            numbers: 0,
        }
    }

    fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    fn publish(&mut self, body: Body) {
        let epoch = Epoch(self.epoch);
        self.entry.publish(Publication {
            room: ROOM,
            epoch,
            body,
        });
        self.hub_epoch = self.epoch;
    }

    fn data(&mut self, n: u64, epoch: u64) {
        let (from, data) = (ParticipantId(0), json!({ "n": n }).to_string().into());
        self.entry.publish(Publication {
            room: ROOM,
            epoch: Epoch(epoch),
            body: Body::Ephemeral(Note::Data { from, data }),
        });
    }

    fn durable(&mut self, event: Event, name: &'static str, hidden: bool) {
        self.seq += 1;
        let position = Position {
            epoch: Epoch(self.epoch),
            seq: Seq(self.seq),
        };
        let at = Timestamp(1);
        self.publish(Body::Durable(Arc::new(Fact { position, at, event })));
        self.hub_last = Some(self.seq);
        let seq = self.seq;
        self.note(What::Durable {
            seq,
            event: name,
            hidden,
        });
    }

    fn note(&mut self, what: What) {
        let (after, roles) = (self.hub_last, self.roles.clone());
        self.said.push(Said { what, after, roles });
    }

    fn pick(&mut self, which: prop::sample::Index, wanted: impl Fn(&Socket) -> bool) -> Option<usize> {
        let fitting: Vec<_> = (0..self.sockets.len())
            .filter(|&n| wanted(&self.sockets[n]))
            .collect();
        (!fitting.is_empty()).then(|| fitting[which.index(fitting.len())])
    }

    fn subscribe(&mut self, who: u64, replaces: Option<prop::sample::Index>) {
        let former = replaces
            .and_then(|which| self.pick(which, |socket| socket.who == who && socket.stage == Stage::Live));
        let (connection, outbox) = (ConnectionId(self.number()), outbox());
        let replaced = former.map(|former| self.sockets[former].connection);
        self.entry
            .subscribe(ParticipantId(who), connection, Arc::clone(&outbox), replaced);
        let said = self.said.len();
        if let Some(former) = former {
            self.sockets[former].stage = Stage::Muted;
            self.sockets[former].to = Some(said);
        }
        self.sockets.push(Socket {
            who,
            connection,
            outbox,
            replaces: former.is_some(),
            from: said,
            attached: None,
            stage: Stage::Held,
            answered: None,
            to: None,
        });
    }

    fn answer(&mut self, which: prop::sample::Index, admitted: Admitted) {
        let held = |socket: &Socket| socket.stage == Stage::Held && socket.attached.is_some();
        let Some(n) = self.pick(which, held) else { return };
        let (seq, role) = self.sockets[n].attached.unwrap();
        let position = Position {
            epoch: Epoch(self.epoch),
            seq: Seq(seq),
        };
        let Socket {
            who,
            connection,
            from,
            ..
        } = self.sockets[n];
        let kicked = |said: &Said| matches!(said.what, What::Closed { who: whom } if whom == who && said.after.is_some_and(|after| after > seq));
        let end = self.said[from..].iter().position(kicked);
        let stage = match admitted {
            Admitted::Yes => {
                self.entry.release(connection, position, role);
                self.hub_last.get_or_insert(seq);
                Stage::Live
            }
            Admitted::NotYet => {
                self.entry.wait(connection, position);
                Stage::Waiting
            }
        };
        let socket = &mut self.sockets[n];
        socket.answered = Some(admitted);
        socket.stage = if end.is_some() { Stage::Gone } else { stage };
        socket.to = end.map(|end| from + end + 1);
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Subscribe { who, replaces } => self.subscribe(who, replaces),
            Step::Attach(which) => {
                let fresh = |socket: &Socket| socket.stage == Stage::Held && socket.attached.is_none();
                if let Some(n) = self.pick(which, fresh) {
                    let role = self.roles[&self.sockets[n].who];
                    self.sockets[n].attached = Some((self.seq, role));
                }
            }
            Step::Release(which) => self.answer(which, Admitted::Yes),
            Step::Wait(which) => self.answer(which, Admitted::NotYet),
            Step::Unsubscribe(which) => {
                if let Some(n) = self.pick(which, |socket| socket.stage != Stage::Gone) {
                    self.entry.unsubscribe(self.sockets[n].connection);
                    self.sockets[n].stage = Stage::Gone;
                    let said = self.said.len();
                    self.sockets[n].to.get_or_insert(said);
                }
            }
            Step::Chat => {
                let (from, name, text) = (ParticipantId(0), String::new(), "x".to_owned());
                let chat = Event::ChatPosted {
                    from,
                    name,
                    text,
                    id: None,
                };
                self.durable(chat, "chat_message", false);
            }
            Step::Knock => {
                let (participant, name, role) = (ParticipantId(9), "Eve".to_owned(), Role::Participant);
                let knock = Event::LobbyKnocked {
                    participant,
                    name,
                    role,
                };
                self.durable(knock, "lobby_knocked", true);
            }
            Step::Promote { who, role } => {
                self.roles.insert(who, role);
                let (participant, by) = (ParticipantId(who), None);
                let change = Event::RoleChanged {
                    participant,
                    role,
                    by,
                };
                self.durable(change, "role_changed", false);
            }
            Step::Data => {
                let n = self.number();
                self.data(n, self.epoch);
                self.hub_epoch = self.epoch;
                self.note(What::Data { n });
            }
            Step::Kick { who } => {
                let participant = ParticipantId(who);
                let reason = LeaveReason::Kicked;
                self.durable(Event::MemberLeft { participant, reason }, "member_left", false);
                let (participant, why) = (Some(participant), CloseReason::Left);
                self.publish(Body::Closed { participant, why });
                self.note(What::Closed { who });
                let said = self.said.len();
                for socket in &mut self.sockets {
                    let hears = matches!(socket.stage, Stage::Live | Stage::Waiting | Stage::Muted);
                    if socket.who == who && hears {
                        socket.stage = Stage::Gone;
                        socket.to.get_or_insert(said);
                    }
                }
            }
            Step::Stale => {
                let n = self.number();
                let epoch = self.epoch - 1;
                self.data(n, epoch);
                // Only a hub that has heard of a newer reign can know.
                if epoch >= self.hub_epoch {
                    self.hub_epoch = epoch;
                    self.note(What::Data { n });
                }
            }
            Step::NewReign => self.epoch += 1,
        }
    }

    /// What a socket must have heard, frame by frame.
    fn expected(&self, socket: &Socket) -> Vec<Value> {
        let (Some((position, _)), Some(admitted)) = (socket.attached, socket.answered) else {
            return Vec::new();
        };
        let is_in = admitted == Admitted::Yes;
        let to = socket.to.unwrap_or(self.said.len());
        let mut heard = Vec::new();
        for said in &self.said[socket.from..to] {
            let is_newer = said.after.is_some_and(|after| after > position);
            match said.what {
                What::Durable { seq, event, hidden } if is_in && seq > position => {
                    let role = said.roles[&socket.who];
                    let event = if hidden && !role.moderates() {
                        "hidden"
                    } else {
                        event
                    };
                    heard.push(json!([event, seq, null]));
                }
                What::Data { n } if is_in => {
                    let is_fresh = said.after.is_none_or(|after| after >= position);
                    if is_fresh || socket.replaces {
                        heard.push(json!(["data", null, n]));
                    }
                }
                What::Closed { who } if who == socket.who && is_newer => heard.push(json!("closed")),
                What::Durable { .. } | What::Data { .. } | What::Closed { .. } => {}
            }
        }
        heard
    }

    /// Whose join was answered, those in front of the door included: a knock lasts as long as its socket.
    fn answered(&self) -> Vec<(ParticipantId, ConnectionId)> {
        let answered = self
            .sockets
            .iter()
            .filter(|socket| matches!(socket.stage, Stage::Live | Stage::Muted | Stage::Waiting));
        answered
            .map(|socket| (ParticipantId(socket.who), socket.connection))
            .collect()
    }
}

proptest! {
    #[test]
    fn each_socket_hears_what_it_should_once_in_order_and_nothing_after_its_end(steps in steps()) {
        let mut world = World::new();
        for step in steps {
            world.take(step);
            prop_assert_eq!(world.entry.roll_call().connections, world.answered());
        }
        for socket in &world.sockets {
            prop_assert_eq!(heard(&socket.outbox), world.expected(socket), "{}", socket.connection.0);
        }
    }
}

#[test]
fn a_role_that_changed_while_the_join_was_under_way_counts() {
    for (before, after, event) in [
        (Role::Participant, Role::Moderator, "lobby_knocked"),
        (Role::Moderator, Role::Participant, "hidden"),
    ] {
        let mut world = World::new();
        world.roles.insert(1, before);
        world.take(Step::Subscribe {
            who: 1,
            replaces: None,
        });
        world.sockets[0].attached = Some((world.seq, before));
        world.take(Step::Promote { who: 1, role: after });
        let (connection, position) = (world.sockets[0].connection, world.seq - 1);
        let position = Position {
            epoch: Epoch(world.epoch),
            seq: Seq(position),
        };
        world.entry.release(connection, position, before);
        world.take(Step::Knock);
        let heard = heard(&world.sockets[0].outbox);
        assert_eq!(heard[0][0], "role_changed");
        assert_eq!(heard[1][0], event, "from {before:?} to {after:?}");
    }
}

#[test]
fn a_socket_for_which_too_much_is_held_back_starts_again() {
    let mut world = World::new();
    world.take(Step::Subscribe {
        who: 1,
        replaces: None,
    });
    let closing = |world: &World| world.sockets[0].outbox.closing();
    for _ in 0..1024 {
        world.take(Step::Data);
    }
    assert_eq!(closing(&world), None);
    world.take(Step::Data);
    assert_eq!(closing(&world).map(|closing| closing.code), Some(RESTART));
}

fn member(entry: &mut RoomEntry, seq: u64, event: Event) {
    let position = Position {
        epoch: Epoch(1),
        seq: Seq(seq),
    };
    let at = Timestamp(1);
    entry.publish(Publication {
        room: ROOM,
        epoch: position.epoch,
        body: Body::Durable(Arc::new(Fact { position, at, event })),
    });
}

fn joined(participant: u64, name: &str) -> Event {
    Event::MemberJoined {
        participant: ParticipantId(participant),
        name: name.to_owned(),
        role: Role::Participant,
        rights: videorooms_domain::SourceSet::ALL,
        muted: videorooms_domain::SourceSet::NONE,
        via: videorooms_domain::NodeIncarnation {
            node: "a".parse().unwrap(),
            incarnation: 1,
        },
        resume: videorooms_domain::SecretHash([0; 32]),
        former: None,
        address: None,
    }
}

fn left(participant: u64) -> Event {
    Event::MemberLeft {
        participant: ParticipantId(participant),
        reason: LeaveReason::Left,
    }
}

fn diff(entry: &mut RoomEntry) -> Option<Value> {
    let RoomEntry {
        presence, members, ..
    } = entry;
    let diff = presence.diff(members);
    diff.map(|diff| serde_json::to_value(&diff).unwrap())
}

#[test]
fn a_windows_changes_are_one_diff_and_what_was_undone_is_not_told() {
    let mut entry = RoomEntry::new(ROOM);
    member(&mut entry, 1, joined(1, "Ada"));
    member(&mut entry, 2, joined(2, "Bob"));
    assert!(entry.presence.schedule());
    member(&mut entry, 3, left(2));
    assert!(!entry.presence.schedule(), "the window is open already");
    let told = diff(&mut entry).unwrap();
    assert_eq!(told["joins"].as_object().unwrap().len(), 1);
    assert_eq!(told["leaves"], json!({}));
    member(&mut entry, 4, joined(3, "Eve"));
    member(&mut entry, 5, left(3));
    assert_eq!(diff(&mut entry), None, "nothing has changed");
}

#[test]
fn two_hubs_that_know_the_same_name_it_the_same() {
    let told = || {
        let mut entry = RoomEntry::new(ROOM);
        member(&mut entry, 1, joined(1, "Ada"));
        diff(&mut entry).unwrap()
    };
    let (first, second) = (told(), told());
    assert!(first["joins"]["0000000000001"]["metas"][0]["phx_ref"].is_string());
    assert_eq!(first, second);
}
