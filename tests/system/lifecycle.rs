//! A node's life: it starts on an empty folder, serves, is killed, comes back with everything it acknowledged, and stops when asked.

use serde_json::json;
use videorooms_tests::{Client, NodeProcess};

#[tokio::test]
async fn a_node_says_how_it_is() {
    let node = NodeProcess::start().await;
    for (url, status) in [
        (node.admin_url("/livez"), 200),
        (node.admin_url("/readyz"), 200),
        (node.admin_url("/metrics"), 200),
        (node.url("/api/health"), 200),
        (node.url("/api/status"), 200),
        (node.url("/debug/api/stats"), 200),
        (node.url("/api/rooms/none"), 404),
    ] {
        assert_eq!(reqwest::get(&url).await.unwrap().status(), status, "{url}");
    }
}

#[tokio::test]
async fn a_killed_node_comes_back_with_all_that_it_acknowledged() {
    let node = NodeProcess::start().await;
    let (room, token) = node.create_room().await;
    let topic = format!("room:{room}");
    let mut client = Client::connect(&node.address).await;
    let joined = client.join(&topic, json!({"token": token})).await.ok();
    let said = client
        .push(&topic, "chat_send", json!({"id": "m1", "text": "kept"}))
        .await
        .ok();
    let heard = client.event(&topic, "chat_message").await;
    assert_eq!((&heard["id"], &heard["seq"]), (&json!("m1"), &said["seq"]));

    let node = NodeProcess::start_on(node.kill().await).await;
    let mut client = Client::connect(&node.address).await;
    let back = client
        .join(&topic, json!({"resume": joined["resume"]}))
        .await
        .ok();
    assert_eq!(back["participant_id"], joined["participant_id"]);
    assert!(
        back["epoch"].as_u64() > joined["epoch"].as_u64(),
        "the epoch rises at each start"
    );
    assert_eq!(back["snapshot"]["chat"][0]["text"], "kept");
    assert_eq!(back["snapshot"]["members"][0]["role"], "host");
    let again = client
        .push(&topic, "chat_send", json!({"id": "m1", "text": "kept"}))
        .await
        .ok();
    assert_eq!(
        again, said,
        "the same id sent twice is one message, across a crash too"
    );
}

#[tokio::test]
async fn a_node_that_is_asked_to_stop_drains_and_exits_cleanly() {
    let node = NodeProcess::start().await;
    let (room, token) = node.create_room().await;
    let mut client = Client::connect(&node.address).await;
    client
        .join(&format!("room:{room}"), json!({"token": token}))
        .await
        .ok();
    let (code, _) = node.terminate().await;
    assert_eq!(code, Some(0));
}
