//! A node's worth of rooms for tests: a memory store with faults, a media server without media, and a hub that writes down what it hears.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use ractor::Actor;
use tokio::time::timeout;
use videorooms_domain::{
    Actor as By, Command, ConnectionId, Epoch, Event, NodeIncarnation, ParticipantId, Position, Request,
    Role, RoomId, SecretHash, Settings, ShardId,
};
use videorooms_rooms::calls::{Content, Envelope};
use videorooms_rooms::{
    Attach, Attached, Body, CreateRoom, Credential, Fact, MediaHost, Ownership, Publication, RollCall, Rooms,
    RoomsConfig, RoomsError, RoomsSupervisor, Subscribers,
};
use videorooms_sfu::fake::FakeProvider;
use videorooms_store::{FaultStore, Faults, MemoryStore, RoomStore};

/// No condition of these tests takes longer on any machine, and every grace and rest of a room is over by then where time is paused.
const DEADLINE: Duration = Duration::from_secs(60);

/// Whether these are the tests of `linked.rs`, whose rooms are reached through a link.
const LINKED: bool = matches!(env!("CARGO_CRATE_NAME").as_bytes(), b"linked");

/// A hub that writes down what it hears and keeps the roll as the gateway's does.
#[derive(Default)]
pub(crate) struct Recorder {
    heard: Mutex<Vec<Publication>>,
    rolls: Mutex<HashMap<RoomId, RollCall>>,
    changed: tokio::sync::Notify,
}

impl Subscribers for Recorder {
    fn publish(&self, publication: Publication) {
        if let Body::Durable(fact) = &publication.body {
            self.saw(publication.room, fact.position);
        }
        self.heard.lock().push(publication);
        self.changed.notify_waiters();
    }

    fn rooms(&self, shard: ShardId) -> Vec<RoomId> {
        let rolls = self.rolls.lock();
        rolls
            .keys()
            .filter(|room| room.shard() == shard)
            .copied()
            .collect()
    }

    fn roll_call(&self, room: RoomId) -> RollCall {
        self.rolls.lock().get(&room).cloned().unwrap_or_default()
    }
}

impl Recorder {
    /// Waits until `wanted` holds of all that was heard so far. It is given a copy: it may ask this hub.
    pub(crate) async fn until(&self, what: &str, wanted: impl Fn(&[Publication]) -> bool) {
        let wait = async {
            loop {
                let changed = self.changed.notified();
                if wanted(&self.heard()) {
                    return;
                }
                changed.await;
            }
        };
        if timeout(DEADLINE, wait).await.is_err() {
            panic!("never heard {what}; heard {:#?}", self.heard());
        }
    }

    /// Waits until this room has said `wanted` that many times.
    pub(crate) async fn until_times(
        &self,
        room: RoomId,
        times: usize,
        what: &str,
        wanted: impl Fn(&Body) -> bool,
    ) {
        let count =
            |heard: &[Publication]| heard.iter().filter(|h| h.room == room && wanted(&h.body)).count();
        self.until(what, |heard| count(heard) >= times).await;
    }

    pub(crate) fn heard(&self) -> Vec<Publication> {
        self.heard.lock().clone()
    }

    /// What this room said, in order.
    pub(crate) fn said(&self, room: RoomId) -> Vec<Body> {
        self.heard()
            .into_iter()
            .filter(|h| h.room == room)
            .map(|h| h.body)
            .collect()
    }

    fn facts(&self, room: RoomId) -> Vec<Arc<Fact>> {
        let fact = |body| {
            if let Body::Durable(fact) = body {
                Some(fact)
            } else {
                None
            }
        };
        self.said(room).into_iter().filter_map(fact).collect()
    }

    /// Durable events heard, in order.
    pub(crate) fn events(&self, room: RoomId) -> Vec<Event> {
        self.facts(room).iter().map(|fact| fact.event.clone()).collect()
    }

    pub(crate) fn positions(&self, room: RoomId) -> Vec<Position> {
        self.facts(room).iter().map(|fact| fact.position).collect()
    }

    /// Lines of chat heard, in order.
    pub(crate) fn chats(&self, room: RoomId) -> Vec<String> {
        let text = |event| {
            if let Event::ChatPosted { text, .. } = event {
                Some(text)
            } else {
                None
            }
        };
        self.events(room).into_iter().filter_map(text).collect()
    }

    fn saw(&self, room: RoomId, position: Position) {
        let mut rolls = self.rolls.lock();
        let last = &mut rolls.entry(room).or_default().last;
        *last = (*last).max(Some(position));
    }

    /// The socket is there; everything up to `position` was in its answer.
    fn joined(&self, room: RoomId, who: u64, position: Position) {
        self.saw(room, position);
        let mut rolls = self.rolls.lock();
        let connections = &mut rolls.entry(room).or_default().connections;
        if !connections.contains(&socket(who)) {
            connections.push(socket(who));
        }
    }

    /// The socket is gone, and the room does not know it.
    pub(crate) fn lost(&self, room: RoomId, who: u64) {
        let mut rolls = self.rolls.lock();
        rolls
            .entry(room)
            .or_default()
            .connections
            .retain(|known| *known != socket(who));
    }
}

/// A hub on another node: what a room says to it and asks of it goes through its bytes.
struct Linked(Arc<Recorder>);

impl Subscribers for Linked {
    fn publish(&self, publication: Publication) {
        let Content::Publication(publication) = carried(Content::Publication(publication)) else {
            panic!("something else arrived");
        };
        self.0.publish(publication);
    }

    fn rooms(&self, shard: ShardId) -> Vec<RoomId> {
        self.0.rooms(shard)
    }

    fn roll_call(&self, room: RoomId) -> RollCall {
        let Content::AskRollCall { room } = carried(Content::AskRollCall { room }) else {
            panic!("something else arrived");
        };
        let Content::RollCall(call) = carried(Content::RollCall(self.0.roll_call(room))) else {
            panic!("something else arrived");
        };
        call
    }
}

fn carried(content: Content) -> Content {
    let bytes = Envelope::new(here(1), content).encode().unwrap();
    Envelope::decode(&bytes).unwrap().content
}

/// Everyone has one socket, of its own number.
fn socket(who: u64) -> (ParticipantId, ConnectionId) {
    (ParticipantId(who), ConnectionId(who))
}

pub(crate) struct Node {
    pub(crate) rooms: Rooms,
    pub(crate) hub: Arc<Recorder>,
    pub(crate) store: MemoryStore,
    pub(crate) faults: Faults,
    pub(crate) media: Arc<FakeProvider>,
    pub(crate) supervisor: ractor::ActorCell,
}

pub(crate) fn here(incarnation: u64) -> NodeIncarnation {
    NodeIncarnation {
        node: "a".parse().unwrap(),
        incarnation,
    }
}

impl Node {
    pub(crate) async fn start() -> Self {
        Self::over(MemoryStore::new(), 1, RoomsConfig::default()).await
    }

    /// A boot of the node over what an earlier boot left in the store.
    pub(crate) async fn over(store: MemoryStore, boot: u64, config: RoomsConfig) -> Self {
        let epoch = store.open_reign(&here(boot), Epoch(0), 0).await.unwrap();
        let faulty = FaultStore::new(store.clone());
        let faults = faulty.faults();
        let hub = Arc::new(Recorder::default());
        let media = Arc::new(FakeProvider::default());
        let ownership = Ownership::Alone(epoch);
        let media_host = MediaHost::new(Arc::clone(&media) as _, here(boot), ownership.clone());
        let media_host = if LINKED {
            media_host.over_loopback()
        } else {
            media_host
        };
        let subscribers: Arc<dyn Subscribers> = if LINKED {
            Arc::new(Linked(Arc::clone(&hub)))
        } else {
            Arc::clone(&hub) as _
        };
        let rooms = Rooms::new(
            Arc::new(faulty),
            media_host,
            subscribers,
            here(boot),
            ownership,
            config,
        );
        let (supervisor, _) = Actor::spawn(None, RoomsSupervisor, rooms.clone()).await.unwrap();
        let rooms = if LINKED { rooms.over_loopback() } else { rooms };
        Self {
            rooms,
            hub,
            store,
            faults,
            media,
            supervisor: supervisor.get_cell(),
        }
    }

    pub(crate) async fn room(&self) -> RoomId {
        self.rooms
            .create(CreateRoom {
                settings: Settings::default(),
            })
            .await
            .unwrap()
    }

    pub(crate) async fn attach(
        &self,
        room: RoomId,
        who: u64,
        since: Option<Position>,
    ) -> Result<Attached, RoomsError> {
        let credential = Credential::Token {
            participant: ParticipantId(who),
            name: name(who),
            role: Role::Participant,
        };
        self.attach_with(room, credential, who, since).await
    }

    pub(crate) async fn attach_with(
        &self,
        room: RoomId,
        credential: Credential,
        who: u64,
        since: Option<Position>,
    ) -> Result<Attached, RoomsError> {
        let attach = Attach {
            credential,
            fresh_resume: secret(who),
            connection: ConnectionId(who),
            since,
            address: None,
        };
        let attached = self.rooms.attach(room, attach).await?;
        self.hub.joined(room, who, attached.position);
        Ok(attached)
    }

    /// A host, who may decide on others.
    pub(crate) async fn attach_host(&self, room: RoomId, who: u64) {
        let credential = Credential::Token {
            participant: ParticipantId(who),
            name: name(who),
            role: Role::Host,
        };
        self.attach_with(room, credential, who, None).await.unwrap();
    }

    /// The socket ends, as a gateway tells it.
    pub(crate) fn detach(&self, room: RoomId, who: u64) {
        self.hub.lost(room, who);
        self.rooms.detach(room, ParticipantId(who), ConnectionId(who));
    }

    pub(crate) async fn say(
        &self,
        room: RoomId,
        who: u64,
        id: &str,
        text: &str,
    ) -> Result<Position, RoomsError> {
        self.rooms
            .execute(room, command(who, Some(id), Command::Chat { text: text.into() }))
            .await
    }

    /// As a client does that is told to come again: the same command, after the pause that was named.
    pub(crate) async fn insist(&self, room: RoomId, who: u64, id: &str, text: &str) -> Position {
        let insist = async {
            loop {
                match self.say(room, who, id, text).await {
                    Ok(position) => break position,
                    Err(RoomsError::Unavailable { retry_after_ms, .. }) => {
                        tokio::time::sleep(Duration::from_millis(retry_after_ms)).await;
                    }
                    Err(error) => panic!("{error}"),
                }
            }
        };
        timeout(DEADLINE, insist).await.expect("taken at last")
    }
}

pub(crate) fn name(who: u64) -> String {
    format!("person {who}")
}

pub(crate) fn secret(who: u64) -> SecretHash {
    SecretHash([who as u8; 32])
}

pub(crate) fn command(who: u64, id: Option<&str>, command: Command) -> Request {
    Request {
        by: By::Participant(ParticipantId(who)),
        id: id.map(|id| id.parse().unwrap()),
        command,
    }
}
