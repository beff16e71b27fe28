//! `Rooms`: the one handle through which doors reach rooms, wherever they live. Cheap to clone.
//!
//! A room that is not in memory is loaded by the first who asks for it. A call whose room dies before it answers is made again, with the same command
//! id, so that it is done once; every call ends within [`RoomsConfig::call_deadline`].

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use parking_lot::RwLock;
use ractor::ActorCell;
use tokio::sync::oneshot;
use tokio::time::timeout;
use videorooms_domain::{
    ConnectionId, Epoch, NodeIncarnation, ParticipantId, Position, Request, Role, Room, RoomId, SecretHash,
    Seq, Signal, Snapshot, encode_record,
};
use videorooms_store::{Commit, RoomStore, StoreError, Verdict};

use crate::api::{Attach, Attached, CreateRoom, Overview, RoomsError, Subscribers};
use crate::clock::Clock;
use crate::config::RoomsConfig;
use crate::directory::{Directory, PARTS};
use crate::door::{Door, NotSent};
use crate::media_host::MediaHost;
use crate::metrics as names;
use crate::room_actor::{Reply, RoomMessage};
use crate::services::Services;

mod starting;
mod supervision;

/// How often a call is made again when the room died under it; a command that kills its room must not do so for ever.
const ATTEMPTS: usize = 3;
const RETRY_AFTER_MS: u64 = 1000;

/// Handle to all rooms.
#[derive(Clone)]
pub struct Rooms {
    shared: Arc<Shared>,
}

struct Shared {
    services: Arc<Services>,
    directory: Arc<Directory>,
    supervisors: RwLock<[Option<ActorCell>; PARTS]>,
    leaving: AtomicBool,
}

impl Rooms {
    /// A handle for one boot of one node, which owns every room. Rooms run once a [`crate::RoomsSupervisor`] was started with it.
    #[must_use]
    pub fn new(
        store: Arc<dyn RoomStore>,
        media: MediaHost,
        subscribers: Arc<dyn Subscribers>,
        here: NodeIncarnation,
        epoch: Epoch,
        config: RoomsConfig,
    ) -> Self {
        let services = Services {
            store,
            media,
            subscribers,
            clock: Clock::start(),
            config,
            here,
            epoch,
        };
        let directory = Arc::new(Directory::new());
        let shared = Shared {
            services: Arc::new(services),
            directory,
            supervisors: RwLock::default(),
            leaving: AtomicBool::new(false),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Creates a room under a fresh random id; durable when it returns.
    ///
    /// # Errors
    /// [`RoomsError::Rejected`] for settings out of range, [`RoomsError::Unavailable`] when the store gives no verdict in time: the room may then exist, but nobody
    /// knows its id.
    pub async fn create(&self, request: CreateRoom) -> Result<RoomId, RoomsError> {
        self.stays()?;
        let services = &self.shared.services;
        let mut bits = [0; 16];
        getrandom::fill(&mut bits).map_err(|_| unavailable("no randomness"))?;
        let id = RoomId(u128::from_be_bytes(bits));
        let now = services.clock.now();
        let (_, record) = Room::create(id, now, services.epoch, request.settings)?;
        let commit = Commit {
            room: id,
            epoch: services.epoch,
            expect: Seq(0),
            last: record.last(),
            record: encode_record(&record),
            snapshot: None,
        };
        // Though its fate stay unknown: if it exists, it ends when nobody comes.
        self.shared
            .directory
            .wake_at(now.after(services.config.grace.empty), id);
        timeout(services.config.call_deadline, self.insist(&commit))
            .await
            .unwrap_or_else(|_| Err(unavailable("the store does not answer")))?;
        metrics::counter!(names::CREATED).increment(1);
        Ok(id)
    }

    /// Sends a commit again while its fate is unknown; the store knows it by its bytes.
    async fn insist(&self, commit: &Commit) -> Result<(), RoomsError> {
        let Services { store, config, .. } = &*self.shared.services;
        let mut pause = config.commit_retry;
        loop {
            let verdicts = timeout(config.commit_deadline, store.commit(vec![commit.clone()])).await;
            match verdicts.ok().and_then(|mut verdicts| verdicts.pop()) {
                Some(Verdict::Committed) => return Ok(()),
                Some(Verdict::Deposed { .. } | Verdict::Behind { .. }) => {
                    return Err(unavailable("the store has another owner"));
                }
                Some(Verdict::Unknown { .. }) | None => {
                    metrics::counter!(names::COMMITS_UNKNOWN).increment(1);
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(config.commit_retry_max);
                }
            }
        }
    }

    /// What anyone with the link may know.
    ///
    /// # Errors
    /// [`RoomsError::NoSuchRoom`], [`RoomsError::Unavailable`].
    pub async fn overview(&self, room: RoomId) -> Result<Overview, RoomsError> {
        self.call(room, RoomMessage::Overview).await
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
        self.call(room, |reply| RoomMessage::Verify(participant, secret, reply))
            .await
    }

    /// Attaches a socket; makes it a member, rejoins it or puts it into the lobby. Call [`Self::detach`] when the socket ends, whatever
    /// came of this.
    ///
    /// # Errors
    /// [`RoomsError::Rejected`], [`RoomsError::NoSuchRoom`], [`RoomsError::Unavailable`].
    pub async fn attach(&self, room: RoomId, attach: Attach) -> Result<Attached, RoomsError> {
        self.stays()?;
        self.call(room, |reply| RoomMessage::Attach(Box::new(attach.clone()), reply))
            .await
    }

    /// A durable command; answers when it is committed. Cancelling the future does not undo it.
    ///
    /// # Errors
    /// [`RoomsError::Rejected`] changes nothing; after [`RoomsError::Unavailable`] the same command id may be sent again and is done once.
    pub async fn execute(&self, room: RoomId, request: Request) -> Result<Position, RoomsError> {
        self.stays()?;
        self.call(room, |reply| {
            RoomMessage::Execute(Box::new(request.clone()), reply)
        })
        .await
    }

    /// An ephemeral signal; its notes come as publications. Never waits.
    ///
    /// # Errors
    /// [`RoomsError::Unavailable`] when the room is not in memory or its queue is full: the signal is dropped.
    pub fn signal(&self, room: RoomId, signal: Signal) -> Result<(), RoomsError> {
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

    /// The room as this member may see it now, with the position it stands at.
    ///
    /// # Errors
    /// [`RoomsError::Rejected`] for someone who is no member, [`RoomsError::NoSuchRoom`], [`RoomsError::Unavailable`].
    pub async fn snapshot(
        &self,
        room: RoomId,
        participant: ParticipantId,
    ) -> Result<(Position, Snapshot), RoomsError> {
        self.call(room, |reply| RoomMessage::Snapshot(participant, reply))
            .await
    }

    /// A socket is gone. Lost only with the room's actor, which asks for the roll call when it is back.
    pub fn detach(&self, room: RoomId, participant: ParticipantId, connection: ConnectionId) {
        let signal = Signal::Detached {
            participant,
            connection,
            via: self.shared.services.here.clone(),
        };
        if let Some(door) = self.shared.directory.existing(room) {
            // A goodbye is never refused: it is what relieves a room.
            drop(door.send(RoomMessage::Signal(signal), usize::MAX));
        }
    }

    /// The media server gave a participant a credential by rights that may have changed since; the room sets those that hold now. Lost only
    /// with the room's actor, whose successor sets everyone's.
    pub fn media_admitted(&self, room: RoomId, participant: ParticipantId) {
        if let Some(door) = self.shared.directory.existing(room) {
            // Never refused, as a goodbye: a mute must not be lost in a rush.
            drop(door.send(RoomMessage::MediaAdmitted(participant), usize::MAX));
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
        self.open_door(room).await.map(drop)
    }

    async fn call<T>(
        &self,
        room: RoomId,
        message: impl Fn(Reply<T>) -> RoomMessage,
    ) -> Result<T, RoomsError> {
        let config = &self.shared.services.config;
        let attempts = async {
            for _ in 0..ATTEMPTS {
                let door = self.open_door(room).await?;
                let (reply, answer) = oneshot::channel();
                match door.send(message(reply), config.max_room_queue) {
                    Err(NotSent::Full) => return Err(queue_full()),
                    Err(NotSent::Shut) => {}
                    Err(NotSent::Ended(actor)) => door.until_shut(actor).await,
                    Ok(actor) => match answer.await {
                        Ok(answer) => return answer,
                        Err(_) => door.until_shut(actor).await,
                    },
                }
            }
            Err(unavailable("the room is restarting"))
        };
        timeout(config.call_deadline, attempts)
            .await
            .unwrap_or_else(|_| Err(unavailable("no answer in time")))
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
        reason,
        retry_after_ms: RETRY_AFTER_MS,
    }
}

fn queue_full() -> RoomsError {
    metrics::counter!(names::QUEUE_FULL).increment(1);
    unavailable("the room has too much to do")
}
