//! What every request and every socket of a node shares: [`Door`], which outlives the gateway actor.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use serde::Serialize;
use utoipa::ToSchema;
use videorooms_debug::DebugLogHandle;
use videorooms_domain::{NodeIncarnation, ParticipantId, RoomId};
use videorooms_rooms::{MediaHost, Rooms};

use crate::auth::{Keys, Passwords};
use crate::config::GatewayConfig;
use crate::hub::Hub;
use crate::limits::Buckets;
use crate::socket::{Flushers, Sockets, outbox::Outbox};

/// Between two batches of sockets that are sent away.
const DRAIN_PAUSE: Duration = Duration::from_millis(50);
/// Batches in which all are sent away, so that they do not come back in one instant.
const DRAIN_BATCHES: usize = 20;
/// How long a drain waits for clients to take their goodbye.
const DRAIN_DEADLINE: Duration = Duration::from_secs(3);

/// How one service of the node is, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ServiceStatus {
    /// Which: `gateway`, `rooms`, `store`, `media`, `debug`, and `cluster` where there is one.
    pub name: &'static str,
    /// `ok` or `down`.
    pub status: &'static str,
    /// More for people; no secrets.
    pub detail: String,
}

/// Knows how the services of this node are.
#[async_trait]
pub trait StatusSource: Send + Sync + 'static {
    /// Asks them all now; each within a deadline of its own.
    async fn services(&self) -> Vec<ServiceStatus>;
}

/// What a [`Door`] is made of.
pub struct DoorParts {
    /// Settings.
    pub config: GatewayConfig,
    /// The way to rooms.
    pub rooms: Rooms,
    /// The way to media.
    pub media: MediaHost,
    /// Who hears which room.
    pub hub: Arc<Hub>,
    /// For tokens.
    pub keys: Keys,
    /// The debug log.
    pub log: DebugLogHandle,
    /// This boot of this node.
    pub node: NodeIncarnation,
    /// For `/api/status`.
    pub status: Arc<dyn StatusSource>,
}

/// Handle to the public door. Cheap to clone; lives as long as the node.
#[derive(Clone)]
pub struct Door(Arc<Shared>);

pub(crate) type GatewayState = Door;

struct Shared {
    parts: DoorParts,
    passwords: Passwords,
    sockets: Arc<Sockets>,
    flushers: Arc<Flushers>,
    http: Buckets<IpAddr>,
    upgrades: Buckets<IpAddr>,
    guesses: Buckets<(RoomId, IpAddr)>,
    joins: Buckets<IpAddr>,
    pushes: Buckets<(RoomId, ParticipantId)>,
    chat: Buckets<(RoomId, ParticipantId)>,
    room_pushes: Buckets<RoomId>,
    draining: AtomicBool,
    fenced: AtomicBool,
    started: Instant,
}

impl Door {
    /// A door that no listener serves yet.
    ///
    /// # Panics
    /// Outside a runtime.
    #[must_use]
    pub fn new(parts: DoorParts) -> Self {
        let limits = &parts.config.limits;
        Self(Arc::new(Shared {
            passwords: Passwords::default(),
            sockets: Sockets::new(limits.max_sockets),
            flushers: Flushers::new(),
            http: Buckets::new(limits.http),
            upgrades: Buckets::new(limits.sockets),
            guesses: Buckets::new(limits.passwords),
            joins: Buckets::new(limits.address_joins),
            pushes: Buckets::new(limits.pushes),
            chat: Buckets::new(limits.chat),
            room_pushes: Buckets::new(limits.room_pushes),
            draining: AtomicBool::new(false),
            fenced: AtomicBool::new(false),
            started: Instant::now(),
            parts,
        }))
    }

    /// Sends every client away: new sockets are refused with 503, what is waiting is written, then sockets are closed with 1012 in batches over
    /// a second. Answers when all are gone, or after 3 s more.
    pub async fn drain(&self) {
        self.0.draining.store(true, Ordering::Relaxed);
        let mut sockets = self.sockets().all();
        shuffle(&mut sockets);
        for batch in sockets.chunks(sockets.len().div_ceil(DRAIN_BATCHES).max(1)) {
            batch.iter().for_each(|outbox| outbox.restart());
            tokio::time::sleep(DRAIN_PAUSE).await;
        }
        // Whoever was being let in when the drain began.
        self.sockets().restart_all();
        drop(tokio::time::timeout(DRAIN_DEADLINE, self.sockets().empty()).await);
    }

    /// The node has lost its lease, or has one again. While it has none, every client is sent away with 1012, to another node.
    pub fn fence(&self, is_fenced: bool) {
        let was_fenced = self.0.fenced.swap(is_fenced, Ordering::SeqCst);
        if is_fenced && !was_fenced {
            self.sockets().all().iter().for_each(|outbox| outbox.restart());
        }
    }

    /// No new sockets for now: the node has no lease.
    #[must_use]
    pub fn is_fenced(&self) -> bool {
        self.0.fenced.load(Ordering::SeqCst)
    }

    /// No new sockets: the node is leaving.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.0.draining.load(Ordering::Relaxed)
    }

    /// Sockets open now.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.sockets().count()
    }

    pub(crate) fn config(&self) -> &GatewayConfig {
        &self.0.parts.config
    }

    pub(crate) fn rooms(&self) -> &Rooms {
        &self.0.parts.rooms
    }

    pub(crate) fn media(&self) -> &MediaHost {
        &self.0.parts.media
    }

    pub(crate) fn hub(&self) -> &Arc<Hub> {
        &self.0.parts.hub
    }

    pub(crate) fn keys(&self) -> &Keys {
        &self.0.parts.keys
    }

    pub(crate) fn log(&self) -> &DebugLogHandle {
        &self.0.parts.log
    }

    pub(crate) fn node(&self) -> &NodeIncarnation {
        &self.0.parts.node
    }

    pub(crate) fn status(&self) -> &dyn StatusSource {
        &*self.0.parts.status
    }

    pub(crate) fn passwords(&self) -> &Passwords {
        &self.0.passwords
    }

    pub(crate) fn sockets(&self) -> &Arc<Sockets> {
        &self.0.sockets
    }

    pub(crate) fn flushers(&self) -> &Arc<Flushers> {
        &self.0.flushers
    }

    /// Requests of one address.
    pub(crate) fn http_rate(&self) -> &Buckets<IpAddr> {
        &self.0.http
    }

    /// Upgrades of one address.
    pub(crate) fn upgrade_rate(&self) -> &Buckets<IpAddr> {
        &self.0.upgrades
    }

    /// Guesses of one room's password from one address.
    pub(crate) fn guess_rate(&self) -> &Buckets<(RoomId, IpAddr)> {
        &self.0.guesses
    }

    /// Joins of one address.
    pub(crate) fn join_rate(&self) -> &Buckets<IpAddr> {
        &self.0.joins
    }

    /// Pushes of one member.
    pub(crate) fn push_rate(&self) -> &Buckets<(RoomId, ParticipantId)> {
        &self.0.pushes
    }

    /// Chat lines of one member.
    pub(crate) fn chat_rate(&self) -> &Buckets<(RoomId, ParticipantId)> {
        &self.0.chat
    }

    /// Pushes of all members of one room.
    pub(crate) fn room_rate(&self) -> &Buckets<RoomId> {
        &self.0.room_pushes
    }

    pub(crate) fn uptime(&self) -> Duration {
        self.0.started.elapsed()
    }
}

/// Fisher–Yates; without randomness the order stays, which only costs the spread.
fn shuffle(sockets: &mut [Arc<Outbox>]) {
    for last in (1..sockets.len()).rev() {
        let Ok(random) = getrandom::u32() else { return };
        sockets.swap(last, random as usize % (last + 1));
    }
}
