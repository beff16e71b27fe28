//! The file store against the contract, and what it refuses to open.

use std::path::Path;
use std::sync::Arc;

use redb::{Database, TableDefinition};
use tempfile::TempDir;
use videorooms_domain::{Epoch, RoomId, Seq};
use videorooms_store::{Commit, FileStore, RoomStore, StoreError, Verdict, contract};

fn home() -> TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

async fn refusal(directory: &Path) -> StoreError {
    FileStore::open(directory)
        .await
        .map(|_| ())
        .expect_err("the store opened")
}

fn commit(room: u128, seq: u64) -> Commit {
    let record = format!("record {seq} of room {room}").into_bytes();
    Commit {
        room: RoomId(room),
        epoch: Epoch(1),
        expect: Seq(seq - 1),
        last: Seq(seq),
        record,
        snapshot: None,
        fence: None,
    }
}

#[tokio::test]
async fn the_file_store_keeps_the_contract() {
    let home = home();
    contract::holds(Arc::new(FileStore::open(home.path()).await.unwrap())).await;
}

#[tokio::test]
async fn the_file_store_outlives_its_process() {
    let home = home();
    let open = async || Arc::new(FileStore::open(home.path()).await.unwrap()) as Arc<dyn RoomStore>;
    contract::survives_reopening(open).await;
}

#[tokio::test]
async fn commits_from_many_tasks_are_all_there_in_order() {
    let home = home();
    let store = Arc::new(FileStore::open(home.path()).await.unwrap());
    let write = |room| {
        let store = Arc::clone(&store);
        async move {
            for seq in 1..=10 {
                assert_eq!(
                    store.commit(vec![commit(room, seq)]).await,
                    vec![Verdict::Committed]
                );
            }
        }
    };
    let tasks: Vec<_> = (1..=50).map(|room| tokio::spawn(write(room))).collect();
    for task in tasks {
        task.await.unwrap();
    }
    drop(store);
    let store = FileStore::open(home.path()).await.unwrap();
    for room in 1..=50 {
        let expected: Vec<_> = (1..=10).map(|seq| commit(room, seq).record).collect();
        assert_eq!(store.load(RoomId(room)).await.unwrap().unwrap().records, expected);
    }
}

#[tokio::test]
async fn a_store_that_is_open_is_in_use() {
    let home = home();
    let store = FileStore::open(home.path()).await.unwrap();
    assert_eq!(refusal(home.path()).await, StoreError::InUse);
    drop(store);
    FileStore::open(home.path()).await.unwrap();
}

#[tokio::test]
async fn the_directory_and_its_ancestors_are_made_for_this_user_alone() {
    use std::os::unix::fs::PermissionsExt;
    let home = home();
    let directory = home.path().join("data").join("rooms");
    FileStore::open(&directory).await.unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&directory), 0o700);
    assert_eq!(mode(&directory.join("rooms.redb")), 0o600);
}

#[tokio::test]
async fn a_file_left_half_laid_by_a_crash_is_laid_again() {
    let home = home();
    std::fs::write(home.path().join("rooms.redb.new"), vec![0; 5000]).unwrap();
    FileStore::open(home.path()).await.unwrap();
}

#[tokio::test]
async fn a_file_that_is_no_store_is_corrupt_and_stays_as_it_is() {
    for content in [&b""[..], b"x", &[7; 100_000]] {
        let home = home();
        let file = home.path().join("rooms.redb");
        std::fs::write(&file, content).unwrap();
        let refusal = refusal(home.path()).await;
        assert!(matches!(refusal, StoreError::Corrupt(_)), "{refusal:?}");
        assert_eq!(std::fs::read(&file).unwrap(), content);
    }
}

#[tokio::test]
async fn a_truncated_store_is_corrupt() {
    let home = home();
    FileStore::open(home.path())
        .await
        .unwrap()
        .commit(vec![commit(1, 1)])
        .await;
    let file = home.path().join("rooms.redb");
    let bytes = std::fs::read(&file).unwrap();
    std::fs::write(&file, &bytes[..4096]).unwrap();
    let refusal = refusal(home.path()).await;
    assert!(matches!(refusal, StoreError::Corrupt(_)), "{refusal:?}");
}

#[tokio::test]
async fn another_programs_database_is_corrupt() {
    let home = home();
    lay(home.path(), |database| {
        let transaction = database.begin_write().unwrap();
        transaction
            .open_table(TableDefinition::<u8, u8>::new("recipes"))
            .unwrap()
            .insert(1, 1)
            .unwrap();
        transaction.commit().unwrap();
    });
    let refusal = refusal(home.path()).await;
    assert!(
        matches!(&refusal, StoreError::Corrupt(what) if what.contains("recipes")),
        "{refusal:?}"
    );
}

#[tokio::test]
async fn a_newer_format_is_named_and_kept() {
    let home = home();
    let format = TableDefinition::<&str, u64>::new("meta");
    lay(home.path(), |database| {
        let transaction = database.begin_write().unwrap();
        transaction
            .open_table(format)
            .unwrap()
            .insert("format", 9)
            .unwrap();
        transaction.commit().unwrap();
    });
    for _ in 0..2 {
        assert_eq!(
            refusal(home.path()).await,
            StoreError::Newer {
                found: 9,
                supported: 1
            }
        );
    }
}

#[tokio::test]
async fn a_damaged_record_is_named_and_the_other_rooms_go_on() {
    let home = home();
    let store = FileStore::open(home.path()).await.unwrap();
    for seq in 1..=3 {
        store.commit(vec![commit(1, seq), commit(2, seq)]).await;
    }
    drop(store);
    let records = TableDefinition::<(u128, u64), &[u8]>::new("records");
    lay(home.path(), |database| {
        let transaction = database.begin_write().unwrap();
        transaction.open_table(records).unwrap().remove((1, 2)).unwrap();
        transaction.commit().unwrap();
    });
    let store = FileStore::open(home.path()).await.unwrap();
    let refusal = store.load(RoomId(1)).await.unwrap_err();
    assert!(
        matches!(&refusal, StoreError::Corrupt(what) if what.contains("after seq 1")),
        "{refusal:?}"
    );
    assert_eq!(store.load(RoomId(2)).await.unwrap().unwrap().records.len(), 3);
    assert_eq!(store.health().await, Ok(()));
}

/// Works on the file as another program would.
fn lay(directory: &Path, work: impl FnOnce(&Database)) {
    let database = Database::create(directory.join("rooms.redb")).expect("a database");
    work(&database);
    database.close().expect("a clean end");
}
