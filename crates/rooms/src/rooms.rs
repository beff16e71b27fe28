//! `Rooms`: the one handle through which doors reach rooms, wherever they live. Cheap to clone.
//!
//! A room that is not in memory is loaded by the first who asks for it. A call whose room dies before it answers is made again, with the same command
//! id, so that it is done once; every call ends within [`RoomsConfig::call_deadline`].

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use ractor::ActorCell;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};
use videorooms_cluster::{Place, View};
use videorooms_domain::{
    ConnectionId, Epoch, NodeIncarnation, ParticipantId, Position, Request, Role, RoomId, SHARDS, SecretHash,
    ShardId, Signal, Snapshot,
};
use videorooms_store::{RoomStore, StoreError};

use crate::api::{Attach, Attached, Overview, RoomsError, Subscribers};
use crate::calls::{Peers, Remote};
use crate::clock::Clock;
use crate::config::RoomsConfig;
use crate::directory::{Directory, PARTS};
use crate::door::{Door, NotSent};
use crate::following::Following;
use crate::media_host::MediaHost;
use crate::metrics as names;
use crate::moves::Moves;
use crate::ownership::Ownership;
use crate::room_actor::{Reply, RoomMessage};
use crate::services::Services;
use crate::tries::{Missed, Owner, Tried, Tries};

mod creating;
mod explaining;
mod media;
mod owning;
mod starting;
mod supervision;

pub(crate) use explaining::Inside;

/// How often a call is made again when the room died under it; a command that kills its room must not do so for ever.
const ATTEMPTS: usize = 3;
const RETRY_AFTER_MS: u64 = 1000;

/// Handle to all rooms.
#[derive(Clone)]
pub struct Rooms {
    shared: Arc<Shared>,
    /// For tests: every room is reached as if it were elsewhere.
    beyond: Option<Arc<dyn Peers>>,
}

struct Shared {
    services: Arc<Services>,
    directory: Arc<Directory>,
    following: Arc<Following>,
    supervisors: RwLock<[Option<ActorCell>; PARTS]>,
    /// By number of the shard: shared by the calls that wait for it.
    parked: Box<[Arc<()>]>,
    /// The table of owners that was acted upon last.
    seen: Mutex<Arc<View>>,
    /// How shards came here.
    moves: Moves,
    leaving: AtomicBool,
}

impl Rooms {
    /// A handle for one boot of one node. Rooms run once a [`crate::RoomsSupervisor`] was started with it.
    #[must_use]
    pub fn new(
        store: Arc<dyn RoomStore>,
        media: MediaHost,
        subscribers: Arc<dyn Subscribers>,
        here: NodeIncarnation,
        ownership: Ownership,
        config: RoomsConfig,
    ) -> Self {
        let following = Arc::new(Following::new(here.clone(), Arc::clone(&subscribers)));
        let services = Services {
            store,
            media,
            subscribers,
            clock: Clock::start(),
            config,
            here,
            ownership,
        };
        let directory = Arc::new(Directory::new());
        let shared = Shared {
            services: Arc::new(services),
            directory,
            following,
            supervisors: RwLock::default(),
            parked: (0..SHARDS).map(|_| Arc::default()).collect(),
            seen: Mutex::default(),
            moves: Moves::default(),
            leaving: AtomicBool::new(false),
        };
        Self {
            shared: Arc::new(shared),
            beyond: None,
        }
    }

    /// What anyone with the link may know.
    ///
    /// # Errors
    /// [`RoomsError::NoSuchRoom`], [`RoomsError::Unavailable`].
    pub async fn overview(&self, room: RoomId) -> Result<Overview, RoomsError> {
        let mut tries = Tries::new(self, room, true);
        loop {
            let tried = match tries.owner().await? {
                Owner::Here => self.overview_here(room).await,
                Owner::There(remote) => Box::pin(remote.overview(room)).await,
            };
            if let Some(overview) = tries.settle(tried).await {
                return overview;
            }
        }
    }

    /// Checks a resume secret without attaching (for REST); answers the role.
    ///
    /// # Errors
    /// [`RoomsError::Rejected`] when it is not (any more) this member's secret, [`RoomsError::NoSuchRoom`], [`RoomsError::Unavailable`].
    pub async fn verify(
        &self,
        room: RoomId,
        participant: ParticipantId,
        secret: SecretHash,
    ) -> Result<Role, RoomsError> {
        let mut tries = Tries::new(self, room, true);
        loop {
            let tried = match tries.owner().await? {
                Owner::Here => self.verify_here(room, participant, secret).await,
                Owner::There(remote) => Box::pin(remote.verify(room, participant, secret)).await,
            };
            if let Some(role) = tries.settle(tried).await {
                return role;
            }
        }
    }

    /// Attaches a socket; makes it a member, rejoins it or puts it into the lobby. Call [`Self::detach`] when the socket ends, whatever
    /// came of this.
    ///
    /// # Errors
    /// [`RoomsError::Rejected`], [`RoomsError::NoSuchRoom`], [`RoomsError::Unavailable`].
    pub async fn attach(&self, room: RoomId, attach: Attach) -> Result<Attached, RoomsError> {
        // Who joins again is who it was.
        let mut tries = Tries::new(self, room, true);
        loop {
            let tried = match tries.owner().await? {
                Owner::Here => self.attach_here(room, &attach, self.here()).await,
                Owner::There(remote) => {
                    self.shared.following.joining(room, remote.to());
                    let attached = Box::pin(remote.attach(room, attach.clone())).await;
                    let position = attached.as_ref().ok().map(|attached| attached.position);
                    self.shared.following.joined(room, remote.to(), position);
                    attached
                }
            };
            if let Some(attached) = tries.settle(tried).await {
                return attached;
            }
        }
    }

    /// A durable command; answers when it is committed. Cancelling the future does not undo it.
    ///
    /// # Errors
    /// [`RoomsError::Rejected`] changes nothing; after [`RoomsError::Unavailable`] the same command id may be sent again and is done once.
    pub async fn execute(&self, room: RoomId, request: Request) -> Result<Position, RoomsError> {
        let mut tries = Tries::new(self, room, request.id.is_some());
        loop {
            let tried = match tries.owner().await? {
                Owner::Here => self.execute_here(room, &request).await,
                Owner::There(remote) => Box::pin(remote.execute(room, request.clone())).await,
            };
            if let Some(position) = tries.settle(tried).await {
                return position;
            }
        }
    }

    /// An ephemeral signal; its notes come as publications. Never waits, so that of a room on another node success says only that it was sent.
    ///
    /// # Errors
    /// [`RoomsError::Unavailable`] when the room is not in memory, is moving, or its queue is full: the signal is dropped.
    pub fn signal(&self, room: RoomId, signal: Signal) -> Result<(), RoomsError> {
        match self.owner_now(room) {
            Some(Owner::Here) => self.signal_here(room, signal),
            Some(Owner::There(remote)) => remote.signal(room, signal),
            None => Err(unavailable("the room is moving")),
        }
    }

    /// The room as this member may see it now, with the position it stands at.
    ///
    /// # Errors
    /// [`RoomsError::Rejected`] for someone who is no member, [`RoomsError::NoSuchRoom`], [`RoomsError::Unavailable`].
    pub async fn snapshot(
        &self,
        room: RoomId,
        participant: ParticipantId,
    ) -> Result<(Position, Snapshot), RoomsError> {
        let mut tries = Tries::new(self, room, true);
        loop {
            let tried = match tries.owner().await? {
                Owner::Here => self.snapshot_here(room, participant).await,
                Owner::There(remote) => Box::pin(remote.snapshot(room, participant)).await,
            };
            if let Some(snapshot) = tries.settle(tried).await {
                return snapshot;
            }
        }
    }

    /// A socket is gone. Lost only with the room's actor or the link to it, after which the roll is called.
    pub fn detach(&self, room: RoomId, participant: ParticipantId, connection: ConnectionId) {
        match self.owner_now(room) {
            Some(Owner::Here) => {
                let gone = Signal::Detached {
                    participant,
                    connection,
                    via: self.here().clone(),
                };
                self.detached(room, gone);
            }
            Some(Owner::There(remote)) => remote.detach(room, participant, connection),
            None => {}
        }
    }

    pub(crate) async fn overview_here(&self, room: RoomId) -> Tried<Overview> {
        self.call(room, RoomMessage::Overview).await
    }

    pub(crate) async fn verify_here(
        &self,
        room: RoomId,
        participant: ParticipantId,
        secret: SecretHash,
    ) -> Tried<Role> {
        self.call(room, |reply| RoomMessage::Verify(participant, secret, reply))
            .await
    }

    /// `via`: the node at which the socket is.
    pub(crate) async fn attach_here(
        &self,
        room: RoomId,
        attach: &Attach,
        via: &NodeIncarnation,
    ) -> Tried<Attached> {
        self.stays()?;
        let message = |reply| RoomMessage::Attach(Box::new((attach.clone(), via.clone())), reply);
        self.call(room, message).await
    }

    pub(crate) async fn execute_here(&self, room: RoomId, request: &Request) -> Tried<Position> {
        self.stays()?;
        let message = |reply| RoomMessage::Execute(Box::new(request.clone()), reply);
        self.call(room, message).await
    }

    pub(crate) async fn snapshot_here(
        &self,
        room: RoomId,
        participant: ParticipantId,
    ) -> Tried<(Position, Snapshot)> {
        self.call(room, |reply| RoomMessage::Snapshot(participant, reply))
            .await
    }

    pub(crate) fn signal_here(&self, room: RoomId, signal: Signal) -> Result<(), RoomsError> {
        let door = self
            .shared
            .directory
            .existing(room)
            .ok_or_else(|| unavailable("the room is moving"))?;
        match door.send(
            RoomMessage::Signal(signal),
            self.shared.services.config.max_room_queue,
        ) {
            Ok(_) => Ok(()),
            Err(NotSent::Shut | NotSent::Ended(_)) => Err(unavailable("the room is moving")),
            Err(NotSent::Full) => Err(queue_full()),
        }
    }

    /// Tells a room on this node of a socket that is gone, from this node or another.
    pub(crate) fn detached(&self, room: RoomId, gone: Signal) {
        if let Some(door) = self.shared.directory.existing(room) {
            // A goodbye is never refused: it is what relieves a room.
            drop(door.send(RoomMessage::Signal(gone), usize::MAX));
        }
    }

    /// Rooms in memory on this node.
    #[must_use]
    pub fn live_rooms(&self) -> usize {
        self.shared.directory.live()
    }

    /// Says whether durable commands would be taken now.
    ///
    /// # Errors
    /// [`StoreError`] with the reason, for readiness.
    pub async fn store_health(&self) -> Result<(), StoreError> {
        self.shared.services.store.health().await
    }

    /// Wakes rooms whose time has come and, once after the start, every stored room, so that nothing lives longer than its grace because
    /// nobody asked for it. Runs until it is dropped.
    pub async fn keep_house(&self) {
        crate::housekeeping::run(self, &self.shared.services, &self.shared.directory).await;
    }

    /// This boot of this node.
    pub(crate) fn here(&self) -> &NodeIncarnation {
        &self.shared.services.here
    }

    pub(crate) fn ownership(&self) -> &Ownership {
        &self.shared.services.ownership
    }

    pub(crate) fn following(&self) -> &Arc<Following> {
        &self.shared.following
    }

    /// Held by a call while it waits for the shard to have an owner.
    pub(crate) fn parked(&self, shard: ShardId) -> Arc<()> {
        Arc::clone(&self.shared.parked[usize::from(shard.0)])
    }

    /// Where the room is at this moment, if it is anywhere.
    fn owner_now(&self, room: RoomId) -> Option<Owner> {
        if let Some(elsewhere) = self.elsewhere() {
            return Some(Owner::There(elsewhere));
        }
        match self.ownership().place(room.shard()) {
            Place::Here(_) => Some(Owner::Here),
            Place::There(node, epoch) => {
                let until = Instant::now() + self.call_deadline();
                let peers = self.ownership().peers()?;
                Some(Owner::There(self.remote(peers, node, epoch, until)))
            }
            Place::Nowhere => None,
        }
    }

    /// The rooms of another node; a call ends by `until`.
    pub(crate) fn remote(
        &self,
        peers: &Arc<dyn Peers>,
        node: NodeIncarnation,
        epoch: Epoch,
        until: Instant,
    ) -> Remote {
        let within = until.saturating_duration_since(Instant::now());
        Remote::new(Arc::clone(peers), node, self.here().clone(), epoch, within)
    }

    /// For tests: where everything is reached that is reached as if it were elsewhere.
    pub(crate) fn elsewhere(&self) -> Option<Remote> {
        let beyond = self.beyond.as_ref()?;
        let until = Instant::now() + self.call_deadline();
        let Place::Here(epoch) = self.ownership().place(ShardId(0)) else {
            return None;
        };
        Some(self.remote(beyond, self.here().clone(), epoch, until))
    }

    /// No call takes longer.
    pub(crate) fn call_deadline(&self) -> Duration {
        self.shared.services.config.call_deadline
    }

    /// The same handle, but its rooms are reached through a link.
    #[cfg(any(test, feature = "test-kit"))]
    pub(crate) fn beyond(&self, peers: Arc<dyn Peers>) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            beyond: Some(peers),
        }
    }

    /// Set once, when the node stops.
    pub(crate) fn leaving(&self) -> &AtomicBool {
        &self.shared.leaving
    }

    /// Doors of the rooms in memory.
    pub(crate) fn open_doors(&self) -> Vec<Arc<Door>> {
        self.shared.directory.open_doors()
    }

    /// Makes sure that the room is in memory.
    pub(crate) async fn wake(&self, room: RoomId) -> Result<(), RoomsError> {
        match self.open_door(room).await {
            Ok(_) => Ok(()),
            // Whoever owns it wakes it.
            Err(Missed::Moved | Missed::Lost { .. }) => Ok(()),
            Err(Missed::Failed(error)) => Err(error),
        }
    }

    async fn call<T>(&self, room: RoomId, message: impl Fn(Reply<T>) -> RoomMessage) -> Tried<T> {
        let config = &self.shared.services.config;
        let attempts = async {
            for _ in 0..ATTEMPTS {
                let door = self.open_door(room).await?;
                let (reply, answer) = oneshot::channel();
                match door.send(message(reply), config.max_room_queue) {
                    Err(NotSent::Full) => return Err(queue_full().into()),
                    Err(NotSent::Shut) => {}
                    Err(NotSent::Ended(actor)) => door.until_shut(actor).await,
                    Ok(actor) => match answer.await {
                        Ok(answer) => return answer.map_err(Missed::from),
                        Err(_) => door.until_shut(actor).await,
                    },
                }
            }
            Err(unavailable("the room is restarting").into())
        };
        timeout(config.call_deadline, attempts)
            .await
            .unwrap_or_else(|_| Err(no_answer_in_time().into()))
    }

    /// Makes the room's actor panic, as a bug in a rule would.
    #[cfg(any(test, feature = "test-kit"))]
    pub fn panic_room(&self, room: RoomId) {
        if let Some(door) = self.shared.directory.existing(room) {
            drop(door.send(RoomMessage::Panic, usize::MAX));
        }
    }

    /// Doors kept, of rooms in memory or not.
    #[cfg(any(test, feature = "test-kit"))]
    #[must_use]
    pub fn doors(&self) -> usize {
        self.shared.directory.doors()
    }

    /// Kills the room's actor.
    #[cfg(any(test, feature = "test-kit"))]
    pub fn kill_room(&self, room: RoomId) {
        if let Some(actor) = self.shared.directory.existing(room).and_then(|door| door.actor()) {
            actor.kill();
        }
    }
}

pub(crate) fn unavailable(reason: &'static str) -> RoomsError {
    RoomsError::Unavailable {
        reason: Cow::Borrowed(reason),
        retry_after_ms: RETRY_AFTER_MS,
    }
}

pub(crate) fn no_answer_in_time() -> RoomsError {
    unavailable("no answer in time")
}

fn queue_full() -> RoomsError {
    metrics::counter!(names::QUEUE_FULL).increment(1);
    unavailable("the room has too much to do")
}
