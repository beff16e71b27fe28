//! Time passes for rooms that are not in memory, too: rooms whose deadline comes are woken, and after a start every stored room is looked at
//! once, at a bounded rate.

use std::time::Duration;

use tokio::time::interval;
use videorooms_domain::RoomId;

use crate::directory::Directory;
use crate::rooms::Rooms;
use crate::services::Services;

const TICK: Duration = Duration::from_secs(1);

pub(crate) async fn run(rooms: &Rooms, services: &Services, directory: &Directory) {
    let per_tick = services.config.sweep_per_second as usize;
    let mut ticks = interval(TICK);
    let mut sweep = Sweep::Before(None);
    loop {
        ticks.tick().await;
        for room in directory.due(services.clock.now(), per_tick) {
            wake(rooms, room).await;
        }
        if let Sweep::Before(after) = sweep {
            sweep = sweep_page(rooms, services, after, per_tick).await;
        }
    }
}

/// How far the sweep after the start has come.
enum Sweep {
    /// Rooms after this id are still to be looked at.
    Before(Option<RoomId>),
    Over,
}

async fn sweep_page(rooms: &Rooms, services: &Services, after: Option<RoomId>, limit: usize) -> Sweep {
    let page = match services.store.list(after, limit).await {
        Ok(page) => page,
        Err(error) => {
            tracing::warn!(%error, "sweep of stored rooms waits for the store");
            return Sweep::Before(after);
        }
    };
    for room in &page {
        wake(rooms, *room).await;
    }
    match page.last() {
        Some(last) if page.len() == limit => Sweep::Before(Some(*last)),
        Some(_) | None => Sweep::Over,
    }
}

async fn wake(rooms: &Rooms, room: RoomId) {
    if let Err(error) = rooms.wake(room).await {
        tracing::debug!(room.id = %room, %error, "room could not be woken");
    }
}
