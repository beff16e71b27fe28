//! `Rooms`: the one handle through which doors reach rooms, wherever they live. Cheap to clone.
//!
//! A room that is not in memory is loaded by the first who asks for it. A call whose room dies before it answers is made again, with the same command
//! id, so that it is done once; every call ends within [`RoomsConfig::call_deadline`].

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use parking_lot::RwLock;
use ractor::ActorCell;
use tokio::sync::oneshot;
use tokio::time::timeout;
use videorooms_domain::{
    ConnectionId, Epoch, NodeIncarnation, ParticipantId, Position, Request, Role, RoomId, SecretHash, Signal,
    Snapshot,
};
use videorooms_store::{RoomStore, StoreError};

use crate::api::{Attach, Attached, Overview, RoomsError, Subscribers};
use crate::calls::{Link, Remote};
use crate::clock::Clock;
use crate::config::RoomsConfig;
use crate::directory::{Directory, PARTS};
use crate::door::{Door, NotSent};
use crate::media_host::MediaHost;
use crate::metrics as names;
use crate::room_actor::{Reply, RoomMessage};
use crate::services::Services;

mod creating;
mod starting;
mod supervision;

/// How often a call is made again when the room died under it; a command that kills its room must not do so for ever.
const ATTEMPTS: usize = 3;
const RETRY_AFTER_MS: u64 = 1000;

/// Handle to all rooms.
#[derive(Clone)]
pub struct Rooms {
    shared: Arc<Shared>,
    reach: Reach,
}

/// Where the rooms of a handle are reached.
#[derive(Clone)]
enum Reach {
    /// On this node: nothing is encoded or copied.
    Here,
    /// On another one.
    Link(Arc<Remote>),
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
            reach: Reach::Here,
        }
    }

    /// What anyone with the link may know.
    ///
    /// # Errors
    /// [`RoomsError::NoSuchRoom`], [`RoomsError::Unavailable`].
    pub async fn overview(&self, room: RoomId) -> Result<Overview, RoomsError> {
        match &self.reach {
            Reach::Here => self.call(room, RoomMessage::Overview).await,
            Reach::Link(remote) => Box::pin(remote.overview(room)).await,
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
        match &self.reach {
            Reach::Here => {
                self.call(room, |reply| RoomMessage::Verify(participant, secret, reply))
                    .await
            }
            Reach::Link(remote) => Box::pin(remote.verify(room, participant, secret)).await,
        }
    }

    /// Attaches a socket; makes it a member, rejoins it or puts it into the lobby. Call [`Self::detach`] when the socket ends, whatever
    /// came of this.
    ///
    /// # Errors
    /// [`RoomsError::Rejected`], [`RoomsError::NoSuchRoom`], [`RoomsError::Unavailable`].
    pub async fn attach(&self, room: RoomId, attach: Attach) -> Result<Attached, RoomsError> {
        match &self.reach {
            Reach::Here => {
                self.stays()?;
                self.call(room, |reply| RoomMessage::Attach(Box::new(attach.clone()), reply))
                    .await
            }
            Reach::Link(remote) => Box::pin(remote.attach(room, attach)).await,
        }
    }

    /// A durable command; answers when it is committed. Cancelling the future does not undo it.
    ///
    /// # Errors
    /// [`RoomsError::Rejected`] changes nothing; after [`RoomsError::Unavailable`] the same command id may be sent again and is done once.
    pub async fn execute(&self, room: RoomId, request: Request) -> Result<Position, RoomsError> {
        match &self.reach {
            Reach::Here => {
                self.stays()?;
                self.call(room, |reply| {
                    RoomMessage::Execute(Box::new(request.clone()), reply)
                })
                .await
            }
            Reach::Link(remote) => Box::pin(remote.execute(room, request)).await,
        }
    }

    /// An ephemeral signal; its notes come as publications. Never waits, so that of a room on another node success says only that it was sent.
    ///
    /// # Errors
    /// [`RoomsError::Unavailable`] when the room is not in memory or its queue is full: the signal is dropped.
    pub fn signal(&self, room: RoomId, signal: Signal) -> Result<(), RoomsError> {
        if let Reach::Link(remote) = &self.reach {
            return remote.signal(room, signal);
        }
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
        match &self.reach {
            Reach::Here => {
                self.call(room, |reply| RoomMessage::Snapshot(participant, reply))
                    .await
            }
            Reach::Link(remote) => Box::pin(remote.snapshot(room, participant)).await,
        }
    }

    /// A socket is gone. Lost only with the room's actor, which asks for the roll call when it is back.
    pub fn detach(&self, room: RoomId, participant: ParticipantId, connection: ConnectionId) {
        if let Reach::Link(remote) = &self.reach {
            return remote.detach(room, participant, connection);
        }
        let gone = Signal::Detached {
            participant,
            connection,
            via: self.here().clone(),
        };
        self.detached(room, gone);
    }

    /// Tells a room on this node of a socket that is gone, from this node or another.
    pub(crate) fn detached(&self, room: RoomId, gone: Signal) {
        if let Some(door) = self.shared.directory.existing(room) {
            // A goodbye is never refused: it is what relieves a room.
            drop(door.send(RoomMessage::Signal(gone), usize::MAX));
        }
    }

    /// The media server gave a participant a credential by rights that may have changed since; the room sets those that hold now. Lost only
    /// with the room's actor, whose successor sets everyone's.
    pub fn media_admitted(&self, room: RoomId, participant: ParticipantId) {
        if let Reach::Link(remote) = &self.reach {
            return remote.media_admitted(room, participant);
        }
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

    /// This boot of this node.
    pub(crate) fn here(&self) -> &NodeIncarnation {
        &self.shared.services.here
    }

    /// The reign in which this node owns its rooms.
    pub(crate) fn epoch(&self) -> Epoch {
        self.shared.services.epoch
    }

    /// No call takes longer.
    pub(crate) fn call_deadline(&self) -> Duration {
        self.shared.services.config.call_deadline
    }

    /// The same handle, but its rooms are reached through a link.
    #[cfg_attr(
        not(any(test, feature = "test-kit")),
        expect(
            dead_code,
            reason = "one node alone has no link but the loopback of its tests"
        )
    )]
    pub(crate) fn beyond(&self, link: Arc<dyn Link>) -> Self {
        let remote = Remote::new(link, self.here().clone(), self.epoch(), self.call_deadline());
        Self {
            shared: Arc::clone(&self.shared),
            reach: Reach::Link(Arc::new(remote)),
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
            .unwrap_or_else(|_| Err(no_answer_in_time()))
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
