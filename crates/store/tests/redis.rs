//! The Redis store against the contract and against a server that is killed, paused, emptied or not fit; each test has a server of its own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use videorooms_domain::{Epoch, NodeIncarnation, RoomId, Seq};
use videorooms_store::{Commit, Durability, RedisStore, RoomStore, StoreError, Verdict, contract};
use videorooms_tests::RedisServer;

const ROOM: RoomId = RoomId(7);
/// Ten times what is promised.
const RECOVERY: Duration = Duration::from_secs(30);

async fn open(server: &RedisServer) -> RedisStore {
    RedisStore::open(&server.url(), Durability::Strict)
        .await
        .expect("a safe Redis is opened")
}

fn commit(epoch: Epoch, last: u64) -> Commit {
    Commit {
        room: ROOM,
        epoch,
        expect: Seq(last - 1),
        last: Seq(last),
        record: format!("record {last}").into_bytes(),
        snapshot: None,
        fence: None,
    }
}

async fn reign(store: &RedisStore) -> Epoch {
    let node = NodeIncarnation {
        node: "a".parse().expect("a legal name"),
        incarnation: 1,
    };
    store
        .open_reign(&node, Epoch(0), 1_800_000_000_000)
        .await
        .expect("a healthy store opens a reign")
}

async fn one(store: &RedisStore, commit: Commit) -> Verdict {
    store.commit(vec![commit]).await.remove(0)
}

/// Sends the very same commit until its fate is known.
async fn insist(store: &RedisStore, commit: Commit) -> Verdict {
    let start = Instant::now();
    loop {
        match one(store, commit.clone()).await {
            Verdict::Unknown { reason } => {
                assert!(start.elapsed() < RECOVERY, "{reason}");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            known @ (Verdict::Committed
            | Verdict::Deposed { .. }
            | Verdict::StoreChanged
            | Verdict::Behind { .. }) => return known,
        }
    }
}

#[tokio::test]
async fn the_redis_store_keeps_the_contract() {
    let server = RedisServer::start();
    contract::holds(Arc::new(open(&server).await)).await;
}

#[tokio::test]
async fn what_is_committed_survives_a_server_that_is_killed() {
    let server = std::cell::RefCell::new(RedisServer::start());
    contract::survives_reopening(async || {
        server.borrow_mut().kill();
        server.borrow_mut().restart();
        let url = server.borrow().url();
        Arc::new(RedisStore::open(&url, Durability::Strict).await.unwrap()) as Arc<dyn RoomStore>
    })
    .await;
}

#[tokio::test]
async fn two_prefixes_are_two_houses() {
    let server = RedisServer::start();
    let url = |prefix| format!("{}?prefix={prefix}", server.url());
    let (a, b) = (url("a"), url("a:b"));
    let a = RedisStore::open(&a, Durability::Strict).await.unwrap();
    let b = RedisStore::open(&b, Durability::Strict).await.unwrap();
    let epoch = reign(&a).await;
    assert_eq!(one(&a, commit(epoch, 1)).await, Verdict::Committed);
    assert_eq!(b.load(ROOM).await, Ok(None));
    assert_eq!(b.list(None, 10).await, Ok(vec![]));
    assert_eq!(one(&b, commit(Epoch(1), 1)).await, Verdict::Committed);
}

#[tokio::test]
async fn a_server_that_was_away_is_found_again_and_what_was_in_doubt_is_sent_again() {
    let mut server = RedisServer::start();
    let store = open(&server).await;
    let epoch = reign(&store).await;
    assert_eq!(one(&store, commit(epoch, 1)).await, Verdict::Committed);
    server.kill();
    let verdict = one(&store, commit(epoch, 2)).await;
    assert!(matches!(verdict, Verdict::Unknown { .. }), "{verdict:?}");
    assert!(matches!(store.health().await, Err(StoreError::Unavailable(_))));
    assert!(matches!(store.load(ROOM).await, Err(StoreError::Unavailable(_))));
    server.restart();
    assert_eq!(insist(&store, commit(epoch, 2)).await, Verdict::Committed);
    assert_eq!(store.health().await, Ok(()));
    let read = store.load(ROOM).await.unwrap().unwrap();
    assert_eq!((read.last, read.records.len()), (Seq(2), 2));
}

#[tokio::test]
async fn a_server_that_is_silent_leaves_commits_unknown_in_time_and_does_them_once() {
    let server = RedisServer::start();
    let store = open(&server).await;
    let epoch = reign(&store).await;
    server.pause();
    let start = Instant::now();
    let verdict = one(&store, commit(epoch, 1)).await;
    assert!(matches!(verdict, Verdict::Unknown { .. }), "{verdict:?}");
    assert!(start.elapsed() < RECOVERY);
    server.go_on();
    assert_eq!(insist(&store, commit(epoch, 1)).await, Verdict::Committed);
    assert_eq!(insist(&store, commit(epoch, 2)).await, Verdict::Committed);
    assert_eq!(store.load(ROOM).await.unwrap().unwrap().records.len(), 2);
}

#[tokio::test]
async fn a_server_without_its_scripts_or_out_of_memory_answers_unknown_and_harms_nothing() {
    let server = RedisServer::start();
    let store = open(&server).await;
    let epoch = reign(&store).await;
    server.run(&["SCRIPT", "FLUSH"]);
    assert_eq!(insist(&store, commit(epoch, 1)).await, Verdict::Committed);
    server.run(&["CONFIG", "SET", "maxmemory", "1"]);
    let verdict = one(&store, commit(epoch, 2)).await;
    assert!(
        matches!(&verdict, Verdict::Unknown { reason } if reason.contains("OOM")),
        "{verdict:?}"
    );
    server.run(&["CONFIG", "SET", "maxmemory", "0"]);
    assert_eq!(insist(&store, commit(epoch, 2)).await, Verdict::Committed);
}

#[tokio::test]
async fn a_server_that_lost_its_end_says_how_far_it_is() {
    let server = RedisServer::start();
    let store = open(&server).await;
    let epoch = reign(&store).await;
    assert_eq!(one(&store, commit(epoch, 1)).await, Verdict::Committed);
    server.run(&["FLUSHALL"]);
    let behind = Verdict::Behind { stored: Seq(0) };
    assert_eq!(one(&store, commit(epoch, 2)).await, behind);
}

#[tokio::test]
async fn a_server_in_which_rooms_are_not_safe_is_refused() {
    for (setting, value, named) in [
        ("--maxmemory-policy", "allkeys-lru", "noeviction"),
        ("--appendonly", "no", "appendonly"),
        ("--appendfsync", "everysec", "relaxed"),
        ("--appendfsync", "no", "always"),
    ] {
        let server = RedisServer::with(&[setting, value]);
        let refused = RedisStore::open(&server.url(), Durability::Strict).await.err();
        assert!(
            matches!(&refused, Some(StoreError::Unsafe(why)) if why.contains(named)),
            "{setting} {value}: {refused:?}"
        );
    }
    let server = RedisServer::with(&["--appendfsync", "everysec"]);
    assert!(RedisStore::open(&server.url(), Durability::Relaxed).await.is_ok());
}

#[tokio::test]
async fn data_of_a_newer_version_is_refused_and_left_alone() {
    let server = RedisServer::start();
    server.run(&["HSET", "videorooms:meta", "format", "2"]);
    let newer = StoreError::Newer {
        found: 2,
        supported: 1,
    };
    let refused = RedisStore::open(&server.url(), Durability::Strict).await.err();
    assert_eq!(refused, Some(newer));
}

#[tokio::test]
async fn damage_is_named() {
    let server = RedisServer::start();
    let store = open(&server).await;
    let epoch = reign(&store).await;
    for last in 1..=3 {
        assert_eq!(one(&store, commit(epoch, last)).await, Verdict::Committed);
    }
    let log = format!("videorooms:log:{:032x}", ROOM.0);
    server.run(&["LPOP", &log]);
    assert!(matches!(store.load(ROOM).await, Err(StoreError::Corrupt(_))));
}

#[tokio::test]
async fn nobody_at_the_address_is_said_in_time() {
    let start = Instant::now();
    let refused = RedisStore::open("redis+unix:///nowhere/redis.sock", Durability::Strict)
        .await
        .err();
    assert!(matches!(refused, Some(StoreError::Unavailable(_))), "{refused:?}");
    assert!(start.elapsed() < RECOVERY);
}

#[tokio::test]
async fn rooms_of_before_the_index_by_shard_are_found_when_the_store_is_opened() {
    let server = RedisServer::start();
    let store = open(&server).await;
    let epoch = reign(&store).await;
    // More than one page.
    let rooms = || (0..1500).map(RoomId);
    let commits = rooms().map(|room| Commit {
        room,
        ..commit(epoch, 1)
    });
    let verdicts = store.commit(commits.collect()).await;
    assert!(verdicts.iter().all(|verdict| *verdict == Verdict::Committed));
    server.run(&["DEL", "videorooms:rooms_by_shard"]);
    let store = open(&server).await;
    let shard = ROOM.shard();
    let expected: Vec<_> = rooms().filter(|room| room.shard() == shard).collect();
    assert_eq!(store.rooms_of(shard).await, Ok(expected));
}

#[tokio::test]
async fn a_url_of_redis_opens_rooms_and_owners() {
    let server = RedisServer::start();
    let opened = videorooms_store::open(&server.url(), Durability::Strict).await;
    let opened = opened.expect("a safe Redis is opened");
    assert_eq!(opened.rooms.name(), "redis");
    let ownership = opened.ownership.expect("nodes can share Redis");
    assert!(ownership.connect().await.is_ok());
}
