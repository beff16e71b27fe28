//! The contract of [`RoomStore`] as a suite that every adapter's tests run.
//!
//! Each rule works on rooms of its own in the store it is given, so that one store serves the whole suite. A broken rule panics with the
//! rule's sentence in the backtrace, as any assertion does.

pub mod fencing;
pub mod ownership;
mod restoring;

use std::sync::Arc;

use videorooms_domain::{Epoch, NodeIncarnation, RoomId, Seq};

use crate::{Commit, RESEND_TAIL, RoomStore, StoreError, StoredRoom, Verdict};

/// Runs the suite on an empty store.
///
/// # Panics
/// When the store breaks a rule.
pub async fn holds(store: Arc<dyn RoomStore>) {
    let store = store.as_ref();
    a_reign_rises_above_the_last_one_the_floor_and_the_clock(store).await;
    a_room_that_was_never_written_is_none(store).await;
    what_is_committed_is_read_back_in_order(store).await;
    commits_of_one_room_in_a_batch_follow_each_other(store).await;
    a_refused_commit_does_not_hinder_the_others(store).await;
    an_unexpected_end_is_behind_and_changes_nothing(store).await;
    a_commit_sent_again_is_committed_and_not_doubled(store).await;
    another_record_at_a_taken_place_is_behind(store).await;
    a_lower_epoch_is_deposed_and_changes_nothing(store).await;
    a_new_reign_deposes_the_one_before(store).await;
    a_snapshot_replaces_the_records_before_it(store).await;
    a_commit_covered_by_a_snapshot_is_still_recognised(store).await;
    a_long_log_is_trimmed_and_goes_on(store).await;
    a_commit_whose_caller_went_away_can_be_sent_again(store).await;
    a_removed_room_is_gone_and_can_be_created_anew(store).await;
    rooms_are_listed_in_pages_in_ascending_order(store).await;
    restoring::hold(store).await;
    assert_eq!(store.commit(Vec::new()).await, Vec::new());
    assert_eq!(store.health().await, Ok(()));
}

/// Checks that what was committed outlives the store: `open` is called again after each store that it gave was dropped.
///
/// # Panics
/// When something was lost, doubled or changed.
pub async fn survives_reopening<F: Future<Output = Arc<dyn RoomStore>>>(open: impl Fn() -> F) {
    let room = RoomId(0x5_0000);
    let store = open().await;
    let first = reign(store.as_ref(), 0).await;
    committed(store.as_ref(), plain(room, first, 0, 1)).await;
    committed(store.as_ref(), with_snapshot(room, first, 1, 3)).await;
    committed(store.as_ref(), plain(room, first, 3, 4)).await;
    drop(store);

    let store = open().await;
    let before = read(store.as_ref(), room).await;
    assert_eq!(before, stored(first, 4, Some(3), &[(3, 4)]));
    let second = reign(store.as_ref(), 0).await;
    assert!(
        second > first,
        "the reign {second:?} does not rise above {first:?}"
    );
    assert_eq!(
        one(store.as_ref(), plain(room, first, 4, 5)).await,
        Verdict::Deposed { epoch: second }
    );
    committed(store.as_ref(), plain(room, second, 4, 5)).await;
    drop(store);

    let store = open().await;
    assert_eq!(
        read(store.as_ref(), room).await,
        stored(second, 5, Some(3), &[(3, 4), (4, 5)])
    );
    committed(store.as_ref(), plain(room, second, 4, 5)).await;
    assert_eq!(store.list(Some(RoomId(room.0 - 1)), 1).await, Ok(vec![room]));
}

async fn a_reign_rises_above_the_last_one_the_floor_and_the_clock(store: &dyn RoomStore) {
    let first = reign(store, 100).await;
    assert!(first >= Epoch(100));
    let second = reign(store, 0).await;
    assert!(second > first);
    let floor = Epoch(second.0 + 50);
    assert_eq!(store.open_reign(&node(), floor, 0).await, Ok(floor));
    // An epoch that only a room has seen counts too.
    committed(store, plain(RoomId(0x10), Epoch(floor.0 + 10), 0, 1)).await;
    assert!(reign(store, 0).await.0 > floor.0 + 10);
}

async fn a_room_that_was_never_written_is_none(store: &dyn RoomStore) {
    assert_eq!(store.load(RoomId(0x20)).await, Ok(None));
}

async fn what_is_committed_is_read_back_in_order(store: &dyn RoomStore) {
    let (room, epoch) = (RoomId(0x30), reign(store, 0).await);
    committed(store, plain(room, epoch, 0, 2)).await;
    committed(store, plain(room, epoch, 2, 3)).await;
    committed(store, plain(room, epoch, 3, 300)).await;
    assert_eq!(
        read(store, room).await,
        stored(epoch, 300, None, &[(0, 2), (2, 3), (3, 300)])
    );
}

async fn commits_of_one_room_in_a_batch_follow_each_other(store: &dyn RoomStore) {
    let (a, b, epoch) = (RoomId(0x40), RoomId(0x41), reign(store, 0).await);
    let batch = vec![
        plain(a, epoch, 0, 1),
        plain(b, epoch, 0, 1),
        plain(a, epoch, 1, 2),
        with_snapshot(b, epoch, 1, 2),
    ];
    assert_eq!(store.commit(batch.clone()).await, vec![Verdict::Committed; 4]);
    assert_eq!(read(store, a).await, stored(epoch, 2, None, &[(0, 1), (1, 2)]));
    assert_eq!(read(store, b).await, stored(epoch, 2, Some(2), &[]));
    assert_eq!(
        store.commit(batch).await,
        vec![Verdict::Committed; 4],
        "the whole batch sent again"
    );
    assert_eq!(read(store, a).await, stored(epoch, 2, None, &[(0, 1), (1, 2)]));
}

async fn a_refused_commit_does_not_hinder_the_others(store: &dyn RoomStore) {
    let (a, b, epoch) = (RoomId(0x50), RoomId(0x51), reign(store, 0).await);
    let batch = vec![
        plain(a, epoch, 7, 8),
        plain(b, epoch, 0, 1),
        plain(a, epoch, 0, 1),
        plain(a, Epoch(1), 1, 2),
    ];
    let (behind, deposed) = (Verdict::Behind { stored: Seq(0) }, Verdict::Deposed { epoch });
    assert_eq!(
        store.commit(batch).await,
        vec![behind, Verdict::Committed, Verdict::Committed, deposed]
    );
    assert_eq!(read(store, a).await.last, Seq(1));
    assert_eq!(read(store, b).await.last, Seq(1));
}

async fn an_unexpected_end_is_behind_and_changes_nothing(store: &dyn RoomStore) {
    let (room, epoch) = (RoomId(0x60), reign(store, 0).await);
    committed(store, plain(room, epoch, 0, 3)).await;
    let before = read(store, room).await;
    let wrong = [(4, 5), (2, 4), (0, 9), (3, 3), (3, 2)];
    for (expect, last) in wrong {
        assert_eq!(
            one(store, plain(room, epoch, expect, last)).await,
            Verdict::Behind { stored: Seq(3) }
        );
    }
    assert_eq!(read(store, room).await, before);
}

async fn a_commit_sent_again_is_committed_and_not_doubled(store: &dyn RoomStore) {
    let (room, epoch) = (RoomId(0x70), reign(store, 0).await);
    for last in 1..=5 {
        committed(store, plain(room, epoch, last - 1, last)).await;
    }
    let before = read(store, room).await;
    for last in [5, 1, 3] {
        committed(store, plain(room, epoch, last - 1, last)).await;
    }
    assert_eq!(read(store, room).await, before);
}

async fn another_record_at_a_taken_place_is_behind(store: &dyn RoomStore) {
    let (room, epoch) = (RoomId(0x80), reign(store, 0).await);
    committed(store, plain(room, epoch, 0, 1)).await;
    let behind = Verdict::Behind { stored: Seq(1) };
    let other_bytes = Commit {
        record: b"other".to_vec(),
        ..plain(room, epoch, 0, 1)
    };
    assert_eq!(one(store, other_bytes).await, behind);
    let other_epoch = plain(room, Epoch(epoch.0 + 1), 0, 1);
    assert_eq!(one(store, other_epoch).await, behind);
}

async fn a_lower_epoch_is_deposed_and_changes_nothing(store: &dyn RoomStore) {
    let (room, epoch) = (RoomId(0x90), reign(store, 0).await);
    let newer = Epoch(epoch.0 + 5);
    committed(store, plain(room, newer, 0, 1)).await;
    let before = read(store, room).await;
    assert_eq!(
        one(store, plain(room, epoch, 1, 2)).await,
        Verdict::Deposed { epoch: newer }
    );
    assert_eq!(read(store, room).await, before);
    committed(store, plain(RoomId(0x91), epoch, 0, 1)).await;
}

async fn a_new_reign_deposes_the_one_before(store: &dyn RoomStore) {
    let (room, old) = (RoomId(0xa0), reign(store, 0).await);
    committed(store, plain(room, old, 0, 1)).await;
    let new = reign(store, 0).await;
    let deposed = Verdict::Deposed { epoch: new };
    assert_eq!(one(store, plain(room, old, 1, 2)).await, deposed);
    assert_eq!(
        one(store, plain(room, old, 0, 1)).await,
        deposed,
        "not even what it had committed"
    );
    assert_eq!(
        one(store, plain(RoomId(0xa1), old, 0, 1)).await,
        deposed,
        "nor a new room"
    );
    committed(store, plain(room, new, 1, 2)).await;
    assert_eq!(read(store, room).await, stored(new, 2, None, &[(0, 1), (1, 2)]));
}

async fn a_snapshot_replaces_the_records_before_it(store: &dyn RoomStore) {
    let (room, epoch) = (RoomId(0xb0), reign(store, 0).await);
    committed(store, plain(room, epoch, 0, 1)).await;
    committed(store, with_snapshot(room, epoch, 1, 4)).await;
    assert_eq!(read(store, room).await, stored(epoch, 4, Some(4), &[]));
    committed(store, plain(room, epoch, 4, 5)).await;
    assert_eq!(read(store, room).await, stored(epoch, 5, Some(4), &[(4, 5)]));
    committed(store, with_snapshot(room, epoch, 5, 6)).await;
    assert_eq!(read(store, room).await, stored(epoch, 6, Some(6), &[]));
}

async fn a_commit_covered_by_a_snapshot_is_still_recognised(store: &dyn RoomStore) {
    let (room, epoch) = (RoomId(0xc0), reign(store, 0).await);
    let batch = vec![
        plain(room, epoch, 0, 1),
        with_snapshot(room, epoch, 1, 2),
        with_snapshot(room, epoch, 2, 3),
    ];
    assert_eq!(store.commit(batch.clone()).await, vec![Verdict::Committed; 3]);
    assert_eq!(store.commit(batch).await, vec![Verdict::Committed; 3]);
    assert_eq!(read(store, room).await, stored(epoch, 3, Some(3), &[]));
}

async fn a_long_log_is_trimmed_and_goes_on(store: &dyn RoomStore) {
    let (room, epoch) = (RoomId(0xd0), reign(store, 0).await);
    let long = RESEND_TAIL as u64 + 40;
    let batch = (1..=long)
        .map(|last| plain(room, epoch, last - 1, last))
        .collect();
    assert!(
        store
            .commit(batch)
            .await
            .iter()
            .all(|verdict| *verdict == Verdict::Committed)
    );
    committed(store, with_snapshot(room, epoch, long, long + 1)).await;
    committed(store, plain(room, epoch, long + 1, long + 2)).await;
    assert_eq!(
        read(store, room).await,
        stored(epoch, long + 2, Some(long + 1), &[(long + 1, long + 2)])
    );
    committed(store, plain(room, epoch, long - 1, long)).await;
    let forgotten = one(store, plain(room, epoch, 0, 1)).await;
    assert_eq!(
        forgotten,
        Verdict::Behind {
            stored: Seq(long + 2)
        },
        "older than the tail that is kept"
    );
}

async fn a_commit_whose_caller_went_away_can_be_sent_again(store: &dyn RoomStore) {
    let (room, epoch) = (RoomId(0xe0), reign(store, 0).await);
    let commit = plain(room, epoch, 0, 1);
    tokio::select! {
        biased;
        _ = store.commit(vec![commit.clone()]) => {}
        () = std::future::ready(()) => {}
    }
    committed(store, commit).await;
    assert_eq!(read(store, room).await, stored(epoch, 1, None, &[(0, 1)]));
}

async fn a_removed_room_is_gone_and_can_be_created_anew(store: &dyn RoomStore) {
    let (room, neighbour, epoch) = (RoomId(0xf0), RoomId(0xf1), reign(store, 0).await);
    committed(store, plain(room, epoch, 0, 1)).await;
    committed(store, with_snapshot(room, epoch, 1, 2)).await;
    committed(store, plain(neighbour, epoch, 0, 1)).await;
    for _ in 0..2 {
        assert_eq!(store.remove(room).await, Ok(()));
    }
    assert_eq!(store.load(room).await, Ok(None));
    assert_eq!(read(store, neighbour).await.last, Seq(1));
    assert_eq!(
        one(store, plain(room, epoch, 2, 3)).await,
        Verdict::Behind { stored: Seq(0) }
    );
    committed(store, plain(room, epoch, 0, 1)).await;
    assert_eq!(read(store, room).await, stored(epoch, 1, None, &[(0, 1)]));
}

async fn rooms_are_listed_in_pages_in_ascending_order(store: &dyn RoomStore) {
    let epoch = reign(store, 0).await;
    let low = 1 << 100;
    let rooms = [
        RoomId(low + 1),
        RoomId(low + 256),
        RoomId(low + 65_536),
        RoomId(u128::MAX),
    ];
    for room in rooms.iter().rev() {
        committed(store, plain(*room, epoch, 0, 1)).await;
    }
    let page = async |after, limit| -> Result<Vec<RoomId>, StoreError> { store.list(after, limit).await };
    assert_eq!(page(Some(RoomId(low)), 2).await, Ok(rooms[..2].to_vec()));
    assert_eq!(page(Some(rooms[1]), 10).await, Ok(rooms[2..].to_vec()));
    assert_eq!(page(Some(RoomId(u128::MAX)), 10).await, Ok(Vec::new()));
    assert_eq!(page(None, 0).await, Ok(Vec::new()));
    let all = page(None, usize::MAX).await.expect("a healthy store lists");
    assert!(all.is_sorted() && all.len() > rooms.len());
}

fn node() -> NodeIncarnation {
    NodeIncarnation {
        node: "contract".parse().expect("a legal name"),
        incarnation: 1,
    }
}

async fn reign(store: &dyn RoomStore, now_ms: u64) -> Epoch {
    store
        .open_reign(&node(), Epoch(0), now_ms)
        .await
        .expect("a healthy store opens a reign")
}

async fn one(store: &dyn RoomStore, commit: Commit) -> Verdict {
    store
        .commit(vec![commit])
        .await
        .pop()
        .expect("one verdict for one commit")
}

async fn committed(store: &dyn RoomStore, commit: Commit) {
    assert_eq!(one(store, commit.clone()).await, Verdict::Committed, "{commit:?}");
}

async fn read(store: &dyn RoomStore, room: RoomId) -> StoredRoom {
    store
        .load(room)
        .await
        .expect("a healthy store loads")
        .expect("the room was written")
}

fn record(expect: u64, last: u64) -> Vec<u8> {
    format!("{expect} to {last}").into_bytes()
}

fn plain(room: RoomId, epoch: Epoch, expect: u64, last: u64) -> Commit {
    Commit {
        room,
        epoch,
        expect: Seq(expect),
        last: Seq(last),
        record: record(expect, last),
        snapshot: None,
        fence: None,
    }
}

fn with_snapshot(room: RoomId, epoch: Epoch, expect: u64, last: u64) -> Commit {
    Commit {
        snapshot: Some(format!("at {last}").into_bytes()),
        ..plain(room, epoch, expect, last)
    }
}

fn stored(epoch: Epoch, last: u64, snapshot: Option<u64>, records: &[(u64, u64)]) -> StoredRoom {
    StoredRoom {
        epoch,
        last: Seq(last),
        snapshot: snapshot.map(|seq| (Seq(seq), format!("at {seq}").into_bytes())),
        records: records
            .iter()
            .map(|(expect, last)| record(*expect, *last))
            .collect(),
    }
}
