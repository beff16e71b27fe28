//! A cluster whose Redis dies, falls silent, loses data: rooms go on with what they can do without it, and lose nothing that was acknowledged.

use serde_json::{Value, json};
use tokio::time::timeout;
use videorooms_tests::{ClusterProcesses, DEADLINE, get};

use crate::member::Member;

/// Three nodes, a room on the first, and someone at each of the other two.
async fn stage() -> (ClusterProcesses, String, Member, Member) {
    let nodes = ClusterProcesses::start(&["a", "b", "c"]).await;
    nodes.until_whole().await;
    let (room, token) = nodes.room_on("a").await;
    let host = Member::join(nodes.node("b"), &room, json!({ "token": token })).await;
    let guest = Member::newcomer(nodes.node("c"), &room, "Guest").await;
    (nodes, room, host, guest)
}

/// Waits until readiness of a node is as wanted; answers what it says. Liveness never moves.
async fn until_ready(nodes: &ClusterProcesses, name: &str, is_ready: bool) -> Value {
    let status = if is_ready { 200 } else { 503 };
    let wait = async {
        loop {
            assert_eq!(get(&nodes.node(name).admin_url("/livez")).await.status(), 200);
            let answer = get(&nodes.node(name).admin_url("/readyz")).await;
            if answer.status() == status {
                return answer.json().await.expect("readiness is JSON");
            }
        }
    };
    let waited = timeout(DEADLINE, wait).await;
    waited.unwrap_or_else(|_| panic!("readiness of {name} never became {is_ready}"))
}

/// What a newcomer finds in the chat.
async fn chat(nodes: &ClusterProcesses, room: &str) -> Vec<String> {
    let newcomer = Member::newcomer(nodes.node("b"), room, "Newcomer").await;
    newcomer.chat().into_iter().map(str::to_owned).collect()
}

/// Without Redis: what is not durable is still said, what is durable is refused for now.
async fn goes_on_without(nodes: &ClusterProcesses, host: &mut Member, guest: &mut Member) {
    for name in ["a", "b", "c"] {
        let unready = until_ready(nodes, name, false).await;
        let checks = unready["checks"].as_array().expect("checks");
        let store = checks
            .iter()
            .find(|check| check["check"] == "store")
            .expect("of the store");
        assert!(store["ok"] == false && store["detail"] != "", "{unready}");
    }
    let renaming = json!({ "name": "Too early" });
    let refused = host.client.push(&host.topic, "rename", renaming).await;
    assert_eq!(refused.reason(), "unavailable");
    // Once the nodes agree that it is nobody's fault, reactions come through again.
    let seen = async {
        loop {
            let _ = host
                .client
                .push(&host.topic, "reaction", json!({ "emoji": "👍" }))
                .await;
            if guest
                .client
                .event_within(&guest.topic, "reaction", 200)
                .await
                .is_some()
            {
                return;
            }
        }
    };
    timeout(DEADLINE, seen)
        .await
        .expect("a reaction comes through without Redis");
}

#[tokio::test]
async fn while_redis_is_dead_rooms_go_on_and_afterwards_all_is_as_before() {
    let (mut nodes, room, mut host, mut guest) = stage().await;
    host.say("before").await;
    nodes.redis.kill();
    goes_on_without(&nodes, &mut host, &mut guest).await;
    nodes.redis.restart();
    host.say("after").await;
    for name in ["a", "b", "c"] {
        until_ready(&nodes, name, true).await;
    }
    assert_eq!(guest.hear(2).await, ["before", "after"]);
    assert_eq!(chat(&nodes, &room).await, ["before", "after"]);
}

#[tokio::test]
async fn while_redis_is_silent_rooms_go_on_and_afterwards_all_is_as_before() {
    let (nodes, room, mut host, mut guest) = stage().await;
    host.say("before").await;
    nodes.redis.pause();
    goes_on_without(&nodes, &mut host, &mut guest).await;
    nodes.redis.go_on();
    host.say("after").await;
    assert_eq!(guest.hear(2).await, ["before", "after"]);
    assert_eq!(chat(&nodes, &room).await, ["before", "after"]);
}

#[tokio::test]
async fn what_redis_lost_is_written_again_by_who_owns_it() {
    let (mut nodes, room, mut host, mut guest) = stage().await;
    host.say("kept").await;
    let older = nodes.redis.copy();
    host.say("lost").await;
    nodes.redis.restart_on(&older);
    host.say("after").await;
    assert_eq!(guest.hear(3).await, ["kept", "lost", "after"]);
    assert_eq!(chat(&nodes, &room).await, ["kept", "lost", "after"]);
}

#[tokio::test]
async fn a_redis_that_lost_everything_is_told_everything_again() {
    let (mut nodes, room, mut host, mut guest) = stage().await;
    host.say("before").await;
    nodes.redis.restart_empty();
    host.say("after").await;
    assert_eq!(guest.hear(2).await, ["before", "after"]);
    assert_eq!(chat(&nodes, &room).await, ["before", "after"]);
}
