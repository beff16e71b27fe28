//! Time passes for rooms that are not in memory, too: rooms whose deadline comes are woken, and after a start every stored room is looked at
//! once, at a bounded rate. A room that could not be woken comes again. Rooms that ended long ago are removed by being looked at.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};
use videorooms_domain::RoomId;

use crate::api::RoomsError;
use crate::directory::Directory;
use crate::ownership::Ownership;
use crate::rooms::Rooms;
use crate::services::Services;
use crate::wakeups::Due;

const TICK: Duration = Duration::from_secs(1);

pub(crate) async fn run(rooms: &Rooms, services: &Services, directory: &Directory) {
    let per_tick = services.config.sweep_per_second as usize;
    let mut ticks = interval(TICK);
    // A slow store must not be asked for all that was missed at once.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // Where shards come and go, each is looked at when it comes.
    let mut sweep = match services.ownership {
        Ownership::Alone(_) => Sweep::Before(None),
        Ownership::Shared { .. } => Sweep::Over,
    };
    loop {
        ticks.tick().await;
        let due = directory.due(services.clock.now(), per_tick);
        wake(rooms, services, directory, due).await;
        if let Sweep::Before(after) = sweep {
            let (page, then) = next_page(services, after, per_tick).await;
            sweep = then;
            let due = page.into_iter().map(|room| Due { room, failures: 0 });
            wake(rooms, services, directory, due).await;
        }
        sweep_shards(rooms, services, directory, per_tick).await;
    }
}

/// Looks at the rooms of shards that came to this node, whole shards until `most` rooms are reached.
async fn sweep_shards(rooms: &Rooms, services: &Services, directory: &Directory, most: usize) {
    let mut seen = 0;
    while seen < most
        && let Some(shard) = directory.sweep_next()
    {
        match timeout(services.config.commit_deadline, services.store.rooms_of(shard)).await {
            Ok(Ok(found)) => {
                seen += found.len();
                let due = found.into_iter().map(|room| Due { room, failures: 0 });
                wake(rooms, services, directory, due).await;
            }
            Ok(Err(_)) | Err(_) => {
                tracing::warn!(shard = shard.0, "sweep of a shard's rooms waits for the store");
                directory.sweep_later(shard);
                return;
            }
        }
    }
}

/// How far the sweep after the start has come.
enum Sweep {
    /// Rooms after this id are still to be looked at.
    Before(Option<RoomId>),
    Over,
}

async fn next_page(services: &Services, after: Option<RoomId>, limit: usize) -> (Vec<RoomId>, Sweep) {
    let page = match timeout(services.config.commit_deadline, services.store.list(after, limit)).await {
        Ok(Ok(page)) => page,
        Ok(Err(error)) => {
            tracing::warn!(%error, "sweep of stored rooms waits for the store");
            return (Vec::new(), Sweep::Before(after));
        }
        Err(_) => {
            tracing::warn!("sweep of stored rooms waits for the store: no answer in time");
            return (Vec::new(), Sweep::Before(after));
        }
    };
    let sweep = match page.last() {
        Some(last) if page.len() == limit => Sweep::Before(Some(*last)),
        Some(_) | None => Sweep::Over,
    };
    (page, sweep)
}

/// All at once, so that a store which does not answer costs one deadline and not one for each.
async fn wake(rooms: &Rooms, services: &Services, directory: &Directory, due: impl IntoIterator<Item = Due>) {
    let mut wakes = JoinSet::new();
    for due in due {
        let rooms = rooms.clone();
        wakes.spawn(async move { (due, rooms.wake(due.room).await) });
    }
    while let Some(woken) = wakes.join_next().await {
        match woken {
            Ok((_, Ok(()) | Err(RoomsError::NoSuchRoom))) => {}
            Ok((due, Err(error))) => {
                tracing::debug!(room.id = %due.room, %error, "room could not be woken, will try again");
                directory.wake_again(services.clock.now(), due);
            }
            Err(error) => tracing::error!(%error, "waking a room failed"),
        }
    }
}
