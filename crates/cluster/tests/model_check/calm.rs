//! What must become of every situation once nothing more goes wrong.

use super::cluster::{Bounds, NOW, State};

/// From here, without a fault, and no number rises any more, whether those who are paused wake up or not: after so many ticks each shard has one owner that is alive, serves it and
/// has all that was acknowledged.
pub(crate) fn settles(bounds: &Bounds, state: &State) -> bool {
    let woken = calmed(bounds, state, true);
    let is_paused = state.slots.iter().any(|slot| slot.is_paused);
    let others_run = state.slots.iter().any(|slot| slot.may_run());
    is_well(bounds, &woken) && (!is_paused || !others_run || is_well(bounds, &calmed(bounds, state, false)))
}

/// The state after so many ticks without a fault.
pub(crate) fn calmed(bounds: &Bounds, state: &State, wakes: bool) -> State {
    let mut state = state.clone();
    if !state.server.is_up {
        state.begin_store(0);
    }
    for (n, boot, request) in std::mem::take(&mut state.late) {
        state.late.push((n, boot, request));
        state.deliver(bounds, 0);
    }
    for slot in &mut state.slots {
        slot.is_paused &= !wakes;
    }
    state.pass(bounds, bounds.settles_within);
    state
}

impl State {
    /// So many ticks, in each of which every node is polled.
    fn pass(&mut self, bounds: &Bounds, ticks: usize) {
        let state = self;
        for _ in 0..ticks {
            for n in 0..state.slots.len() {
                if state.slots[n].may_run() && !state.slots[n].is_polled {
                    state.poll(bounds, n, None);
                }
            }
            state.tick();
        }
    }
}

fn is_well(bounds: &Bounds, state: &State) -> bool {
    if state.history.violation.is_some() {
        return false;
    }
    if !state.slots.iter().any(|slot| slot.may_run()) {
        return true;
    }
    let shards = (0..bounds.shards).map(videorooms_domain::ShardId);
    let mut later = state.clone();
    later.pass(bounds, 3);
    if later.history.highest != state.history.highest {
        return false;
    }
    let has_all = state.history.is_excused || !state.is_missing_something();
    has_all && shards.into_iter().all(|shard| is_served_once(state, shard))
}

fn is_served_once(state: &State, shard: videorooms_domain::ShardId) -> bool {
    let Some(row) = state.server.data.store.table.get(&shard) else {
        return false;
    };
    let stored = state.server.data.logs.get(&shard).cloned().unwrap_or_default();
    let runs = state.slots.iter().filter(|slot| slot.may_run());
    let serving = runs
        .filter_map(|slot| slot.running.as_ref())
        .filter(|running| running.node.reign(shard).is_some());
    let serving: Vec<_> = serving.collect();
    let [owner] = serving.as_slice() else {
        return false;
    };
    // Between two ticks the lease of the last one still holds.
    let is_leaving = |slot: &super::cluster::Slot| slot.is_draining;
    let stays = |slot: &super::cluster::Slot| slot.may_run() && !slot.is_draining;
    let owned_by_leaving = state.slots.iter().any(|slot| {
        is_leaving(slot)
            && slot.may_run()
            && slot
                .running
                .as_ref()
                .is_some_and(|it| it.node.reign(shard).is_some())
    });
    if owned_by_leaving && state.slots.iter().any(stays) {
        return false;
    }
    let is_live = owner.node.keeper.lease().is_live(NOW);
    let room = owner.rooms.get(&shard);
    let is_whole = room.is_some_and(|room| room.log == stored && !room.is_behind && room.pending.is_none());
    is_live && is_whole && owner.node.reign(shard) == Some(row.epoch)
}
