//! This node as a member of a cluster: what it is started with, and what it does with the cluster's events. A node whose store no other can share is
//! alone and has nothing of this.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Context as _, bail};
use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};
use videorooms_cluster::links::{
    LinkError, LinkEvent, Links, LinksConfig, Refusal as Unlinked, Secret, Service,
};
use videorooms_cluster::{Cluster, ClusterConfig, ClusterEvent, Place, ServiceName, Timing};
use videorooms_domain::{NodeId, NodeIncarnation, SHARDS, ShardId};
use videorooms_gateway::Door;
use videorooms_rooms::calls::Peers;
use videorooms_rooms::{MediaHost, Ownership, Rooms};
use videorooms_store::ownership::{Caller, Fate, Generation, NodeState, OwnershipStore, Profile, Refusal};

use crate::config::{self, Config};
use crate::control::Control;
use crate::listen::bind;
use crate::neighbours::Neighbours;
use crate::operations::Together;
use crate::secret::derive;
use crate::{identities, reload};

/// The messages between nodes that this program speaks.
pub(crate) const VERSION: u16 = 1;
/// How long a start waits for shards to have owners; then the node serves what there is.
const PLACED_WITHIN: Duration = Duration::from_secs(10);
/// How long a node that leaves takes to give its rooms to others.
const HAND_OVER_WITHIN: Duration = Duration::from_secs(10);
/// Between two looks at how busy the node is.
const LOAD_EVERY: Duration = Duration::from_secs(1);
/// Link events that wait.
const EVENTS: usize = 1024;

/// The node's part in its cluster, started and not yet obeyed.
pub(crate) struct Member {
    pub(crate) cluster: Cluster,
    pub(crate) neighbours: Neighbours,
    events: mpsc::Receiver<ClusterEvent>,
    wire: Arc<Wire>,
    port: Option<TcpListener>,
}

/// What keeps a member going; it ends with it.
pub(crate) struct Membership {
    cluster: Cluster,
    wire: Arc<Wire>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

/// The way to other nodes; to none before the links are started, or where a node listens for none.
#[derive(Default)]
struct Wire {
    links: OnceLock<Links>,
    /// With whom to be linked, and where. A store that lost its data names nobody for a moment, which cuts no link.
    known: Mutex<BTreeMap<NodeId, (NodeIncarnation, Arc<str>)>>,
}

impl Wire {
    /// Takes over what the table says.
    fn peers(&self, cluster: &Cluster) -> Vec<(NodeIncarnation, Arc<str>)> {
        let mut known = self.known.lock();
        for row in &cluster.view().nodes {
            let address = &row.profile.address;
            if row.state == NodeState::Dead || address.is_empty() || row.node == *cluster.me() {
                known.remove(&row.node.node);
            } else {
                known.insert(row.node.node.clone(), (row.node.clone(), Arc::clone(address)));
            }
        }
        known.values().cloned().collect()
    }
}

#[async_trait]
impl Peers for Wire {
    async fn call(
        &self,
        to: &NodeIncarnation,
        service: ServiceName,
        call: Bytes,
        within: Duration,
    ) -> Result<Bytes, LinkError> {
        let links = self.links.get().ok_or(LinkError::NotLinked)?;
        links.call(to, service, call, within).await
    }

    fn cast(&self, to: &NodeIncarnation, service: ServiceName, cast: Bytes) -> Result<(), LinkError> {
        let links = self.links.get().ok_or(LinkError::NotLinked)?;
        links.cast(to, service, cast)
    }
}

/// What other nodes ask of this one's rooms and sockets.
struct RoomService(Rooms);

#[async_trait]
impl Service for RoomService {
    async fn call(&self, from: &NodeIncarnation, bytes: Bytes) -> Vec<u8> {
        self.0.answer(from, &bytes).await
    }

    fn cast(&self, from: &NodeIncarnation, bytes: Bytes) {
        // What is refused is counted there; nobody waits.
        drop(self.0.take_cast(from, &bytes));
    }
}

/// What other nodes ask of the media here, and hear of the media there.
struct MediaService(MediaHost);

#[async_trait]
impl Service for MediaService {
    async fn call(&self, from: &NodeIncarnation, bytes: Bytes) -> Vec<u8> {
        self.0.answer(from, &bytes).await
    }

    fn cast(&self, from: &NodeIncarnation, bytes: Bytes) {
        // What is refused is counted there; nobody waits.
        drop(self.0.take_cast(from, &bytes));
    }
}

impl Member {
    /// Takes the node's place in the table and begins to keep its lease.
    ///
    /// # Errors
    /// When the store does not answer, or the cluster port cannot be bound.
    pub(crate) async fn begin(
        config: &config::Cluster,
        node: NodeId,
        store: Arc<dyn OwnershipStore>,
        now_ms: u64,
    ) -> anyhow::Result<Self> {
        let port = config
            .listen
            .map(|listen| bind(listen, "cluster.listen"))
            .transpose()?;
        let address: Arc<str> = match (&port, &config.advertise) {
            (None, _) => "".into(),
            (Some(_), Some(advertise)) => advertise.as_str().into(),
            (Some(port), None) => port.local_addr()?.to_string().into(),
        };
        let profile = Profile {
            address,
            version: VERSION,
            load: 0,
            weight: config.weight,
            draining: false,
        };
        let me = boot(&*store, node, &profile, now_ms).await?;
        let shards = SHARDS;
        let timing = Timing::default();
        let config = ClusterConfig {
            me,
            shards,
            timing,
            profile,
        };
        let (cluster, events) = Cluster::start(config, store).context("the lease keeper")?;
        let wire = Arc::default();
        Ok(Self {
            cluster,
            neighbours: Neighbours::default(),
            events,
            wire,
            port,
        })
    }

    /// The node's part as an operator reaches it.
    pub(crate) fn together(&self, rooms: &Rooms, fingerprint: &Arc<str>) -> Together {
        let control = Control {
            cluster: self.cluster.clone(),
            rooms: rooms.clone(),
            fingerprint: Arc::clone(fingerprint),
        };
        Together {
            control,
            peers: Arc::clone(&self.wire) as _,
            neighbours: self.neighbours.clone(),
        }
    }

    pub(crate) fn ownership(&self) -> Ownership {
        Ownership::Shared {
            cluster: self.cluster.clone(),
            peers: Arc::clone(&self.wire) as _,
        }
    }

    /// Links the node with the others, and does what the cluster says. `superseded` ends the node.
    ///
    /// # Errors
    /// When the links cannot be started: certificates, secret.
    pub(crate) async fn join(
        self,
        config: &Config,
        secret: &config::Secret,
        (control, media): (Control, &MediaHost),
        door: &Door,
        superseded: impl Fn() + Send + 'static,
    ) -> anyhow::Result<Membership> {
        let Self {
            cluster,
            neighbours,
            mut events,
            wire,
            port,
        } = self;
        let rooms = &control.rooms.clone();
        let mut tasks = Vec::new();
        if let Some(port) = port {
            let (linked, seen) = mpsc::channel(EVENTS);
            let links = links(config, secret, &cluster, port, (control, media), linked).await?;
            links.peers(wire.peers(&cluster));
            tasks.push(tokio::spawn(watch(
                seen,
                cluster.clone(),
                neighbours,
                rooms.clone(),
            )));
            let reloading = reload::on_hangup(config.identity(), links.clone());
            tasks.push(tokio::spawn(reloading));
            drop(wire.links.set(links));
        }
        let (obeyed, at, way) = (rooms.clone(), door.clone(), Arc::clone(&wire));
        let mind = cluster.clone();
        tasks.push(tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                obey(&event, &mind, &way, &at);
                obeyed.shards_changed(&event);
                if event == ClusterEvent::Superseded {
                    break;
                }
            }
            tracing::error!("this node is no part of its cluster any more: a newer boot of it runs, or its lease keeper ended");
            superseded();
        }));
        let (busy, mind) = (rooms.clone(), cluster.clone());
        tasks.push(tokio::spawn(async move {
            loop {
                mind.load(u32::try_from(busy.live_rooms()).unwrap_or(u32::MAX));
                sleep(LOAD_EVERY).await;
            }
        }));
        Ok(Membership { cluster, wire, tasks })
    }
}

impl Membership {
    /// Waits until every shard is served somewhere, as far as this node knows; not for ever, since others may be at fault.
    pub(crate) async fn placed(&self) {
        let mut changes = self.cluster.changes();
        let until = Instant::now() + PLACED_WITHIN;
        let is_placed = |shard| self.cluster.place(ShardId(shard)) != Place::Nowhere;
        while !(0..SHARDS).all(is_placed) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                tracing::warn!("not every room has an owner yet");
                return;
            }
            drop(timeout(left, changes.changed()).await);
        }
    }

    /// Gives the node's rooms to others, which then serve them as if nothing had been.
    pub(crate) async fn hand_over(&self, rooms: &Rooms) {
        let left = rooms.hand_over(HAND_OVER_WITHIN).await;
        if left > 0 && self.others() {
            tracing::warn!(
                shards = left,
                "could not be handed over; others will take them when this node is gone"
            );
        }
    }

    /// Leaves for good. Others see at once that the node is gone.
    pub(crate) async fn leave(self) {
        self.tasks.iter().for_each(tokio::task::JoinHandle::abort);
        self.cluster.stop().await;
        if let Some(links) = self.wire.links.get() {
            links.stop().await;
        }
    }

    fn others(&self) -> bool {
        let view = self.cluster.view();
        let mut nodes = view.nodes.iter();
        nodes.any(|node| node.node != *self.cluster.me() && node.state == NodeState::Up)
    }
}

/// This boot's number: the clock's, or above that of the boot before, in case the clock stepped back.
async fn boot(
    store: &dyn OwnershipStore,
    node: NodeId,
    profile: &Profile,
    now_ms: u64,
) -> anyhow::Result<NodeIncarnation> {
    let session = store.connect().await.context("store")?;
    let mut caller = Caller {
        node: NodeIncarnation {
            node,
            incarnation: now_ms,
        },
        store: session.life(),
        generation: Generation::default(),
    };
    for _ in 0..2 {
        match session.renew(&caller, profile, None).await {
            Fate::Done(_) => return Ok(caller.node),
            Fate::Refused(Refusal::Superseded(newest)) => caller.node.incarnation = newest + 1,
            Fate::Refused(refusal) => bail!("store: {refusal}"),
            Fate::Unknown => bail!("store: no answer in time"),
        }
    }
    bail!(
        "two nodes of the name {} start at the same time",
        caller.node.node
    )
}

async fn links(
    config: &Config,
    secret: &config::Secret,
    cluster: &Cluster,
    port: TcpListener,
    (control, media): (Control, &MediaHost),
    events: mpsc::Sender<LinkEvent>,
) -> anyhow::Result<Links> {
    let folder = config.identity();
    let identity = identities::read_identity(&folder).with_context(|| {
        format!(
            "no identity of this node in {}; make one with videorooms cluster init",
            folder.display()
        )
    })?;
    let room_service: Arc<dyn Service> = Arc::new(RoomService(control.rooms.clone()));
    let services = BTreeMap::from([
        (ServiceName::NodeControl, Arc::new(control) as _),
        (ServiceName::RoomHost, Arc::clone(&room_service)),
        (ServiceName::GatewayHub, room_service),
        (ServiceName::MediaHost, Arc::new(MediaService(media.clone()))),
    ]);
    let config = LinksConfig {
        me: cluster.me().clone(),
        cluster: config.cluster.name.as_str().into(),
        listener: port,
        identity,
        secret: Secret(derive(secret, b"videorooms cluster links v1").to_vec().into()),
        reaches_store: cluster.reaches_store(),
    };
    Ok(Links::start(config, services, events).await?)
}

/// Tells cluster and rooms what links show.
async fn watch(mut seen: mpsc::Receiver<LinkEvent>, cluster: Cluster, neighbours: Neighbours, rooms: Rooms) {
    while let Some(event) = seen.recv().await {
        neighbours.saw(&event, &cluster.view());
        match event {
            LinkEvent::Evidence(node, evidence) => cluster.saw(node, evidence),
            LinkEvent::Says { node, reaches_store } => cluster.says(node, reaches_store),
            LinkEvent::Up(node) => tracing::info!(%node, "linked"),
            LinkEvent::Down(node) => {
                tracing::warn!(%node, "the link broke");
                rooms.link_lost(&node);
            }
            LinkEvent::Refused {
                reason: Unlinked::NotAPeer,
                ..
            } => tracing::debug!("a newcomer was not known yet"),
            LinkEvent::Refused { node, reason } => {
                let node = node.map_or_else(|| "someone".to_owned(), |node| node.to_string());
                tracing::warn!(node, ?reason, "a node was not linked with");
            }
        }
    }
}

/// What concerns the whole node.
fn obey(event: &ClusterEvent, cluster: &Cluster, wire: &Wire, door: &Door) {
    match event {
        ClusterEvent::View(_) => {
            let Some(links) = wire.links.get() else { return };
            let view = cluster.view();
            for node in view.nodes.iter().filter(|node| node.state == NodeState::Dead) {
                links.forget(&node.node);
            }
            links.peers(wire.peers(cluster));
        }
        ClusterEvent::Fence => door.fence(true),
        ClusterEvent::Live => door.fence(false),
        ClusterEvent::Serve(_)
        | ClusterEvent::Resume(_)
        | ClusterEvent::Release(_)
        | ClusterEvent::Prepare(..)
        | ClusterEvent::Flush(_)
        | ClusterEvent::Reopen(_)
        | ClusterEvent::Tail(..)
        | ClusterEvent::Changed
        | ClusterEvent::Superseded => {}
    }
}
