//! A node's life: it starts on an empty folder, serves, is killed, comes back with everything it acknowledged, and stops when asked.

use serde_json::{Value, json};
use tempfile::TempDir;
use videorooms_tests::{Client, DEADLINE, NodeProcess, RedisServer, get, http};

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
        assert_eq!(get(&url).await.status(), status, "{url}");
    }
}

#[tokio::test]
async fn a_killed_node_comes_back_with_all_that_it_acknowledged() {
    comes_back(&[], || {}).await;
}

#[tokio::test]
async fn a_node_comes_back_with_a_redis_that_was_killed_with_it() {
    let mut redis = RedisServer::start();
    let url = redis.url();
    let fall = || {
        redis.kill();
        redis.restart();
    };
    comes_back(&[("VIDEOROOMS__STORE__URL", &url)], fall).await;
}

/// Something is said to a node that is killed; `meanwhile` it is down; then it is all there.
async fn comes_back(environment: &[(&str, &str)], meanwhile: impl FnOnce()) {
    let data = TempDir::new().expect("a temporary folder");
    let node = NodeProcess::start_with(data, environment).await;
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

    let data = node.kill().await;
    meanwhile();
    let node = NodeProcess::start_with(data, environment).await;
    let mut client = Client::connect(&node.address).await;
    let back = client
        .join(&topic, json!({"resume": joined["resume"]}))
        .await
        .ok();
    assert_eq!(back["participant_id"], joined["participant_id"]);
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
    let more = client
        .push(&topic, "chat_send", json!({"id": "m2", "text": "new"}))
        .await
        .ok();
    assert!(
        more["epoch"].as_u64() > said["epoch"].as_u64(),
        "the epoch rises at each start"
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

#[tokio::test]
async fn a_node_whose_disk_is_full_says_that_it_is_not_ready_and_why() {
    let plenty = [("VIDEOROOMS__LIMITS__HTTP_PER_SECOND", "1000000")];
    let node = NodeProcess::start_with_disk_of(4096, &plenty).await;
    let ready = node.admin_url("/readyz");
    let client = http();
    let until_unready = async {
        loop {
            let made = client
                .post(node.url("/api/rooms"))
                .json(&json!({}))
                .send()
                .await
                .unwrap();
            if made.status() == 201 {
                continue;
            }
            assert_eq!(made.status(), 503);
            let answer = get(&ready).await;
            if answer.status() == 503 {
                return answer.json::<Value>().await.unwrap();
            }
        }
    };
    let unready = tokio::time::timeout(DEADLINE, until_unready)
        .await
        .expect("the disk is full in time");
    let checks = unready["checks"].as_array().unwrap();
    let store = checks.iter().find(|check| check["check"] == "store").unwrap();
    assert!(store["ok"] == false && store["detail"] != "", "{unready}");
    let alive = get(&node.admin_url("/livez")).await;
    assert_eq!(alive.status(), 200, "starting it again would not help");
}

#[tokio::test]
async fn a_second_start_finds_its_secret_and_its_figures_have_one_prefix() {
    let node = NodeProcess::start().await;
    let (room, token) = node.create_room().await;
    let secret = std::fs::read_to_string(node.data().join("secret")).unwrap();
    let (_, data) = node.terminate().await;
    let node = NodeProcess::start_on(data).await;
    assert_eq!(
        std::fs::read_to_string(node.data().join("secret")).unwrap(),
        secret
    );
    let topic = format!("room:{room}");
    let mut client = Client::connect(&node.address).await;
    client.join(&topic, json!({ "token": token })).await.ok();
    get(&node.url("/api/rooms/none")).await;
    let metrics = get(&node.admin_url("/metrics")).await.text().await.unwrap();
    let names = metrics
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    for name in names.clone() {
        assert!(name.starts_with("videorooms_"), "{name}");
    }
    for name in [
        "videorooms_gateway_sockets",
        "videorooms_gateway_problems_total{code=\"not_found\"}",
        "videorooms_rooms_live",
        "videorooms_rooms_commands_total",
        "videorooms_rooms_commit_seconds_bucket",
        "videorooms_store_up",
    ] {
        assert!(
            names.clone().any(|line| line.starts_with(name)),
            "{name}\n{metrics}"
        );
    }
}
