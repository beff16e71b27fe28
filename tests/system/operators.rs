//! The log of a node that is not for development: closed to everyone but operators.

use serde_json::{Value, json};
use videorooms_tests::{Client, NodeProcess, get, http, run};

#[tokio::test]
async fn an_operator_opens_a_closed_log_with_a_token_from_the_command_line() {
    let node = NodeProcess::start_closed(&[]).await;
    let logs = node.url("/debug/api/logs");
    assert_eq!(get(&logs).await.status(), 401);

    let data = node.data().to_str().unwrap();
    let token = run(&["operator", "token", "--ttl", "5m", "--data", data], &[])
        .await
        .ok();
    let token = token.trim();
    let client = http();
    let read = client.get(&logs).bearer_auth(token).send().await.unwrap();
    assert_eq!(read.status(), 200);
    let page: Value = read.json().await.unwrap();
    let is_start = |record: &Value| record["message"] == "node is live";
    assert!(page["records"].as_array().unwrap().iter().any(is_start), "{page}");
    assert!(!page.to_string().contains(token), "the log never shows a token");

    let opened = client
        .post(node.url("/api/session"))
        .json(&json!({ "token": token }))
        .send()
        .await
        .unwrap();
    assert_eq!(opened.status(), 204);
    let cookie = opened.headers()["set-cookie"].to_str().unwrap();
    let cookie = cookie.split(';').next().unwrap();
    let read = client.get(&logs).header("cookie", cookie).send().await.unwrap();
    assert_eq!(read.status(), 200);

    let mut stranger = Client::connect(&node.address).await;
    let refused = stranger.join("debug:logs", json!({})).await;
    assert_eq!(refused.reason(), "unauthorized");
    let by_token = Client::connect(&node.address).await;
    let by_cookie = Client::connect_with(&node.address, &[("cookie", cookie)]).await;
    for (mut socket, payload) in [(by_token, json!({ "token": token })), (by_cookie, json!({}))] {
        socket.join("debug:logs", payload).await.ok();
        let record = json!({"records": [{"level": "info", "message": "hello"}]});
        let posted = client.post(&logs).json(&record).send().await.unwrap();
        assert_eq!(posted.status(), 200);
        let is_hello = |batch: &Value| {
            let records = batch["records"].as_array().unwrap();
            records.iter().any(|record| record["message"] == "hello")
        };
        while !is_hello(&socket.event("debug:logs", "logs").await) {}
    }

    let emptied = client.delete(&logs).bearer_auth(token).send().await.unwrap();
    assert_eq!(emptied.status(), 204);
}

#[tokio::test]
async fn without_the_nodes_secret_there_is_no_token() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let failure = run(&["operator", "token", "--data", data], &[]).await.failure();
    assert!(
        failure.contains("--data") && failure.contains("start the node once"),
        "{failure}"
    );
    let failure = run(
        &["operator", "token", "--ttl", "48h"],
        &[("SECRET_KEY_BASE", &"s".repeat(32))],
    )
    .await
    .failure();
    assert!(failure.contains("24h"), "{failure}");
}
