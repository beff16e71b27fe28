//! The file store over a disk that loses power, and over one that fails and recovers.
//!
//! The disk keeps every operation; a sync that fails forgets what it should have written, wholly or in part. Afterwards each moment of the run is played as a power cut: what was synced stands; of what was written
//! since, nothing, everything, or any part survives, down to single sectors. Whatever was acknowledged by then must be read back, in
//! order and once.

#[path = "crash/disk.rs"]
mod disk;

use std::sync::Arc;
use std::time::{Duration, Instant};

use disk::Disk;
use videorooms_domain::{Epoch, NodeIncarnation, RoomId, Seq};
use videorooms_store::{Commit, FileStore, RoomStore, StoreError, Verdict};
use videorooms_tests::Random;

const ROOMS: u64 = 3;

async fn open(disk: &Disk) -> Result<FileStore, StoreError> {
    let disk = disk.clone();
    FileStore::with_backend(move || disk.clone()).await
}

fn commit(room: u64, seq: u64) -> Commit {
    let size = (room * 37 + seq * 211) % 3000;
    let record = [
        format!("room {room} seq {seq} ").into_bytes(),
        vec![b'.'; size as usize],
    ]
    .concat();
    let snapshot = seq
        .is_multiple_of(5)
        .then(|| format!("room {room} at {seq}").into_bytes());
    let (expect, last) = (Seq(seq - 1), Seq(seq));
    Commit {
        room: RoomId(u128::from(room)),
        epoch: Epoch(1),
        expect,
        last,
        record,
        snapshot,
        fence: None,
    }
}

/// Checks that a room holds exactly the commits 1 to some `last` that is at least `acknowledged`, and answers it.
async fn check(store: &FileStore, room: u64, acknowledged: u64) -> u64 {
    let Some(stored) = store
        .load(RoomId(u128::from(room)))
        .await
        .expect("a healthy store")
    else {
        assert_eq!(acknowledged, 0, "room {room} is gone");
        return 0;
    };
    let last = stored.last.0;
    assert!(
        last >= acknowledged,
        "room {room} lost seq {} to {acknowledged}",
        last + 1
    );
    let covered = last - last % 5;
    let snapshot = (covered > 0).then(|| {
        (
            Seq(covered),
            commit(room, covered).snapshot.expect("each fifth has one"),
        )
    });
    assert_eq!(stored.snapshot, snapshot);
    let records: Vec<_> = (covered + 1..=last).map(|seq| commit(room, seq).record).collect();
    assert_eq!(stored.records, records);
    last
}

#[tokio::test]
async fn no_power_cut_takes_away_or_doubles_what_was_acknowledged() {
    let disk = Disk::default();
    let store = open(&disk).await.unwrap();
    for seq in 1..=12 {
        let verdicts = store
            .commit((1..=ROOMS).map(|room| commit(room, seq)).collect())
            .await;
        assert!(
            verdicts.iter().all(|verdict| *verdict == Verdict::Committed),
            "{verdicts:?}"
        );
        disk.acknowledge(seq);
    }
    drop(store);
    let mut random = Random::new(0x5eed);
    let mut cuts = 0;
    for cut in disk.power_cuts(&mut random) {
        // Before the first acknowledgement the file is still being laid; the directory's rename guards that.
        if cut.acknowledged == 0 {
            continue;
        }
        cuts += 1;
        let store = open(&cut.disk)
            .await
            .unwrap_or_else(|error| panic!("{}: {error}", cut.what));
        for room in 1..=ROOMS {
            let last = check(&store, room, cut.acknowledged).await;
            // Sent again, what survived is recognised and what did not is appended.
            let next = last.max(1);
            assert_eq!(
                store.commit(vec![commit(room, next)]).await,
                vec![Verdict::Committed],
                "{}",
                cut.what
            );
            check(&store, room, next).await;
        }
    }
    assert!(cuts > 100, "only {cuts} power cuts were played");
}

#[tokio::test]
async fn a_reign_that_was_opened_is_never_given_twice_across_power_cuts() {
    let disk = Disk::default();
    let node = NodeIncarnation {
        node: "a".parse().unwrap(),
        incarnation: 1,
    };
    let store = open(&disk).await.unwrap();
    for epoch in 1..=5 {
        assert_eq!(store.open_reign(&node, Epoch(0), 0).await, Ok(Epoch(epoch)));
        disk.acknowledge(epoch);
    }
    drop(store);
    for cut in disk
        .power_cuts(&mut Random::new(7))
        .filter(|cut| cut.acknowledged > 0)
    {
        let store = open(&cut.disk).await.unwrap();
        let epoch = store.open_reign(&node, Epoch(0), 0).await.unwrap();
        assert!(epoch.0 > cut.acknowledged, "{}", cut.what);
    }
}

/// Sends a commit until it is taken, as a room does.
async fn insist(store: &FileStore, commit: &Commit) {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let verdict = store.commit(vec![commit.clone()]).await.remove(0);
        if verdict == Verdict::Committed {
            return;
        }
        assert!(
            matches!(verdict, Verdict::Unknown { .. }) && Instant::now() < deadline,
            "{verdict:?}"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn after_io_errors_the_same_commits_can_be_sent_again_and_nothing_is_doubled() {
    let disk = Disk::default();
    let store = open(&disk).await.unwrap();
    for seq in 1..=24 {
        // At another operation of the commit each time: a write, a sync, the reading in between.
        disk.fail_after(seq as usize % 8);
        for room in 1..=ROOMS {
            let verdict = store.commit(vec![commit(room, seq)]).await.remove(0);
            assert!(
                matches!(verdict, Verdict::Committed | Verdict::Unknown { .. }),
                "{verdict:?}"
            );
        }
        disk.recover();
        for room in 1..=ROOMS {
            insist(&store, &commit(room, seq)).await;
            check(&store, room, seq).await;
        }
    }
    assert_eq!(store.health().await, Ok(()));
}

#[tokio::test]
async fn what_is_acknowledged_after_io_errors_outlives_every_power_cut() {
    let disk = Disk::default();
    let store = open(&disk).await.unwrap();
    insist(&store, &commit(1, 1)).await;
    disk.acknowledge(1);
    for number in 2..=36 {
        let (room, seq) = place(number);
        disk.fail_after(number as usize % 12);
        let first = store.commit(vec![commit(room, seq)]).await.remove(0);
        disk.recover();
        if first != Verdict::Committed {
            // Appended anew or recognised, it must be on the disk by then.
            insist(&store, &commit(room, seq)).await;
        }
        disk.acknowledge(number);
    }
    drop(store);
    let mut random = Random::new(0xfa11);
    let mut cuts = 0;
    // Of each moment one way in turn: opening a store is the slow part.
    let ways = disk.power_cuts(&mut random).enumerate();
    for (_, cut) in ways.filter(|(index, cut)| index % 4 == (index / 4) % 4 && cut.acknowledged > 0) {
        cuts += 1;
        let store = open(&cut.disk)
            .await
            .unwrap_or_else(|error| panic!("{}: {error}", cut.what));
        for room in 1..=ROOMS {
            let acknowledged = (1..=cut.acknowledged).filter(|number| place(*number).0 == room);
            check(&store, room, acknowledged.count() as u64).await;
        }
    }
    assert!(cuts > 100, "only {cuts} power cuts were played");
}

/// The room and seq of the n-th commit: each room in turn.
fn place(number: u64) -> (u64, u64) {
    ((number - 1) % ROOMS + 1, (number - 1) / ROOMS + 1)
}

#[tokio::test]
async fn while_the_disk_fails_everything_says_so_and_health_returns_with_it() {
    let disk = Disk::default();
    let store = Arc::new(open(&disk).await.unwrap());
    insist(&store, &commit(1, 1)).await;
    disk.fail_after(0);
    assert!(matches!(
        &store.commit(vec![commit(1, 2)]).await[..],
        [Verdict::Unknown { .. }]
    ));
    assert!(matches!(store.health().await, Err(StoreError::Unavailable(_))));
    assert!(matches!(
        store.load(RoomId(1)).await,
        Err(StoreError::Unavailable(_))
    ));
    disk.recover();
    insist(&store, &commit(1, 2)).await;
    assert_eq!(store.health().await, Ok(()));
    check(&store, 1, 2).await;
}
