//! How a node's rooms come to rest before it stops: nothing new is decided, and what was decided is durable and answered, as far as the
//! store lets it within [`DEADLINE`].

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use crate::api::RoomsError;
use crate::door::Door;
use crate::room_actor::RoomMessage;
use crate::rooms::{Rooms, unavailable};

/// How long a drain waits for commits. Far more than they take; a store that needs longer answers nobody anyway.
pub(crate) const DEADLINE: Duration = Duration::from_secs(2);
/// Between two looks of a room at commits that are under way.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_millis(10);

impl Rooms {
    /// Takes no commands any more, which are refused as unavailable, and waits until every room in memory has said and answered what it
    /// decided; at most two seconds. Answers how many rooms were not done by then: whoever asked them asks again when the node is back.
    pub async fn drain(&self) -> usize {
        self.leaving().store(true, Ordering::SeqCst);
        let until = Instant::now() + DEADLINE;
        let late = settle(&self.open_doors(), until).await;
        if late > 0 {
            tracing::warn!(rooms = late, "rooms had commits under way when the node stopped");
        }
        late
    }

    /// Refuses what a node that is leaving would not finish.
    pub(crate) fn stays(&self) -> Result<(), RoomsError> {
        if self.leaving().load(Ordering::SeqCst) {
            return Err(unavailable("this node is leaving"));
        }
        Ok(())
    }
}

/// Waits until these rooms have said and answered what they decided; answers how many were not done by then.
pub(crate) async fn settle(doors: &[Arc<Door>], until: Instant) -> usize {
    let settle = |door: &Arc<Door>| {
        let (told, settled) = oneshot::channel();
        // Whatever its queue holds comes first. A room that has ended has nothing under way.
        drop(door.send(RoomMessage::Settle(told), usize::MAX));
        settled
    };
    let settling: Vec<_> = doors.iter().map(settle).collect();
    let mut late = 0;
    for settled in settling {
        late += usize::from(timeout_at(until, settled).await.is_err());
    }
    late
}
