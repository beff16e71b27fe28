//! A call on its way to wherever its room lives: it waits while the room moves, and is made again when it missed.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};
use videorooms_cluster::Place;
use videorooms_cluster::links::LinkError;
use videorooms_domain::RoomId;

use crate::api::RoomsError;
use crate::calls::Remote;
use crate::rooms::{Rooms, no_answer_in_time, unavailable};

/// How long a call may wait for its room to have an owner again.
const PARKED: Duration = Duration::from_secs(3);
/// Before a call is made again that missed, if nothing was heard meanwhile.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// Most calls that wait for one shard.
const MAX_PARKED: usize = 1024;

/// Where a call goes.
pub(crate) enum Owner {
    /// To a room on this node.
    Here,
    /// To another node.
    There(Remote),
}

/// Why a call was not answered by the room.
#[derive(Debug)]
pub(crate) enum Missed {
    /// The room is not there (any more); nothing was done.
    Moved,
    /// The way there broke. `is_known`: nothing was done.
    Lost { is_known: bool },
    /// It was answered, or will not be.
    Failed(RoomsError),
}

impl From<RoomsError> for Missed {
    fn from(error: RoomsError) -> Self {
        Self::Failed(error)
    }
}

impl From<LinkError> for Missed {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::NotLinked => Self::Lost { is_known: true },
            LinkError::Closed | LinkError::Failed => Self::Lost { is_known: false },
            LinkError::Full => Self::Failed(unavailable("too much is on its way to the room's node")),
            LinkError::TooLarge => Self::Failed(unavailable("too large for another node")),
            LinkError::TimedOut => Self::Failed(no_answer_in_time()),
        }
    }
}

/// What a try came to.
pub(crate) type Tried<T> = Result<T, Missed>;

/// The tries of one call.
pub(crate) struct Tries<'a> {
    rooms: &'a Rooms,
    room: RoomId,
    /// May it be made again though it may have been done.
    is_repeatable: bool,
    until: Instant,
    parked_until: Option<Instant>,
    changes: Option<watch::Receiver<u64>>,
}

impl<'a> Tries<'a> {
    pub(crate) fn new(rooms: &'a Rooms, room: RoomId, is_repeatable: bool) -> Self {
        Self {
            rooms,
            room,
            is_repeatable,
            until: Instant::now() + rooms.call_deadline(),
            parked_until: None,
            changes: None,
        }
    }

    /// Where to go now; waits while the room has no owner.
    pub(crate) async fn owner(&mut self) -> Result<Owner, RoomsError> {
        if let Some(elsewhere) = self.rooms.elsewhere() {
            return Ok(Owner::There(elsewhere));
        }
        loop {
            match self.rooms.ownership().place(self.room.shard()) {
                Place::Here(_) => return Ok(Owner::Here),
                Place::There(node, epoch) => {
                    if let Some(peers) = self.rooms.ownership().peers() {
                        return Ok(Owner::There(self.rooms.remote(peers, node, epoch, self.until)));
                    }
                    return Err(unavailable("the room's node cannot be reached"));
                }
                Place::Nowhere => self.park().await?,
            }
        }
    }

    /// The answer, or none if the call is to be made again.
    pub(crate) async fn settle<T>(&mut self, tried: Tried<T>) -> Option<Result<T, RoomsError>> {
        let may_repeat = match tried {
            Ok(answer) => return Some(Ok(answer)),
            Err(Missed::Failed(error)) => return Some(Err(error)),
            Err(Missed::Moved) => {
                self.rooms.ownership().refresh();
                true
            }
            Err(Missed::Lost { is_known }) => is_known || self.is_repeatable,
        };
        if !may_repeat {
            return Some(Err(unavailable("the room's node was lost")));
        }
        self.park().await.err().map(Err)
    }

    /// Waits until something changed, or a moment.
    async fn park(&mut self) -> Result<(), RoomsError> {
        let moving = || unavailable("the room is moving");
        let now = Instant::now();
        let until = *self.parked_until.get_or_insert(self.until.min(now + PARKED));
        if now >= until {
            return Err(moving());
        }
        let parked = self.rooms.parked(self.room.shard());
        if Arc::strong_count(&parked) > MAX_PARKED {
            return Err(moving());
        }
        let changes = match &mut self.changes {
            Some(changes) => changes,
            None => match self.rooms.ownership().changes() {
                Some(changes) => self.changes.insert(changes),
                None => return Err(moving()),
            },
        };
        drop(timeout_at(until.min(now + LOOK_AGAIN), changes.changed()).await);
        drop(parked);
        Ok(())
    }
}
