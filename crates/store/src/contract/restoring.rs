//! What every store keeps of rooms that are written again, and how rooms are found by shard.

use std::sync::Arc;

use videorooms_domain::{Epoch, RoomId, Seq};

use super::{committed, node, one, plain, read, reign, stored, with_snapshot};
use crate::ownership::StoreIncarnation;
use crate::{Commit, Fence, Restore, RoomStore, Verdict};

pub(super) async fn hold(store: &dyn RoomStore) {
    a_room_that_is_gone_is_restored_and_goes_on(store).await;
    a_room_that_is_behind_becomes_the_snapshot(store).await;
    a_room_that_is_not_behind_stays_as_it_is(store).await;
    a_restored_room_of_an_older_epoch_is_deposed(store).await;
    who_writes_in_a_life_that_is_not_this_one_hears_that_the_store_changed(store).await;
    rooms_are_found_by_their_shard(store).await;
}

pub(super) fn restored(room: RoomId, epoch: Epoch, last: u64) -> Restore {
    Restore {
        room,
        epoch,
        fence: None,
        last: Seq(last),
        snapshot: format!("at {last}").into_bytes(),
    }
}

async fn a_room_that_is_gone_is_restored_and_goes_on(store: &dyn RoomStore) {
    let (room, epoch) = (RoomId(0x100), reign(store, 0).await);
    for _ in 0..2 {
        assert_eq!(store.restore(restored(room, epoch, 7)).await, Verdict::Committed);
        assert_eq!(read(store, room).await, stored(epoch, 7, Some(7), &[]));
    }
    committed(store, plain(room, epoch, 7, 8)).await;
    assert_eq!(read(store, room).await, stored(epoch, 8, Some(7), &[(7, 8)]));
    assert_eq!(
        store.list(Some(RoomId(room.0 - 1)), 1).await,
        Ok(vec![room]),
        "it is listed again"
    );
    assert!(reign(store, 0).await > epoch);
}

async fn a_room_that_is_behind_becomes_the_snapshot(store: &dyn RoomStore) {
    let (room, epoch) = (RoomId(0x110), reign(store, 0).await);
    committed(store, with_snapshot(room, epoch, 0, 2)).await;
    committed(store, plain(room, epoch, 2, 4)).await;
    let later = Epoch(epoch.0 + 3);
    assert_eq!(store.restore(restored(room, later, 6)).await, Verdict::Committed);
    assert_eq!(read(store, room).await, stored(later, 6, Some(6), &[]));
    assert_eq!(
        one(store, plain(room, epoch, 4, 5)).await,
        Verdict::Deposed { epoch: later }
    );
    committed(store, plain(room, later, 6, 7)).await;
    assert_eq!(read(store, room).await, stored(later, 7, Some(6), &[(6, 7)]));
}

async fn a_room_that_is_not_behind_stays_as_it_is(store: &dyn RoomStore) {
    let (room, epoch) = (RoomId(0x120), reign(store, 0).await);
    committed(store, plain(room, epoch, 0, 4)).await;
    let before = read(store, room).await;
    for last in [4, 3] {
        let later = Epoch(epoch.0 + 3);
        assert_eq!(
            store.restore(restored(room, later, last)).await,
            Verdict::Committed
        );
        assert_eq!(read(store, room).await, before);
    }
    committed(store, plain(room, epoch, 4, 5)).await;
}

async fn a_restored_room_of_an_older_epoch_is_deposed(store: &dyn RoomStore) {
    let (room, old) = (RoomId(0x130), reign(store, 0).await);
    committed(store, plain(room, old, 0, 1)).await;
    let epoch = reign(store, 0).await;
    let deposed = Verdict::Deposed { epoch };
    assert_eq!(store.restore(restored(room, old, 9)).await, deposed);
    assert_eq!(store.restore(restored(RoomId(0x131), old, 9)).await, deposed);
    assert_eq!(read(store, room).await, stored(old, 1, None, &[(0, 1)]));
    assert_eq!(store.load(RoomId(0x131)).await, Ok(None));
}

async fn who_writes_in_a_life_that_is_not_this_one_hears_that_the_store_changed(store: &dyn RoomStore) {
    let (room, epoch) = (RoomId(0x140), reign(store, 0).await);
    let fence = Some(Arc::new(Fence {
        node: node(),
        life: StoreIncarnation([7; 20]),
    }));
    let commit = Commit {
        fence: fence.clone(),
        ..plain(room, epoch, 0, 1)
    };
    assert_eq!(one(store, commit).await, Verdict::StoreChanged);
    let restore = Restore {
        fence,
        ..restored(room, epoch, 1)
    };
    assert_eq!(store.restore(restore).await, Verdict::StoreChanged);
    assert_eq!(store.load(room).await, Ok(None));
}

async fn rooms_are_found_by_their_shard(store: &dyn RoomStore) {
    let epoch = reign(store, 0).await;
    let first = RoomId(0x150);
    let mut of_shard = (first.0..)
        .map(RoomId)
        .filter(|room| room.shard() == first.shard());
    let rooms: Vec<_> = of_shard.by_ref().take(3).collect();
    let found = async || {
        let found = store.rooms_of(first.shard()).await;
        let mut found = found.expect("a healthy store finds rooms");
        found.retain(|room| rooms.contains(room));
        found
    };
    assert_eq!(found().await, Vec::new());
    committed(store, plain(rooms[2], epoch, 0, 1)).await;
    committed(store, plain(rooms[0], epoch, 0, 1)).await;
    committed(store, plain(rooms[0], epoch, 1, 2)).await;
    assert_eq!(
        store.restore(restored(rooms[1], epoch, 3)).await,
        Verdict::Committed
    );
    assert_eq!(found().await, rooms);
    assert_eq!(store.remove(rooms[1]).await, Ok(()));
    assert_eq!(found().await, vec![rooms[0], rooms[2]]);
    let elsewhere = store.rooms_of(RoomId(first.0 + 1).shard()).await;
    assert!(elsewhere.is_ok_and(|found| !found.iter().any(|room| rooms.contains(room))));
}
