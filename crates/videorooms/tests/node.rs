//! A node in this process: its actors are killed one by one, and it lives on.

use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::timeout;
use videorooms::Node;
use videorooms::config::Config;
use videorooms_tests::{Client, create_room, http};

const DEADLINE: Duration = Duration::from_secs(20);
const ACTORS: [&str; 3] = ["DebugLog", "Rooms", "Gateway"];

async fn start(data: &TempDir) -> Node {
    let mut config = Config {
        dev: true,
        data: data.path().to_owned(),
        ..Config::default()
    };
    let any = ([127, 0, 0, 1], 0).into();
    (config.http.listen, config.admin.listen, config.sfu.listen) = (any, any, any);
    Node::builder(config)
        .start()
        .await
        .expect("a node starts on free ports")
}

/// Asks until the answer is as wished.
async fn until(url: &str, wished: impl Fn(&Value) -> bool) {
    let asking = async {
        loop {
            let answer = http().get(url).send().await.ok();
            if let Some(answer) = answer.filter(|answer| answer.status() == 200)
                && wished(&answer.json().await.expect("an answer is JSON"))
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(DEADLINE, asking)
        .await
        .unwrap_or_else(|_| panic!("{url} did not answer as wished in time"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_actor_of_the_root_is_killed_and_comes_back_while_a_member_goes_on() {
    let data = tempfile::tempdir().unwrap();
    let node = start(&data).await;
    let address = node.address().to_string();
    let (room, token) = create_room(&address).await;
    let topic = format!("room:{room}");
    let mut client = Client::connect(&address).await;
    client.join(&topic, json!({"token": token})).await.ok();
    for (said, actor) in ACTORS.into_iter().enumerate() {
        node.kill_actor(actor);
        let restarted = async {
            while node.restarts(actor).await == 0 {
                tokio::task::yield_now().await;
            }
        };
        timeout(DEADLINE, restarted)
            .await
            .unwrap_or_else(|_| panic!("{actor} was not started again in time"));
        // New connections are served, and everything is well.
        until(&format!("http://{}/api/status", node.address()), |status| {
            let services = status["services"].as_array().unwrap();
            services.iter().all(|service| service["status"] == "ok")
        })
        .await;
        until(&format!("http://{}/readyz", node.admin_address()), |ready| {
            ready["ready"] == true
        })
        .await;
        // The socket that was open all the time still works, without a new join.
        let line = said.to_string();
        let reply = client
            .push(&topic, "chat_send", json!({"id": line, "text": actor}))
            .await
            .ok();
        assert!(reply["seq"].as_u64() > Some(0), "{actor}: {reply}");
        assert_eq!(client.event(&topic, "chat_message").await["text"], actor);
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_port_is_taken_says_so_and_leaves_nothing_behind() {
    let data = tempfile::tempdir().unwrap();
    let node = start(&data).await;
    let mut config = Config {
        data: data.path().join("other"),
        ..Config::default()
    };
    config.http.listen = node.address();
    let error = Node::builder(config).start().await.err().unwrap().to_string();
    assert!(
        error.contains(&node.address().to_string()) && error.contains("--listen"),
        "{error}"
    );
    assert!(!data.path().join("other").exists());
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_root_has_ended_says_so_to_its_program() {
    let data = tempfile::tempdir().unwrap();
    let mut node = start(&data).await;
    let early = timeout(Duration::ZERO, node.ended()).await;
    assert!(early.is_err(), "it runs");
    node.kill_root();
    timeout(DEADLINE, node.ended())
        .await
        .expect("its end is seen in time");
    node.stop().await;
}
