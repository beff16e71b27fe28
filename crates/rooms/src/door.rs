//! The door of one room on this node: where messages are counted in, and where a room that is not in memory is started, once.
//!
//! Invariants: at most one actor of a room runs, and none is loaded while a commit of its predecessor is still on its way to the store. An
//! actor is taken off its door only by whoever supervises it, after its end was counted and said: whoever finds the door shut may start
//! the room without another look.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::{Mutex, RwLock};
use ractor::{ActorId, ActorRef};
use tokio::sync::Notify;
use videorooms_domain::{Epoch, RoomId, Timestamp};

use crate::restart_budget::RestartBudget;
use crate::room_actor::{Envelope, RoomMessage};

/// The door of one room.
pub(crate) struct Door {
    pub(crate) room: RoomId,
    depth: Arc<AtomicUsize>,
    /// With the reign in which it serves.
    actor: RwLock<Option<(ActorRef<Envelope>, Epoch)>>,
    was_shut: Notify,
    /// When its room came into memory, and when people attached to it were first heard of after that.
    times: Mutex<(Option<Timestamp>, Option<Timestamp>)>,
    pub(crate) budget: Mutex<RestartBudget>,
    /// Held while the room is being started or its door taken away.
    pub(crate) start: tokio::sync::Mutex<Standing>,
    /// Held by a commit until the store has done with it, whoever still waits, and while the room is read.
    pub(crate) gate: Arc<tokio::sync::Mutex<()>>,
    /// Held by calls that are on their way to the media server.
    pub(crate) media_gate: Arc<tokio::sync::Mutex<()>>,
}

/// Is the door still in the directory.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    #[default]
    InUse,
    /// Take another one.
    Retired,
}

/// Why a message did not get in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NotSent {
    /// The queue is full.
    Full,
    /// No actor runs: start it and try again.
    Shut,
    /// This actor has ended, but nobody has taken it off the door yet.
    Ended(ActorId),
}

/// Counts one message in a room's mailbox for as long as it lives, even if the mailbox is dropped with it.
pub(crate) struct Permit(Arc<AtomicUsize>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Door {
    pub(crate) fn new(room: RoomId) -> Self {
        Self {
            room,
            depth: Arc::default(),
            actor: RwLock::default(),
            was_shut: Notify::new(),
            times: Mutex::default(),
            budget: Mutex::default(),
            start: tokio::sync::Mutex::default(),
            gate: Arc::default(),
            media_gate: Arc::default(),
        }
    }

    /// Sends to the running actor, if the queue is below `limit`; answers which actor has it now.
    pub(crate) fn send(&self, message: RoomMessage, limit: usize) -> Result<ActorId, NotSent> {
        let actor = self.actor.read();
        let (actor, _) = actor.as_ref().ok_or(NotSent::Shut)?;
        if self.depth.fetch_add(1, Ordering::Relaxed) >= limit {
            self.depth.fetch_sub(1, Ordering::Relaxed);
            return Err(NotSent::Full);
        }
        let permit = Permit(Arc::clone(&self.depth));
        let id = actor.get_id();
        actor
            .cast(Envelope {
                message,
                _permit: Some(permit),
            })
            .map_err(|_| NotSent::Ended(id))?;
        Ok(id)
    }

    pub(crate) fn is_open(&self) -> bool {
        self.actor.read().is_some()
    }

    /// Opens the door to a fresh actor, whose first message is to take up what its predecessor left: the door stands open by the time anyone
    /// hears that the room is back.
    pub(crate) fn open(&self, actor: ActorRef<Envelope>, epoch: Epoch) {
        let mut current = self.actor.write();
        // An actor that has ended already is found out by whoever opened the door.
        drop(actor.cast(Envelope::inner(RoomMessage::Resume)));
        *current = Some((actor, epoch));
    }

    /// The room has come into memory.
    pub(crate) fn loaded(&self, at: Timestamp) {
        *self.times.lock() = (Some(at), None);
    }

    /// People who are attached were heard of; the first time counts.
    pub(crate) fn resubscribed(&self, at: Timestamp) {
        self.times.lock().1.get_or_insert(at);
    }

    /// When the room came into memory last, and when people attached to it were first heard of after that.
    pub(crate) fn times(&self) -> (Option<Timestamp>, Option<Timestamp>) {
        *self.times.lock()
    }

    /// Takes the actor off the door if it still is this one.
    pub(crate) fn shut(&self, actor: ActorId) {
        self.actor.write().take_if(|(open, _)| open.get_id() == actor);
        self.was_shut.notify_waiters();
    }

    /// Waits until this actor, which has ended or is about to, is off the door.
    pub(crate) async fn until_shut(&self, actor: ActorId) {
        loop {
            // Made before the look at the door, so that no shutting falls in between.
            let shut = self.was_shut.notified();
            if self
                .actor
                .read()
                .as_ref()
                .is_none_or(|(open, _)| open.get_id() != actor)
            {
                return;
            }
            shut.await;
        }
    }

    /// The reign in which the running actor serves.
    pub(crate) fn epoch(&self) -> Option<Epoch> {
        self.actor.read().as_ref().map(|(_, epoch)| *epoch)
    }

    /// Ends the running actor, after the message that it is at.
    pub(crate) fn stop(&self, why: &str) {
        if let Some((actor, _)) = &*self.actor.read() {
            actor.stop(Some(why.to_owned()));
        }
    }

    #[cfg(any(test, feature = "test-kit"))]
    pub(crate) fn actor(&self) -> Option<ActorRef<Envelope>> {
        self.actor.read().as_ref().map(|(actor, _)| actor.clone())
    }
}
