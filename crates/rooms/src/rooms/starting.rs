//! How a room comes into memory: read from the store and put under its supervisor, by one caller at a time.

use std::sync::Arc;

use ractor::{Actor, ActorCell, ActorRef, ActorStatus};
use tokio::time::timeout;
use videorooms_cluster::Place;
use videorooms_domain::{Epoch, RoomId};

use super::{Rooms, Shared, unavailable};
use crate::api::RoomsError;
use crate::directory::part_of;
use crate::door::{Door, Standing};
use crate::load::{self, Stored};
use crate::metrics as names;
use crate::room_actor::{Envelope, Loaded, RoomActor};
use crate::tries::{Missed, Tried};

impl Rooms {
    pub(super) async fn open_door(&self, room: RoomId) -> Tried<Arc<Door>> {
        if let Some(door) = self.shared.directory.existing(room).filter(|door| door.is_open()) {
            return Ok(door);
        }
        // In a task of its own: a caller that gives up must not leave a half-started room behind.
        let rooms = self.clone();
        let start = tokio::spawn(async move { rooms.start(room).await });
        start
            .await
            .unwrap_or_else(|_| Err(unavailable("the room could not be started").into()))
    }

    pub(super) async fn start(&self, room: RoomId) -> Tried<Arc<Door>> {
        let directory = &self.shared.directory;
        loop {
            let door = directory.door(room);
            let mut standing = door.start.lock().await;
            if *standing == Standing::Retired {
                continue;
            }
            if door.is_open() {
                drop(standing);
                return Ok(door);
            }
            let started = self.start_behind(&door).await;
            if started.is_err() && door.budget.lock().is_untouched() {
                // Asking for rooms that are not there, or not to be had now, must not fill the directory.
                *standing = Standing::Retired;
                directory.retire(room);
            }
            drop(standing);
            return started.map(|()| door);
        }
    }

    async fn start_behind(&self, door: &Arc<Door>) -> Tried<()> {
        let Shared {
            services, directory, ..
        } = &*self.shared;
        if directory.live() >= services.config.max_live_rooms {
            return Err(RoomsError::TooManyRooms.into());
        }
        let rest = door.budget.lock().rest();
        if !rest.is_zero() {
            let retry_after_ms = (rest.as_millis() as u64).max(1);
            return Err(Missed::Failed(RoomsError::Unavailable {
                reason: "the room crashed repeatedly".into(),
                retry_after_ms,
            }));
        }
        // Before it is read: who loses the room meanwhile is refused by the store.
        let Place::Here(epoch) = services.ownership.place(door.room.shard()) else {
            return Err(Missed::Moved);
        };
        let stored = self.read(door).await?;
        let loaded = Loaded {
            stored,
            epoch,
            door: Arc::clone(door),
            directory: Arc::clone(directory),
            services: Arc::clone(services),
        };
        let supervisor = self
            .supervisor_of(part_of(door.room))
            .ok_or_else(|| unavailable("rooms are starting"))?;
        let spawned = Actor::spawn_linked(None, RoomActor, loaded, supervisor.clone()).await;
        let (actor, _) = spawned.map_err(|_| unavailable("the room could not be started"))?;
        self.take_in(door, actor, epoch, &supervisor);
        Ok(())
    }

    /// Reads a room once no commit of a predecessor is on its way any more, or removes it if it ended long ago.
    async fn read(&self, door: &Door) -> Result<Stored, RoomsError> {
        let services = &*self.shared.services;
        let deadline = services.config.commit_deadline;
        let away = |_| unavailable("the store does not answer");
        let _gate = timeout(deadline, door.gate.lock()).await.map_err(away)?;
        let stored = load::load(&*services.store, door.room, deadline).await?;
        let forget_at = services.forget_at(&stored.room);
        if forget_at.is_none_or(|at| at > services.clock.now()) {
            return Ok(stored);
        }
        // Its end may not have reached the media server.
        let node = stored.room.media_node();
        if let Some(media) = node.and_then(|node| services.media.reach(door.room, node)) {
            let closed = media.close().await;
            closed.map_err(|_| unavailable("the media server does not answer"))?;
        }
        let removed = timeout(deadline, services.store.remove(door.room)).await;
        removed
            .map_err(away)?
            .map_err(|_| unavailable("the store does not answer"))?;
        metrics::counter!(names::FORGOTTEN).increment(1);
        Err(RoomsError::NoSuchRoom)
    }

    /// Opens the door to an actor. It, or its supervisor, may have ended before the directory knew of it; then nobody else will notice. The
    /// door first: an end that is dealt with finds it open and shuts it.
    fn take_in(&self, door: &Arc<Door>, actor: ActorRef<Envelope>, epoch: Epoch, supervisor: &ActorCell) {
        let cell = actor.get_cell();
        door.loaded(self.shared.services.clock.now());
        door.open(actor, epoch);
        if self.shared.directory.opened(door, cell.clone()) {
            let shard = door.room.shard();
            self.shared.services.ownership.in_use(shard, true);
        }
        let part = part_of(door.room);
        let in_charge = self
            .supervisor_of(part)
            .filter(|current| current.get_id() == supervisor.get_id());
        let is_watched = in_charge.is_some_and(|current| current.get_status() < ActorStatus::Stopping);
        if !is_watched || cell.get_status() >= ActorStatus::Stopping {
            self.bury(part, cell);
        }
    }

    fn supervisor_of(&self, part: usize) -> Option<ActorCell> {
        self.shared.supervisors.read()[part].clone()
    }
}
