//! A cluster as its operator runs it: by commands of the program, from any node.

use serde_json::{Value, json};
use videorooms_tests::{Client, ClusterProcesses, DEADLINE, NodeProcess, get, http};

async fn join(node: &NodeProcess, room: &str, token: &str) -> Client {
    let mut client = Client::connect(&node.address).await;
    let payload = json!({ "token": token });
    client.join(&format!("room:{room}"), payload).await.ok();
    client
}

async fn newcomer(node: &NodeProcess, room: &str) -> Client {
    let asking = http()
        .post(node.url(&format!("/api/rooms/{room}/join")))
        .json(&json!({ "name": "Guest" }));
    let grant: Value = asking
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    join(node, room, grant["token"].as_str().expect("a token")).await
}

/// The nodes as one of them sees them, by name.
async fn list(nodes: &ClusterProcesses, asked: &str) -> Value {
    let printed = nodes.operate(asked, &["node", "list", "--json"]).await.ok();
    serde_json::from_str(&printed).expect("JSON")
}

fn row<'a>(list: &'a Value, name: &str) -> &'a Value {
    let mut rows = list["nodes"].as_array().expect("nodes").iter();
    rows.find(|row| row["id"] == name).expect("the node")
}

async fn explain(nodes: &ClusterProcesses, asked: &str, room: &str) -> Value {
    let printed = nodes
        .operate(asked, &["room", "explain", room, "--json"])
        .await
        .ok();
    serde_json::from_str(&printed).expect("JSON")
}

#[tokio::test]
async fn every_node_is_seen_from_any_node_and_by_operators_only() {
    let nodes = ClusterProcesses::start(&["a", "b"]).await;
    nodes.until_whole().await;
    let seen = list(&nodes, "b").await;
    assert_eq!(seen["node"]["node"], "b");
    assert_eq!(seen["standing"], "live");
    assert_eq!(seen["unowned"], 0);
    let (a, b) = (row(&seen, "a"), row(&seen, "b"));
    assert_eq!((&a["link"], &b["link"]), (&json!("up"), &json!("here")));
    let shards = |row: &Value| row["shards"].as_u64().unwrap();
    assert_eq!(shards(a) + shards(b), 1024);
    assert_eq!(a["says"]["secret_fingerprint"], b["says"]["secret_fingerprint"]);
    let table = nodes.operate("b", &["node", "list"]).await.ok();
    assert!(table.contains("b*") && table.contains("generation"), "{table}");

    let url = nodes.node("a").admin_url("/admin/api/nodes");
    assert_eq!(get(&url).await.status(), 401);
    let refused = http().get(&url).bearer_auth("x").send().await.unwrap();
    assert_eq!(refused.status(), 403);
    let status: Value = get(&nodes.node("a").url("/api/status"))
        .await
        .json()
        .await
        .unwrap();
    let ready: Value = get(&nodes.node("a").admin_url("/readyz"))
        .await
        .json()
        .await
        .unwrap();
    for (parts, name) in [(&status["services"], "name"), (&ready["checks"], "check")] {
        let mut parts = parts.as_array().unwrap().iter();
        let cluster = parts.find(|part| part[name] == "cluster").unwrap();
        assert_eq!(cluster["detail"], "live; links up: 1 of 1");
    }
}

#[tokio::test]
async fn readiness_says_when_the_lease_is_past_and_why() {
    let mut nodes = ClusterProcesses::start(&["a", "b"]).await;
    nodes.until_whole().await;
    nodes.redis.kill();
    let url = nodes.node("a").admin_url("/readyz");
    let past = async {
        loop {
            let answer = get(&url).await;
            let status = answer.status();
            let ready: Value = answer.json().await.unwrap();
            let mut checks = ready["checks"].as_array().unwrap().iter();
            let cluster = checks.find(|check| check["check"] == "cluster").unwrap();
            if cluster["ok"] == false {
                let detail = cluster["detail"].as_str().unwrap().to_owned();
                return (status, detail);
            }
        }
    };
    let (status, detail) = tokio::time::timeout(DEADLINE, past).await.unwrap();
    assert_eq!(status, 503);
    assert!(
        detail.contains("store") && detail.contains("links up: 1 of 1"),
        "{detail}"
    );
}

#[tokio::test]
async fn a_node_is_drained_from_another_while_people_talk_and_no_operation_fails() {
    let nodes = ClusterProcesses::start(&["a", "b"]).await;
    nodes.until_whole().await;
    let (room, token) = nodes.room_on("a").await;
    let topic = format!("room:{room}");
    let mut host = join(nodes.node("b"), &room, &token).await;
    let mut guest = newcomer(nodes.node("a"), &room).await;
    let mut said = 0;
    let draining = nodes.operate("b", &["node", "drain", "a"]);
    tokio::pin!(draining);
    let drained = loop {
        tokio::select! {
            drained = &mut draining => break drained.ok(),
            reply = async {
                let line = json!({ "id": format!("line-{said}"), "text": "on and on" });
                host.push(&topic, "chat_send", line).await
            } => {
                reply.ok();
                said += 1;
            }
        }
    };
    assert!(said > 0);
    assert!(drained.contains("0 shards and 0 rooms left"), "{drained}");
    assert_eq!(host.event(&topic, "room_resumed").await["node"], "b");
    // Its sockets stay.
    assert_eq!(guest.event(&topic, "room_resumed").await["node"], "b");
    let line = json!({ "id": "from-the-drained", "text": "still here" });
    guest.push(&topic, "chat_send", line).await.ok();

    let seen = list(&nodes, "b").await;
    let a = row(&seen, "a");
    assert_eq!((&a["state"], &a["shards"]), (&json!("draining"), &json!(0)));
    let alone = nodes.operate("a", &["node", "drain", "b"]).await;
    assert_eq!(alone.code, Some(1));
    assert!(alone.stderr.contains("no other node takes rooms"), "{alone:?}");

    let undone = nodes.operate("b", &["node", "drain", "a", "--undo"]).await.ok();
    assert!(undone.contains("takes rooms again"), "{undone}");
    nodes
        .until_figure("a", "videorooms_cluster_shards_held ", |held| held > 0.0)
        .await;
}

#[tokio::test]
async fn a_drain_that_is_not_done_in_time_ends_with_an_error() {
    let nodes = ClusterProcesses::start(&["a", "b"]).await;
    nodes.until_whole().await;
    let late = nodes
        .operate("a", &["node", "drain", "b", "--deadline", "0s"])
        .await;
    assert_eq!(late.code, Some(1));
    assert!(
        late.stderr.contains("b still has") && late.stderr.contains("--undo"),
        "{late:?}"
    );
    let unknown = nodes.operate("a", &["node", "drain", "x"]).await.failure();
    assert!(unknown.contains("there is no node x"), "{unknown}");
    let nobody = nodes
        .command("a", &["node", "list", "--url", "http://127.0.0.1:1"])
        .await
        .failure();
    assert!(nobody.contains("is the node running"), "{nobody}");
}

#[tokio::test]
async fn a_room_is_explained_by_its_owner_wherever_it_is_asked() {
    let mut nodes = ClusterProcesses::start(&["a", "b", "c"]).await;
    nodes.until_whole().await;
    let (room, token) = nodes.room_on("a").await;
    let _host = join(nodes.node("b"), &room, &token).await;
    for asked in ["a", "b", "c"] {
        let explained = explain(&nodes, asked, &room).await;
        assert_eq!(explained["owner"]["node"], "a", "{explained}");
        assert_eq!(explained["in_memory"], true);
        assert_eq!(explained["members"], 1);
        assert_eq!(explained["attached"][0]["node"]["node"], "b");
        assert_eq!(explained["attached"][0]["sockets"], 1);
        assert_eq!(explained["scores"].as_array().unwrap().len(), 3);
        assert_eq!(explained["scores"][0]["node"], explained["home"]);
    }
    nodes.take("a").kill().await;
    let explained = loop {
        // The owner's roll is called a moment after the room is there.
        let explained = explain(&nodes, "b", &room).await;
        if explained["last_move"]["resubscribed_at"].is_u64() {
            break explained;
        }
    };
    assert_ne!(explained["owner"]["node"], "a");
    let moved = &explained["last_move"];
    assert_eq!(moved["from"]["node"], "a");
    let phases = [
        "noticed_at",
        "judged_at",
        "claimed_at",
        "loaded_at",
        "resubscribed_at",
    ];
    let times: Vec<_> = phases.map(|phase| moved[phase].as_u64().unwrap()).into();
    assert!(times.is_sorted(), "{moved}");
    let text = nodes.operate("c", &["room", "explain", &room]).await.ok();
    assert!(
        text.contains("last move, from a.") && text.contains("score"),
        "{text}"
    );
    let missing = nodes
        .operate("c", &["room", "explain", "00000000000000000000000000"])
        .await;
    assert!(missing.failure().contains("no such room"));
}

#[tokio::test]
async fn certificates_and_revocations_are_read_again_on_sighup() {
    const READ_AGAIN: &str = "certificates were read again";
    let mut nodes = ClusterProcesses::start(&["a", "b"]).await;
    nodes.until_whole().await;
    nodes.take("b").kill().await;
    nodes.identities(&["revoke", "b"]).await;
    nodes.node("a").hang_up();
    nodes.node("a").until_logged(READ_AGAIN).await;
    nodes.start_node("b").await;
    let refused = "videorooms_cluster_connections_refused_total{reason=\"revoked\"} ";
    nodes.until_figure("a", refused, |times| times > 0.0).await;
    nodes.identities(&["renew", "b"]).await;
    nodes.node("b").hang_up();
    nodes.node("b").until_logged(READ_AGAIN).await;
    for name in ["a", "b"] {
        nodes
            .until_figure(name, "videorooms_cluster_links_up ", |up| up == 1.0)
            .await;
    }
}

#[tokio::test]
async fn a_node_of_no_weight_takes_no_rooms() {
    let mut nodes = ClusterProcesses::start(&["a"]).await;
    nodes.add_identity("b").await;
    let weightless = [("VIDEOROOMS__CLUSTER__WEIGHT", "0")];
    nodes.start_node_with("b", &weightless).await;
    nodes
        .until_figure("a", "videorooms_cluster_links_up ", |up| up == 1.0)
        .await;
    let seen = list(&nodes, "b").await;
    let (a, b) = (row(&seen, "a"), row(&seen, "b"));
    assert_eq!((&a["shards"], &b["shards"]), (&json!(1024), &json!(0)));
    assert_eq!(b["weight"], 0);
    nodes.node("b").create_room().await;
    let refused = nodes.operate("b", &["node", "drain", "a"]).await.failure();
    assert!(refused.contains("no other node takes rooms"), "{refused}");
}

#[tokio::test]
async fn rooms_go_to_another_node_when_one_is_full_and_are_refused_when_all_are() {
    let full = [("VIDEOROOMS__ROOMS__MAX_LIVE", "1")];
    let mut nodes = ClusterProcesses::start(&["b"]).await;
    nodes.add_identity("a").await;
    nodes.start_node_with("a", &full).await;
    nodes.until_whole().await;
    nodes.room_on("a").await;
    for _ in 0..20 {
        let (room, _) = nodes.node("a").create_room().await;
        assert_eq!(explain(&nodes, "a", &room).await["owner"]["node"], "b");
    }

    let alone = NodeProcess::start_with(tempfile::tempdir().unwrap(), &full).await;
    let (room, _) = alone.create_room().await;
    assert_eq!(get(&alone.url(&format!("/api/rooms/{room}"))).await.status(), 200);
    let asking = http().post(alone.url("/api/rooms")).json(&json!({}));
    let refused = asking.send().await.unwrap();
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("retry-after"));
    let problem: Value = refused.json().await.unwrap();
    assert_eq!(problem["code"], "too_many_rooms");
    assert!(
        problem["detail"].as_str().unwrap().contains("rooms.max_live"),
        "{problem}"
    );
}
