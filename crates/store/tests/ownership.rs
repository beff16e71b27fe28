//! Tables of owners, in memory and in Redis, against their contract; those in Redis also against a server that is killed, paused, emptied or put back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use videorooms_domain::{Epoch, NodeIncarnation, RoomId, Seq};
use videorooms_store::ownership::{
    Caller, Fate, Generation, MemoryOwnership, OwnershipSession, OwnershipStore, Profile, ReAssertion,
    Refusal, Renewed, StoreTime,
};
use videorooms_store::{
    Commit, Durability, Fence, MemoryStore, RedisOwnership, RedisStore, Restore, RoomStore, SessionTiming,
    StoreError, Verdict, contract,
};
use videorooms_tests::{RedisData, RedisServer};

const ROOM: RoomId = RoomId(7);
/// Ten times what is promised.
const RECOVERY: Duration = Duration::from_secs(30);
/// Longer than any test.
const AGES: Duration = Duration::from_secs(3600);

fn in_memory(settle: Duration) -> MemoryOwnership {
    let start = Instant::now();
    MemoryOwnership::new(settle, move || {
        StoreTime::from_ms(1_000_000 + start.elapsed().as_millis() as u64)
    })
}

fn in_redis(server: &RedisServer, settle: Duration) -> RedisOwnership {
    let timing = SessionTiming {
        settle,
        // A slow machine is no fault of the store's.
        answer_within: Duration::from_secs(20),
    };
    RedisOwnership::new(&server.url(), Durability::Strict, timing).expect("a URL")
}

async fn rooms_in_redis(server: &RedisServer, settle: Duration) -> Arc<RedisStore> {
    let url = server.url();
    let opening = RedisStore::open_settling(&url, Durability::Strict, settle);
    Arc::new(opening.await.expect("a safe Redis is opened"))
}

#[tokio::test]
async fn a_table_in_memory_keeps_the_contract() {
    contract::ownership::holds(Arc::new(in_memory(Duration::ZERO))).await;
    contract::ownership::settles(Arc::new(in_memory(AGES))).await;
}

#[tokio::test]
async fn a_table_in_redis_keeps_the_contract() {
    let server = RedisServer::start();
    contract::ownership::holds(Arc::new(in_redis(&server, Duration::ZERO))).await;
    let server = RedisServer::start();
    contract::ownership::settles(Arc::new(in_redis(&server, AGES))).await;
}

#[tokio::test]
async fn rooms_and_owners_in_memory_keep_their_contract() {
    let owners = in_memory(Duration::ZERO);
    let rooms = Arc::new(MemoryStore::under(owners.clone()));
    contract::fencing::holds(rooms, Arc::new(owners)).await;
    let owners = in_memory(AGES);
    let rooms = Arc::new(MemoryStore::under(owners.clone()));
    contract::fencing::settles(rooms, Arc::new(owners)).await;
    contract::holds(Arc::new(MemoryStore::under(in_memory(AGES)))).await;
}

#[tokio::test]
async fn rooms_and_owners_in_redis_keep_their_contract() {
    let server = RedisServer::start();
    let rooms = rooms_in_redis(&server, Duration::ZERO).await;
    contract::fencing::holds(rooms, Arc::new(in_redis(&server, Duration::ZERO))).await;
    let server = RedisServer::start();
    let rooms = rooms_in_redis(&server, AGES).await;
    contract::fencing::settles(rooms, Arc::new(in_redis(&server, AGES))).await;
}

fn boot(name: &str) -> NodeIncarnation {
    NodeIncarnation {
        node: name.parse().expect("a legal name"),
        incarnation: 1,
    }
}

fn caller(session: &dyn OwnershipSession, name: &str) -> Caller {
    Caller {
        node: boot(name),
        store: session.life(),
        generation: Generation(0),
    }
}

async fn renew(session: &dyn OwnershipSession, name: &str) -> Fate<Renewed> {
    let profile = Profile {
        address: "".into(),
        version: 1,
        load: 0,
        weight: 1,
        draining: false,
    };
    session.renew(&caller(session, name), &profile, None).await
}

async fn connect(store: &dyn OwnershipStore) -> Arc<dyn OwnershipSession> {
    store.connect().await.expect("a healthy store is connected to")
}

/// Asks again until the answer is another one than `not_yet`.
async fn until<T: PartialEq + std::fmt::Debug>(not_yet: impl Fn(&T) -> bool, ask: impl AsyncFn() -> T) -> T {
    let start = Instant::now();
    loop {
        let answer = ask().await;
        if !not_yet(&answer) {
            return answer;
        }
        assert!(start.elapsed() < RECOVERY, "still {answer:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_session_ends_with_its_server_and_the_next_is_of_another_life() {
    let mut server = RedisServer::start();
    let store = in_redis(&server, AGES);
    let session = connect(&store).await;
    assert!(matches!(renew(&*session, "a").await, Fate::Done(_)));
    server.kill();
    assert_eq!(renew(&*session, "a").await, Fate::Unknown);
    assert!(matches!(
        store.connect().await.err(),
        Some(StoreError::Unavailable(_))
    ));
    server.restart();
    assert_eq!(renew(&*session, "a").await, Fate::Unknown);
    let next = connect(&store).await;
    assert_ne!(next.life(), session.life());
    let Fate::Done(renewed) = renew(&*next, "b").await else {
        panic!("a new session works")
    };
    assert_eq!(renewed.nodes.len(), 2, "the data is still there");
}

#[tokio::test]
async fn a_silent_server_ends_a_session_in_time_and_all_that_is_on_its_way() {
    let server = RedisServer::start();
    let store = RedisOwnership::new(&server.url(), Durability::Strict, SessionTiming::default());
    let store = store.expect("a URL");
    let session = connect(&store).await;
    server.pause();
    let start = Instant::now();
    let calls = tokio::join!(renew(&*session, "a"), renew(&*session, "b"));
    assert_eq!(calls, (Fate::Unknown, Fate::Unknown));
    assert!(start.elapsed() < 10 * SessionTiming::default().answer_within);
    assert!(store.connect().await.is_err());
    assert!(start.elapsed() < RECOVERY);
    server.go_on();
    assert_eq!(renew(&*session, "a").await, Fate::Unknown, "for good");
    let next = connect(&store).await;
    assert_eq!(next.life(), session.life());
}

#[tokio::test]
async fn a_server_that_answers_with_an_error_ends_the_session() {
    for broken in [
        &["SCRIPT", "FLUSH"][..],
        &["CONFIG", "SET", "maxmemory", "1"],
        &["CONFIG", "SET", "min-replicas-to-write", "1"],
        &["REPLICAOF", "127.0.0.1", "1"],
        &["SET", "videorooms:nodes", "of another kind"],
    ] {
        let server = RedisServer::start();
        let session = connect(&in_redis(&server, AGES)).await;
        server.run(broken);
        assert_eq!(renew(&*session, "a").await, Fate::Unknown, "{broken:?}");
        assert_eq!(renew(&*session, "a").await, Fate::Unknown, "{broken:?}");
    }
}

#[tokio::test]
async fn an_emptied_server_is_another_store_to_who_was_connected() {
    let server = RedisServer::start();
    let store = in_redis(&server, AGES);
    let session = connect(&store).await;
    server.run(&["FLUSHALL"]);
    assert_eq!(renew(&*session, "a").await, Fate::Refused(Refusal::StoreChanged));
    let next = connect(&store).await;
    let shard = ROOM.shard();
    assert!(matches!(renew(&*next, "a").await, Fate::Done(_)));
    let claimed = next.claim(&caller(&*next, "a"), shard, Epoch(0)).await;
    assert_eq!(claimed, Fate::Refused(Refusal::Settling));
}

/// A node that holds a room in a store that comes back without its end, or without anything.
async fn comes_back(lose: impl FnOnce(&mut RedisServer, RedisData)) {
    let settle = Duration::from_millis(200);
    let mut server = RedisServer::start();
    let (owners, rooms) = (in_redis(&server, settle), rooms_in_redis(&server, settle).await);
    let session = connect(&owners).await;
    for name in ["a", "b"] {
        assert!(matches!(renew(&*session, name).await, Fate::Done(_)));
    }
    let shard = ROOM.shard();
    let claim = async || session.claim(&caller(&*session, "a"), shard, Epoch(0)).await;
    let settling = |fate: &Fate<Epoch>| *fate == Fate::Refused(Refusal::Settling);
    assert!(matches!(until(settling, claim).await, Fate::Done(_)));
    let kept = server.copy();
    let Fate::Done(held) = claim().await else {
        panic!("an owner claims again")
    };
    let fence = |session: &dyn OwnershipSession| {
        let life = session.life();
        Some(Arc::new(Fence {
            node: boot("a"),
            life,
        }))
    };
    let commit = |fence: &Option<Arc<Fence>>, epoch, last| Commit {
        room: ROOM,
        epoch,
        expect: Seq(last - 1),
        last: Seq(last),
        record: vec![last as u8],
        snapshot: None,
        fence: fence.clone(),
    };
    let write = async |commit: Commit| rooms.commit(vec![commit]).await.remove(0);
    let former = fence(&*session);
    assert_eq!(write(commit(&former, held, 1)).await, Verdict::Committed);
    lose(&mut server, kept);

    let session = connect(&owners).await;
    let unknown = |verdict: &Verdict| matches!(verdict, Verdict::Unknown { .. });
    let again = async || write(commit(&former, held, 2)).await;
    assert_eq!(until(unknown, again).await, Verdict::StoreChanged);
    for name in ["a", "b"] {
        assert!(matches!(renew(&*session, name).await, Fate::Done(_)));
    }
    let claim = ReAssertion { shard, held };
    let Fate::Done(epoch) = session.re_assert(&caller(&*session, "a"), claim).await else {
        panic!("a holder re-asserts")
    };
    assert!(epoch > held, "though the store forgot that reign");
    let fence = fence(&*session);
    let restore = Restore {
        room: ROOM,
        epoch,
        fence: fence.clone(),
        last: Seq(1),
        snapshot: b"at 1".to_vec(),
    };
    assert_eq!(rooms.restore(restore).await, Verdict::Committed);
    let changed = |verdict: &Verdict| *verdict == Verdict::StoreChanged;
    let next = async || write(commit(&fence, epoch, 2)).await;
    assert_eq!(until(changed, next).await, Verdict::Committed);
    let read = rooms
        .load(ROOM)
        .await
        .expect("a healthy store")
        .expect("the room");
    assert_eq!((read.epoch, read.last), (epoch, Seq(2)));
    assert_eq!(read.snapshot, Some((Seq(1), b"at 1".to_vec())));
    assert_eq!(rooms.rooms_of(shard).await, Ok(vec![ROOM]));
}

#[tokio::test]
async fn what_a_holder_re_asserts_outlives_a_store_that_lost_its_end() {
    comes_back(|server, kept| server.restart_on(&kept)).await;
}

#[tokio::test]
async fn what_a_holder_re_asserts_outlives_a_store_that_lost_everything() {
    comes_back(|server, _| server.restart_empty()).await;
}

#[tokio::test]
async fn an_epoch_is_above_those_that_the_store_lost_and_nobody_knows() {
    let mut server = RedisServer::start();
    let store = in_redis(&server, Duration::ZERO);
    let mut highest = Epoch(0);
    for _ in 0..3 {
        let session = connect(&store).await;
        assert!(matches!(renew(&*session, "a").await, Fate::Done(_)));
        for _ in 0..5 {
            let claimed = session
                .claim(&caller(&*session, "a"), ROOM.shard(), Epoch(0))
                .await;
            let Fate::Done(epoch) = claimed else {
                panic!("an owner claims again")
            };
            assert!(epoch > highest);
            highest = epoch;
        }
        server.restart_empty();
    }
}

#[tokio::test]
async fn another_count_of_shards_is_refused_and_both_are_named() {
    let server = RedisServer::start();
    server.run(&["HSET", "videorooms:meta", "shards", "512"]);
    let refused = StoreError::OtherShards {
        found: 512,
        ours: 1024,
    };
    assert!(refused.to_string().contains("512") && refused.to_string().contains("1024"));
    let owners = in_redis(&server, AGES).connect().await.err();
    assert_eq!(owners, Some(refused.clone()));
    let rooms = RedisStore::open(&server.url(), Durability::Strict).await.err();
    assert_eq!(rooms, Some(refused));
}
