//! One node: what is started, in which order, and how it ends.

use std::collections::HashMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail};
use futures_util::FutureExt as _;
use ractor::{Actor, ActorCell, ActorRef};
use tokio::task::JoinHandle;
use videorooms_admin::{Operations, PrometheusHandle, Readiness};
use videorooms_debug::{DebugLog, DebugLogArguments};
use videorooms_domain::{Epoch, Grace, NodeId, NodeIncarnation, Timestamp};
use videorooms_gateway::auth::Keys;
use videorooms_gateway::{Door, DoorParts, Gateway, GatewayArguments, GatewayConfig, Hub, Rate};
use videorooms_rooms::{MediaHost, Ownership, Rooms, RoomsConfig, RoomsSupervisor};
use videorooms_sfu::SfuProvider;
use videorooms_sfu::embedded::{EmbeddedConfig, EmbeddedProvider};
use videorooms_store::{RoomStore, StoreError};

use crate::config::{Config, Secret};
use crate::health::{Ready, Services};
use crate::keep::Kept;
use crate::listen::bind;
use crate::member::{Member, Membership};
use crate::operations::Operator;
use crate::secret;
use crate::standing::Standing;
use crate::supervisor::{self, Child, Family, NodeSupervisor, Start};
use crate::telemetry::Telemetry;

/// Actors that do not end by themselves are left behind after this long.
const STOP_DEADLINE: Duration = Duration::from_secs(5);

/// The media server that needs no registration.
const EMBEDDED: &str = "embedded";

/// A running node. Dropping it leaves it running; use [`Node::stop`].
pub struct Node {
    address: SocketAddr,
    admin: SocketAddr,
    door: Door,
    rooms: Rooms,
    supervisor: ActorRef<supervisor::Message>,
    root: JoinHandle<()>,
    embedded: Option<Arc<EmbeddedProvider>>,
    membership: Option<Membership>,
    work: Vec<Kept>,
}

/// A node to be started.
pub struct NodeBuilder {
    config: Config,
    telemetry: Telemetry,
    providers: HashMap<String, Arc<dyn SfuProvider>>,
}

impl NodeBuilder {
    /// Registers a media server under the name that `sfu.provider` may choose.
    #[must_use]
    pub fn sfu(mut self, name: impl Into<String>, provider: Arc<dyn SfuProvider>) -> Self {
        self.providers.insert(name.into(), provider);
        self
    }

    /// Logs and metrics of the process; without, the node keeps its own to itself.
    #[must_use]
    pub fn telemetry(mut self, telemetry: Telemetry) -> Self {
        self.telemetry = telemetry;
        self
    }

    /// Says whether the configuration asks for something that is not there.
    ///
    /// # Errors
    /// With what that is, and what there is.
    pub fn check(&self) -> anyhow::Result<()> {
        check_provider(&self.config, &self.providers)
    }

    /// Starts the node; it serves when this returns.
    ///
    /// # Errors
    /// When a port is taken, the store cannot be opened, or the configuration asks for what there is not. Nothing is left running then.
    pub async fn start(self) -> anyhow::Result<Node> {
        self.check()?;
        let Self {
            config,
            telemetry,
            providers,
        } = self;
        let public = bind(config.http.listen, "--listen")?;
        let operators = bind(config.admin.listen, "--admin-listen")?;
        let (address, admin) = (public.local_addr()?, operators.local_addr()?);
        let secret = secret::load_or_make(&config)?;
        let (media, embedded) = media(&config, providers)?;
        let url = config.store_url();
        let store = videorooms_store::open(url.expose(), config.store.durability)
            .await
            .with_context(|| format!("store {url}"))?;
        let (store, table) = (store.rooms, store.ownership);
        let member = match table {
            Some(table) => Some(Member::begin(&config.cluster, config.node_id()?, table, now_ms()).await?),
            None => None,
        };
        let (here, ownership) = match &member {
            Some(member) => (member.cluster.me().clone(), member.ownership()),
            None => {
                let boot = boot(&*store, config.node_id()?, now_ms()).await;
                let (here, epoch) = boot.context("store")?;
                (here, Ownership::Alone(epoch))
            }
        };
        let media = MediaHost::new(media, here.clone(), ownership.clone());
        let hub = Hub::new();
        let rooms = Rooms::new(
            store,
            media.clone(),
            Arc::clone(&hub) as _,
            here.clone(),
            ownership,
            rooms_config(&config),
        );
        let fingerprint: Arc<str> = secret::fingerprint(&secret).into();
        let together = member
            .as_ref()
            .map(|member| member.together(&rooms, &fingerprint));
        let services = Services {
            rooms: rooms.clone(),
            media: media.clone(),
            log: telemetry.log.clone(),
            standing: Standing::default(),
            together: together.clone(),
        };
        let door = Door::new(DoorParts {
            config: gateway_config(&config),
            rooms: rooms.clone(),
            media: media.clone(),
            hub,
            keys: keys(&config, &secret),
            log: telemetry.log.clone(),
            node: here.clone(),
            status: Arc::new(services.clone()),
        });
        let family = Family {
            children: children(&config, &telemetry, &rooms, &door, public),
            standing: services.standing.clone(),
        };
        let (supervisor, root) = Actor::spawn(None, NodeSupervisor, family)
            .await
            .map_err(|error| anyhow::anyhow!("{error}"))?;
        let membership = match member {
            Some(member) => {
                let control = member.together(&rooms, &fingerprint).control;
                let root = supervisor.clone();
                let superseded = move || root.stop(Some("superseded".to_owned()));
                let joined = member
                    .join(&config, &secret, (control, &media), &door, superseded)
                    .await;
                Some(joined?)
            }
            None => None,
        };
        if let Some(membership) = &membership {
            membership.placed().await;
        }
        let readiness = Arc::new(Ready {
            services,
            door: door.clone(),
        });
        let operations = Arc::new(Operator {
            keys: keys(&config, &secret),
            rooms: rooms.clone(),
            here: here.clone(),
            fingerprint,
            together,
        });
        let metrics = telemetry.metrics;
        let operators = Kept::begin("operators' door", move || {
            serve_operators(
                operators.try_clone(),
                metrics.clone(),
                Arc::clone(&readiness) as _,
                Arc::clone(&operations) as _,
            )
        });
        let house_rooms = rooms.clone();
        let house = Kept::begin("housekeeping", move || {
            let rooms = house_rooms.clone();
            async move { rooms.keep_house().await }
        });
        let followed = rooms.clone();
        let following = Kept::begin("following", move || {
            let rooms = followed.clone();
            async move { rooms.follow().await }
        });
        tracing::info!(%address, %admin, node = %here, "node is live");
        Ok(Node {
            address,
            admin,
            door,
            rooms,
            supervisor,
            root,
            embedded,
            membership,
            work: vec![operators, house, following],
        })
    }
}

impl Node {
    /// A node of this configuration.
    #[must_use]
    pub fn builder(config: Config) -> NodeBuilder {
        NodeBuilder {
            config,
            telemetry: Telemetry::detached(),
            providers: HashMap::new(),
        }
    }

    /// Of the public door.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Of the operator's door.
    #[must_use]
    pub fn admin_address(&self) -> SocketAddr {
        self.admin
    }

    /// Kills an actor below the root: `DebugLog`, `Rooms` or `Gateway`.
    #[cfg(feature = "test-kit")]
    pub fn kill_actor(&self, name: &'static str) {
        drop(self.supervisor.cast(supervisor::Message::Kill(name)));
    }

    /// How often such an actor was started again.
    #[cfg(feature = "test-kit")]
    pub async fn restarts(&self, name: &'static str) -> u32 {
        let asked = ractor::call_t!(self.supervisor, supervisor::Message::Restarts, 1000, name);
        asked.unwrap_or(0)
    }

    /// Waits until the root of the supervision tree has ended, which it does by [`Self::stop`] or by a bug: nobody starts anything again then,
    /// and the process should end, so that whoever watches it starts it anew.
    pub async fn ended(&mut self) {
        drop((&mut self.root).await);
    }

    /// Ends the root, as a bug in it would.
    #[cfg(feature = "test-kit")]
    pub fn kill_root(&self) {
        self.supervisor.kill();
    }

    /// Drains and stops: clients are sent away with 1012 to come back at once, rooms finish what they are committing, then the actors
    /// end, then media.
    pub async fn stop(self) {
        if let Some(membership) = &self.membership {
            membership.hand_over(&self.rooms).await;
        }
        self.door.drain().await;
        self.rooms.drain().await;
        drop(self.work);
        if let Err(error) = self.supervisor.stop_and_wait(None, Some(STOP_DEADLINE)).await {
            tracing::warn!(%error, "the actors did not end in time");
        }
        if let Some(membership) = self.membership {
            membership.leave().await;
        }
        if let Some(embedded) = &self.embedded {
            embedded.shutdown().await;
        }
        tracing::info!("node has stopped");
    }
}

/// Opens the reign of this boot. The boot has the epoch's number: a clock may step back between two boots, the epoch only rises, and members of
/// the earlier boot must be known for its.
async fn boot(
    store: &dyn RoomStore,
    node: NodeId,
    now_ms: u64,
) -> Result<(NodeIncarnation, Epoch), StoreError> {
    let mut here = NodeIncarnation {
        node,
        incarnation: now_ms,
    };
    let epoch = store.open_reign(&here, Epoch::default(), now_ms).await?;
    here.incarnation = epoch.0;
    Ok((here, epoch))
}

async fn serve_operators(
    listener: std::io::Result<TcpListener>,
    metrics: PrometheusHandle,
    readiness: Arc<dyn Readiness>,
    operations: Arc<dyn Operations>,
) {
    match listener.and_then(tokio::net::TcpListener::from_std) {
        Ok(listener) => videorooms_admin::serve(listener, metrics, readiness, operations).await,
        Err(error) => tracing::error!(%error, "the operators' door cannot be opened"),
    }
}

fn keys(config: &Config, secret: &Secret) -> Keys {
    let previous = config
        .secret_key_base_previous
        .as_ref()
        .map(|secret| secret.expose().as_bytes());
    Keys::derive(secret.expose().as_bytes(), previous)
}

type Media = (Arc<dyn SfuProvider>, Option<Arc<EmbeddedProvider>>);

fn media(config: &Config, mut providers: HashMap<String, Arc<dyn SfuProvider>>) -> anyhow::Result<Media> {
    let name = &config.sfu.provider;
    if let Some(provider) = providers.remove(name) {
        return Ok((provider, None));
    }
    let advertise = config.advertise()?;
    let provider = Arc::new(
        EmbeddedProvider::start(EmbeddedConfig {
            listen: config.sfu.listen,
            advertise,
            max_rooms: config.sfu.max_rooms,
            max_peers: config.sfu.max_peers,
        })
        .map_err(|error| anyhow::anyhow!("{error}; another address is chosen with --media-listen"))?,
    );
    Ok((Arc::clone(&provider) as _, Some(provider)))
}

/// # Errors
/// When the configuration asks for a media server that is not there; with those that are.
fn check_provider(config: &Config, providers: &HashMap<String, Arc<dyn SfuProvider>>) -> anyhow::Result<()> {
    let name = &config.sfu.provider;
    if name == EMBEDDED || providers.contains_key(name) {
        return Ok(());
    }
    let mut known: Vec<_> = providers.keys().map(String::as_str).chain([EMBEDDED]).collect();
    known.sort_unstable();
    bail!(
        "sfu.provider = {name:?}: there is no such media server; there are: {}",
        known.join(", ")
    );
}

fn rooms_config(config: &Config) -> RoomsConfig {
    let ms = Duration::from_millis;
    RoomsConfig {
        grace: Grace {
            reconnect: ms(config.rooms.reconnect_grace_ms),
            empty: ms(config.rooms.empty_ms),
            ..Grace::default()
        },
        max_live_rooms: config.rooms.max_live,
        idle_unload: ms(config.rooms.idle_unload_ms),
        ended_retention: ms(config.rooms.ended_retention_ms),
        ..RoomsConfig::default()
    }
}

fn gateway_config(config: &Config) -> GatewayConfig {
    let mut gateway = GatewayConfig {
        allowed_origins: config.http.allowed_origins.clone(),
        trusted_proxies: config.http.trusted_proxies.clone(),
        open_logs: config.dev,
        ..GatewayConfig::default()
    };
    let limits = &mut gateway.limits;
    limits.http = Rate::per_second(config.limits.http_per_second);
    limits.sockets = Rate::with_reserve(config.limits.sockets_per_second, 5);
    limits.max_sockets = config.limits.max_sockets;
    limits.frames = Rate::per_second(config.limits.frames_per_second);
    limits.set_joins(config.limits.joins_per_second);
    limits.signalling = Rate::with_reserve(config.limits.signalling_per_second, 4);
    limits.pushes = Rate::per_second(config.limits.pushes_per_second);
    limits.room_pushes = Rate::per_second(config.limits.room_pushes_per_second);
    limits.chat = Rate::with_reserve(config.limits.chat_per_second, 4);
    gateway.socket.outbox_frames = config.limits.outbox_frames;
    gateway.socket.outbox_bytes = config.limits.outbox_bytes;
    gateway
}

fn children(
    config: &Config,
    telemetry: &Telemetry,
    rooms: &Rooms,
    door: &Door,
    public: TcpListener,
) -> Vec<Child> {
    let log = DebugLogArguments {
        handle: telemetry.log.clone(),
        limits: videorooms_debug::Limits {
            records: config.log.records,
            bytes: config.log.bytes,
        },
    };
    let gateway = GatewayArguments {
        door: door.clone(),
        listener: Arc::new(public),
    };
    vec![
        Child {
            name: "DebugLog",
            start: start(DebugLog, log),
        },
        Child {
            name: "Rooms",
            start: start(RoomsSupervisor, rooms.clone()),
        },
        Child {
            name: "Gateway",
            start: start(Gateway, gateway),
        },
    ]
}

/// Starts an actor, and starts it again, with the same arguments.
fn start<A>(actor: A, arguments: A::Arguments) -> Start
where
    A: Actor + Copy,
    A::Arguments: Clone + Sync,
{
    Arc::new(move |supervisor: ActorCell| {
        let arguments = arguments.clone();
        async move {
            Ok(Actor::spawn_linked(None, actor, arguments, supervisor)
                .await?
                .0
                .get_cell())
        }
        .boxed()
    })
}

/// The time of day, for what is dated.
#[must_use]
pub fn now() -> Timestamp {
    Timestamp(now_ms())
}

#[expect(clippy::disallowed_methods, reason = "the one clock of this crate")]
fn now_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use videorooms_store::MemoryStore;

    use super::*;

    #[tokio::test]
    async fn a_later_boot_is_known_for_the_later_one_though_the_clock_stepped_back() {
        let store = MemoryStore::new();
        let node: NodeId = "a".parse().unwrap();
        let (first, _) = boot(&store, node.clone(), 5_000).await.unwrap();
        let (second, epoch) = boot(&store, node, 1_000).await.unwrap();
        assert!(second.incarnation > first.incarnation);
        assert_eq!(second.incarnation, epoch.0);
    }
}
