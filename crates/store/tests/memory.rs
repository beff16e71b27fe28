//! The memory store and the fault store against the contract, and the faults themselves.

use std::sync::Arc;
use std::time::Duration;

use videorooms_domain::{Epoch, RoomId, Seq};
use videorooms_store::{Commit, Fault, FaultStore, MemoryStore, RoomStore, StoreError, Verdict, contract};

#[tokio::test]
async fn the_memory_store_keeps_the_contract() {
    contract::holds(Arc::new(MemoryStore::new())).await;
}

#[tokio::test]
async fn the_memory_store_outlives_its_handles() {
    let rooms = MemoryStore::new();
    contract::survives_reopening(async || Arc::new(rooms.clone()) as Arc<dyn RoomStore>).await;
}

#[tokio::test]
async fn a_fault_store_without_a_script_keeps_the_contract() {
    contract::holds(Arc::new(FaultStore::new(MemoryStore::new()))).await;
}

fn commit() -> Vec<Commit> {
    let (expect, last) = (Seq(0), Seq(1));
    vec![Commit {
        room: RoomId(1),
        epoch: Epoch(1),
        expect,
        last,
        record: b"one".to_vec(),
        snapshot: None,
        fence: None,
    }]
}

async fn check(fault: Fault, is_answered: impl Fn(&Verdict) -> bool, is_done: bool) {
    let store = FaultStore::new(MemoryStore::new());
    store.faults().script([fault.clone()]);
    let verdicts = store.commit(commit()).await;
    assert!(is_answered(&verdicts[0]), "{fault:?} answered {verdicts:?}");
    assert_eq!(
        store.load(RoomId(1)).await.expect("a store in memory").is_some(),
        is_done,
        "{fault:?}"
    );
    assert_eq!(
        store.commit(commit()).await,
        vec![Verdict::Committed],
        "sent again after {fault:?}"
    );
    assert_eq!(store.faults().calls(), vec![commit(), commit()]);
}

#[tokio::test(start_paused = true)]
async fn each_fault_does_as_it_says_and_passes() {
    let unknown = |verdict: &Verdict| matches!(verdict, Verdict::Unknown { .. });
    let done = |verdict: &Verdict| *verdict == Verdict::Committed;
    check(Fault::None, done, true).await;
    check(Fault::Delay(Duration::from_secs(3600)), done, true).await;
    check(Fault::UnknownButDone, unknown, true).await;
    check(Fault::UnknownPartlyDone(1), unknown, true).await;
    check(Fault::UnknownPartlyDone(0), unknown, false).await;
    check(Fault::UnknownNotDone, unknown, false).await;
    check(
        Fault::Behind(Seq(7)),
        |verdict| *verdict == Verdict::Behind { stored: Seq(7) },
        false,
    )
    .await;
    check(
        Fault::StoreChanged,
        |verdict| *verdict == Verdict::StoreChanged,
        false,
    )
    .await;
    check(
        Fault::Deposed(Epoch(7)),
        |verdict| *verdict == Verdict::Deposed { epoch: Epoch(7) },
        false,
    )
    .await;
}

#[tokio::test]
async fn a_held_commit_waits_until_it_is_released() {
    let store = Arc::new(FaultStore::new(MemoryStore::new()));
    store.faults().script([Fault::Hold]);
    let held = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.commit(commit()).await }
    });
    while store.faults().calls().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(store.load(RoomId(1)).await, Ok(None));
    store.faults().release();
    assert_eq!(held.await.unwrap(), vec![Verdict::Committed]);
}

#[tokio::test]
async fn a_store_that_is_down_does_nothing_until_it_is_up() {
    let store = FaultStore::new(MemoryStore::new());
    store.faults().down("pulled the plug");
    assert!(matches!(
        store.commit(commit()).await[..],
        [Verdict::Unknown { .. }]
    ));
    assert_eq!(
        store.health().await,
        Err(StoreError::Unavailable("pulled the plug".to_owned()))
    );
    assert_eq!(
        store.load(RoomId(1)).await,
        Err(StoreError::Unavailable("pulled the plug".to_owned()))
    );
    store.faults().up();
    assert_eq!(store.load(RoomId(1)).await, Ok(None));
}
