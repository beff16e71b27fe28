//! Tables of owners, in memory and in Redis, against their contract; those in Redis also against a server that is killed, paused, emptied or put back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use videorooms_store::ownership::{MemoryOwnership, StoreTime};
use videorooms_store::{Durability, MemoryStore, RedisOwnership, RedisStore, SessionTiming, contract};
use videorooms_tests::RedisServer;

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
