//! Nodes that share a store, and what they say to each other.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use ractor::{Actor, ActorCell};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use videorooms_cluster::links::LinkError;
use videorooms_cluster::{Cluster, ClusterConfig, Place, ServiceName, Timing};
use videorooms_domain::{
    Actor as By, Command, ConnectionId, Event, NodeIncarnation, ParticipantId, Position, Request, Role,
    RoomId, SHARDS, SecretHash, Settings, ShardId,
};
use videorooms_rooms::calls::Peers;
use videorooms_rooms::{
    Attach, Attached, Body, CreateRoom, Credential, MediaHost, Ownership, Publication, RollCall, Rooms,
    RoomsConfig, RoomsError, RoomsSupervisor, Subscribers,
};
use videorooms_sfu::fake::FakeProvider;
use videorooms_store::MemoryStore;
use videorooms_store::ownership::{MemoryOwnership, Profile, StoreTime};

/// Ten times what a failover may take, and more.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// Who reaches whom: everyone everyone, but those that are cut off.
#[derive(Default)]
struct Wire {
    nodes: Mutex<BTreeMap<NodeIncarnation, (Rooms, MediaHost)>>,
    cut: Mutex<Vec<(NodeIncarnation, NodeIncarnation)>>,
}

impl Wire {
    fn reach(&self, from: &NodeIncarnation, to: &NodeIncarnation) -> Result<(Rooms, MediaHost), LinkError> {
        let is_cut = |pair: &(NodeIncarnation, NodeIncarnation)| {
            (&pair.0, &pair.1) == (from, to) || (&pair.1, &pair.0) == (from, to)
        };
        if self.cut.lock().iter().any(is_cut) {
            return Err(LinkError::NotLinked);
        }
        self.nodes.lock().get(to).cloned().ok_or(LinkError::NotLinked)
    }
}

/// One node's links.
struct Links {
    here: NodeIncarnation,
    wire: Arc<Wire>,
}

#[async_trait]
impl Peers for Links {
    async fn call(
        &self,
        to: &NodeIncarnation,
        service: ServiceName,
        call: Bytes,
        within: Duration,
    ) -> Result<Bytes, LinkError> {
        let (rooms, media) = self.wire.reach(&self.here, to)?;
        let answer = async {
            match service {
                ServiceName::MediaHost => media.answer(&self.here, &call).await,
                ServiceName::NodeControl | ServiceName::RoomHost | ServiceName::GatewayHub => {
                    rooms.answer(&self.here, &call).await
                }
            }
        };
        let answer = timeout(within, answer).await;
        let answer = answer.map_err(|_| LinkError::TimedOut)?;
        // Who died meanwhile does not answer.
        self.wire.reach(&self.here, to).map_err(|_| LinkError::Closed)?;
        Ok(answer.into())
    }

    fn cast(&self, to: &NodeIncarnation, service: ServiceName, cast: Bytes) -> Result<(), LinkError> {
        let (rooms, media) = self.wire.reach(&self.here, to)?;
        match service {
            ServiceName::MediaHost => drop(media.take_cast(&self.here, &cast)),
            ServiceName::NodeControl | ServiceName::RoomHost | ServiceName::GatewayHub => {
                drop(rooms.take_cast(&self.here, &cast));
            }
        }
        Ok(())
    }
}

/// A gateway's hub that writes down what it hears.
#[derive(Default)]
pub(crate) struct Hub {
    heard: Mutex<Vec<Publication>>,
    rolls: Mutex<HashMap<RoomId, RollCall>>,
    changed: tokio::sync::Notify,
}

impl Subscribers for Hub {
    fn publish(&self, publication: Publication) {
        if let Body::Durable(fact) = &publication.body {
            let mut rolls = self.rolls.lock();
            let last = &mut rolls.entry(publication.room).or_default().last;
            *last = (*last).max(Some(fact.position));
        }
        self.heard.lock().push(publication);
        self.changed.notify_waiters();
    }

    fn rooms(&self, shard: ShardId) -> Vec<RoomId> {
        let rolls = self.rolls.lock();
        let attached = rolls.iter().filter(|(_, roll)| !roll.connections.is_empty());
        let rooms = attached.map(|(room, _)| *room);
        rooms.filter(|room| room.shard() == shard).collect()
    }

    fn roll_call(&self, room: RoomId) -> RollCall {
        self.rolls.lock().get(&room).cloned().unwrap_or_default()
    }
}

impl Hub {
    pub(crate) async fn until(&self, what: &str, wanted: impl Fn(&[Body]) -> bool) {
        let wait = async {
            loop {
                let changed = self.changed.notified();
                if wanted(&self.said()) {
                    return;
                }
                changed.await;
            }
        };
        if timeout(DEADLINE, wait).await.is_err() {
            panic!("never heard {what}; heard {:#?}", self.said());
        }
    }

    pub(crate) fn said(&self) -> Vec<Body> {
        self.heard.lock().iter().map(|heard| heard.body.clone()).collect()
    }

    /// Lines of chat with their seq, in order.
    pub(crate) fn chats(&self) -> Vec<(u64, String)> {
        let chat = |body| {
            if let Body::Durable(fact) = body
                && let Event::ChatPosted { text, .. } = &fact.event
            {
                Some((fact.position.seq.0, text.clone()))
            } else {
                None
            }
        };
        self.said().into_iter().filter_map(chat).collect()
    }
}

pub(crate) struct Node {
    pub(crate) here: NodeIncarnation,
    pub(crate) rooms: Rooms,
    pub(crate) hub: Arc<Hub>,
    pub(crate) cluster: Cluster,
    pub(crate) media: Arc<FakeProvider>,
    pub(crate) media_host: MediaHost,
    wire: Arc<Wire>,
    supervisor: ActorCell,
    tasks: Vec<JoinHandle<()>>,
}

/// Nodes over one store.
pub(crate) struct Nodes {
    wire: Arc<Wire>,
    pub(crate) owners: MemoryOwnership,
    pub(crate) store: MemoryStore,
}

impl Nodes {
    pub(crate) fn new() -> Self {
        let began = Instant::now();
        // Long after any settling.
        let clock = move || StoreTime::from_ms(1_000_000 + began.elapsed().as_millis() as u64);
        let owners = MemoryOwnership::new(Timing::default().settle, clock);
        Self {
            wire: Arc::default(),
            store: MemoryStore::under(owners.clone()),
            owners,
        }
    }

    pub(crate) async fn start(&self, name: &str, incarnation: u64) -> Node {
        self.start_with(name, incarnation, 1).await
    }

    /// With no weight it takes no shards.
    pub(crate) async fn start_with(&self, name: &str, incarnation: u64, weight: u32) -> Node {
        let here = NodeIncarnation {
            node: name.parse().unwrap(),
            incarnation,
        };
        let config = ClusterConfig {
            me: here.clone(),
            shards: SHARDS,
            timing: Timing::default(),
            profile: Profile {
                address: name.into(),
                version: 1,
                load: 0,
                weight,
                draining: false,
            },
        };
        let (cluster, mut events) = Cluster::start(config, Arc::new(self.owners.clone())).unwrap();
        let hub = Arc::new(Hub::default());
        let peers = Arc::new(Links {
            here: here.clone(),
            wire: Arc::clone(&self.wire),
        });
        let ownership = Ownership::Shared {
            cluster: cluster.clone(),
            peers,
        };
        let media = Arc::new(FakeProvider::default());
        let media_host = MediaHost::new(Arc::clone(&media) as _, here.clone(), ownership.clone());
        let rooms = Rooms::new(
            Arc::new(self.store.clone()),
            media_host.clone(),
            Arc::clone(&hub) as _,
            here.clone(),
            ownership,
            RoomsConfig::default(),
        );
        let (supervisor, _) = Actor::spawn(None, RoomsSupervisor, rooms.clone()).await.unwrap();
        let reached = (rooms.clone(), media_host.clone());
        self.wire.nodes.lock().insert(here.clone(), reached);
        let (obeying, following) = (rooms.clone(), rooms.clone());
        let tasks = vec![
            tokio::spawn(async move {
                while let Some(event) = events.recv().await {
                    obeying.shards_changed(&event);
                }
            }),
            tokio::spawn(async move { following.follow().await }),
        ];
        Node {
            here,
            rooms,
            hub,
            cluster,
            media,
            media_host,
            wire: Arc::clone(&self.wire),
            supervisor: supervisor.get_cell(),
            tasks,
        }
    }
}

impl Nodes {
    /// Two nodes do not reach each other any more, and see it.
    pub(crate) fn cut(&self, one: &Node, other: &Node) {
        self.wire.cut.lock().push((one.here.clone(), other.here.clone()));
        one.rooms.link_lost(&other.here);
        other.rooms.link_lost(&one.here);
    }

    /// Everyone reaches everyone.
    pub(crate) fn heal(&self) {
        self.wire.cut.lock().clear();
    }
}

impl Node {
    /// Waits until some shard is served where `wanted` says.
    pub(crate) async fn until_place(&self, what: &str, wanted: impl Fn(ShardId, &Place) -> bool) {
        let mut changes = self.cluster.changes();
        let wait = async {
            loop {
                let mut shards = (0..SHARDS).map(ShardId);
                if shards.any(|shard| wanted(shard, &self.cluster.place(shard))) {
                    return;
                }
                drop(changes.changed().await);
            }
        };
        timeout(DEADLINE, wait)
            .await
            .unwrap_or_else(|_| panic!("never: {what}"));
    }

    /// Waits until every shard is served somewhere, as this node sees it.
    pub(crate) async fn until_all_served(&self) {
        let mut changes = self.cluster.changes();
        let wait = async {
            loop {
                let mut shards = (0..SHARDS).map(ShardId);
                if shards.all(|shard| self.cluster.place(shard) != Place::Nowhere) {
                    return;
                }
                drop(changes.changed().await);
            }
        };
        timeout(DEADLINE, wait).await.expect("every shard has an owner");
    }

    /// Dies as a killed process does: nothing of it is heard or done any more.
    pub(crate) async fn kill(self) {
        self.wire.nodes.lock().remove(&self.here);
        self.cluster.stop().await;
        self.tasks.iter().for_each(JoinHandle::abort);
        self.supervisor.kill();
    }

    /// A room that this node owns.
    pub(crate) async fn room(&self) -> RoomId {
        loop {
            let settings = Settings::default();
            let room = self.rooms.create(CreateRoom { settings }).await.unwrap();
            if matches!(self.cluster.place(room.shard()), Place::Here(_)) {
                return room;
            }
        }
    }

    pub(crate) async fn attach(&self, room: RoomId, who: u64) -> Attached {
        self.attach_as(room, who, Role::Participant).await
    }

    pub(crate) async fn attach_as(&self, room: RoomId, who: u64, role: Role) -> Attached {
        let attach = Attach {
            credential: Credential::Token {
                participant: ParticipantId(who),
                name: format!("person {who}"),
                role,
            },
            fresh_resume: SecretHash([who as u8; 32]),
            connection: ConnectionId(who),
            since: None,
            address: None,
        };
        let attached = self.rooms.attach(room, attach).await.unwrap();
        let mut rolls = self.hub.rolls.lock();
        let roll = rolls.entry(room).or_default();
        roll.last = roll.last.max(Some(attached.position));
        roll.connections.push((ParticipantId(who), ConnectionId(who)));
        attached
    }

    pub(crate) async fn say(&self, room: RoomId, who: u64, text: &str) -> Result<Position, RoomsError> {
        let request = Request {
            by: By::Participant(ParticipantId(who)),
            id: Some(text.parse().unwrap()),
            command: Command::Chat { text: text.into() },
        };
        self.rooms.execute(room, request).await
    }

    /// As a client that is told to come again.
    pub(crate) async fn insist(&self, room: RoomId, who: u64, text: &str) -> Position {
        let insist = async {
            loop {
                match self.say(room, who, text).await {
                    Ok(position) => return position,
                    Err(RoomsError::Unavailable { .. }) => tokio::task::yield_now().await,
                    Err(error) => panic!("{error}"),
                }
            }
        };
        timeout(DEADLINE, insist).await.expect("taken at last")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}
