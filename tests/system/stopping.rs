//! A node that is asked to stop: it says so, finishes what it began, and sends everyone away to come back.

use serde_json::{Value, json};
use videorooms_tests::{Client, NodeProcess, http};

/// Enough that sending them away takes a second: they go in twenty batches.
const SOCKETS: usize = 40;

async fn readiness(url: &str) -> Option<(u16, Value)> {
    let answer = http().get(url).send().await.ok()?;
    let status = answer.status().as_u16();
    Some((status, answer.json().await.ok()?))
}

#[tokio::test]
async fn a_stopping_node_is_not_ready_lets_nobody_in_and_closes_with_1012() {
    let node = NodeProcess::start().await;
    let (room, _) = node.create_room().await;
    let mut sockets = Vec::new();
    for _ in 0..SOCKETS {
        sockets.push(Client::connect(&node.address).await);
    }
    let (ready, join) = (
        node.admin_url("/readyz"),
        node.url(&format!("/api/rooms/{room}/join")),
    );
    let watch = async {
        let unready = loop {
            let (status, body) = readiness(&ready).await.expect("it is unready before it is gone");
            if status == 503 {
                break body;
            }
        };
        let check = unready["checks"]
            .as_array()
            .unwrap()
            .iter()
            .find(|check| check["ok"] == false);
        assert_eq!(check.unwrap()["detail"], "the node is leaving");
        let wish = json!({"name": "late"});
        let refused = http().post(&join).json(&wish).send().await.unwrap();
        assert_eq!(refused.status(), 503);
        let problem: Value = refused.json().await.unwrap();
        assert_eq!(problem["code"], "unavailable");
        assert!(problem["retry_after_ms"].is_u64(), "{problem}");
    };
    let ((code, _data), ()) = tokio::join!(node.terminate(), watch);
    assert_eq!(code, Some(0));
    for socket in sockets {
        assert_eq!(socket.until_closed().await.1, Some(1012));
    }
}

#[tokio::test]
async fn what_was_answered_before_the_end_is_there_after_it() {
    let node = NodeProcess::start().await;
    let (room, token) = node.create_room().await;
    let topic = format!("room:{room}");
    let mut client = Client::connect(&node.address).await;
    let joined = client.join(&topic, json!({ "token": token })).await.ok();
    let mut pushed = Vec::new();
    for n in 0..5 {
        let line = n.to_string();
        let reference = client
            .say(&topic, "chat_send", json!({"id": line, "text": line}))
            .await;
        pushed.push((reference, line));
    }
    let ((code, data), (heard, close)) = tokio::join!(node.terminate(), client.until_closed());
    assert_eq!((code, close), (Some(0), Some(1012)));
    let answered = pushed.iter().filter(|(reference, _)| {
        let reply = heard
            .iter()
            .find(|frame| frame[3] == "phx_reply" && frame[1] == reference.as_str());
        reply.is_some_and(|reply| reply[4]["status"] == "ok")
    });

    let node = NodeProcess::start_on(data).await;
    let mut client = Client::connect(&node.address).await;
    let back = client
        .join(&topic, json!({"resume": joined["resume"]}))
        .await
        .ok();
    let kept = back["snapshot"]["chat"].as_array().unwrap();
    for (_, line) in answered {
        assert!(
            kept.iter().any(|kept| kept["text"] == line.as_str()),
            "{line}: {kept:?}"
        );
    }
}
