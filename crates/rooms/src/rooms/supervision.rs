//! What happens when a room's actor ends: its end is counted, its members hear of it, its door is shut, and if anyone is attached the room is
//! started again. In this order: a caller that finds the door shut starts the room itself, and "moving" must not follow "resumed".

use std::sync::Arc;
use std::time::Duration;

use ractor::{ActorCell, ActorId};
use videorooms_cluster::Place;
use videorooms_domain::RoomId;

use super::{RETRY_AFTER_MS, Rooms};
use crate::api::{Body, Publication, RoomsError};
use crate::door::{Door, Standing};
use crate::metrics as names;
use crate::room_actor::{DEPOSED, IDLE, RESTORED};
use crate::tries::Missed;

impl Rooms {
    pub(crate) fn supervised_by(&self, part: usize, supervisor: ActorCell) {
        self.shared.supervisors.write()[part] = Some(supervisor);
    }

    pub(crate) fn part_supervised_by(&self, supervisor: ActorId) -> Option<usize> {
        let supervisors = self.shared.supervisors.read();
        supervisors
            .iter()
            .position(|cell| cell.as_ref().is_some_and(|cell| cell.get_id() == supervisor))
    }

    /// A room's actor stopped for a reason of its own, or was killed.
    pub(crate) fn stopped(&self, part: usize, actor: ActorId, reason: Option<&str>) {
        let Some(door) = self.ended(part, actor) else {
            return;
        };
        match reason {
            Some(IDLE) => {
                door.shut(actor);
                self.retire(door);
            }
            Some(DEPOSED) => {
                door.shut(actor);
                self.retire(door);
            }
            Some(RESTORED) => self.start_anew(actor, door),
            Some(_) | None => self.revive(actor, door),
        }
    }

    /// A room's actor panicked.
    pub(crate) fn crashed(&self, part: usize, actor: ActorId, error: &dyn std::fmt::Display) {
        if let Some(door) = self.ended(part, actor) {
            tracing::error!(room.id = %door.room, %error, "room crashed");
            self.revive(actor, door);
        }
    }

    fn ended(&self, part: usize, actor: ActorId) -> Option<Arc<Door>> {
        let door = self.shared.directory.ended(part, actor)?;
        let shard = door.room.shard();
        if !self.shared.directory.is_in_use(shard) {
            self.shared.services.ownership.in_use(shard, false);
        }
        Some(door)
    }

    /// After the supervisor of this part died, which takes its rooms with it.
    pub(crate) fn bury_part(&self, part: usize) {
        for actor in self.shared.directory.actors(part) {
            self.bury(part, actor);
        }
    }

    /// Ends an actor that nobody supervises, and brings its room back once it is over: two of one room must never run.
    pub(super) fn bury(&self, part: usize, actor: ActorCell) {
        let rooms = self.clone();
        actor.kill();
        drop(tokio::spawn(async move {
            // Without a limit there is no time-out; an actor is killed at its next await, and rooms have no long ones.
            drop(actor.wait(None).await);
            rooms.stopped(part, actor.get_id(), None);
        }));
    }

    fn revive(&self, actor: ActorId, door: Arc<Door>) {
        metrics::counter!(names::CRASHES).increment(1);
        door.budget.lock().crashed();
        self.start_anew(actor, door);
    }

    /// Shuts the door, and starts the room again if someone is attached here.
    fn start_anew(&self, actor: ActorId, door: Arc<Door>) {
        let services = &self.shared.services;
        let room = door.room;
        let Place::Here(epoch) = services.ownership.place(room.shard()) else {
            // Its next owner brings it back.
            door.shut(actor);
            return self.retire(door);
        };
        let attached = !services.subscribers.roll_call(room).connections.is_empty();
        if attached {
            services.subscribers.publish(Publication {
                room,
                epoch,
                body: Body::Moving,
            });
        }
        door.shut(actor);
        if attached {
            let rooms = self.clone();
            drop(tokio::spawn(async move { rooms.start_until_it_runs(room).await }));
        } else {
            // Graces and expiry go on without anyone.
            self.shared.directory.wake_at(services.clock.now(), room);
        }
    }

    /// An idle room left memory: its door goes, unless someone just came.
    fn retire(&self, door: Arc<Door>) {
        let rooms = self.clone();
        drop(tokio::spawn(async move {
            let mut standing = door.start.lock().await;
            if !door.is_open() && *standing == Standing::InUse {
                *standing = Standing::Retired;
                rooms.shared.directory.retire(door.room);
            }
        }));
    }

    /// Members wait for this room: tries until it runs or is gone for good.
    pub(super) async fn start_until_it_runs(&self, room: RoomId) {
        loop {
            let wait_ms = match self.start(room).await {
                Ok(_) | Err(Missed::Moved | Missed::Lost { .. } | Missed::Failed(RoomsError::NoSuchRoom)) => {
                    return;
                }
                Err(Missed::Failed(RoomsError::Unavailable { retry_after_ms, .. })) => retry_after_ms,
                Err(Missed::Failed(RoomsError::TooManyRooms | RoomsError::Rejected(_))) => RETRY_AFTER_MS,
            };
            tracing::warn!(room.id = %room, wait_ms, "room could not be started again yet");
            tokio::time::sleep(Duration::from_millis(wait_ms)).await;
        }
    }
}
