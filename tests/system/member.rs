//! Someone in a room, at one of its nodes, for tests of clusters.

use serde_json::{Value, json};
use videorooms_tests::{Client, DEADLINE, NodeProcess};

/// A member at a node.
pub(crate) struct Member {
    pub(crate) client: Client,
    pub(crate) topic: String,
    pub(crate) joined: Value,
}

impl Member {
    pub(crate) async fn join(node: &NodeProcess, room: &str, payload: Value) -> Self {
        let topic = format!("room:{room}");
        let mut client = Client::connect(&node.address).await;
        let joined = client.join(&topic, payload).await.ok();
        Self {
            client,
            topic,
            joined,
        }
    }

    /// With a token that the node gives.
    pub(crate) async fn newcomer(node: &NodeProcess, room: &str, name: &str) -> Self {
        let url = node.url(&format!("/api/rooms/{room}/join"));
        let body = json!({ "name": name });
        let answer = videorooms_tests::http()
            .post(url)
            .json(&body)
            .send()
            .await
            .expect("an answer");
        let answer: Value = answer.json().await.expect("JSON");
        Self::join(node, room, json!({ "token": answer["token"] })).await
    }

    /// Says something as a client does: again, with the same id, while it is told that it cannot be done now.
    pub(crate) async fn say(&mut self, id: &str) -> Value {
        let insist = async {
            loop {
                let line = json!({ "id": id, "text": id });
                let reply = self.client.push(&self.topic, "chat_send", line).await;
                if reply.status == "ok" {
                    return reply.response;
                }
                assert_eq!(reply.reason(), "unavailable");
            }
        };
        tokio::time::timeout(DEADLINE, insist)
            .await
            .expect("taken in the end")
    }

    /// What it found in the chat when it came in.
    pub(crate) fn chat(&self) -> Vec<&str> {
        let lines = self.joined["snapshot"]["chat"].as_array().expect("a chat");
        lines
            .iter()
            .map(|line| line["text"].as_str().expect("a text"))
            .collect()
    }

    /// The next lines of chat, by id.
    pub(crate) async fn hear(&mut self, lines: usize) -> Vec<String> {
        let mut heard = Vec::new();
        while heard.len() < lines {
            let line = self.client.event(&self.topic, "chat_message").await;
            heard.push(line["id"].as_str().expect("an id").to_owned());
        }
        heard
    }

    pub(crate) async fn until(&mut self, event: &str) -> Value {
        self.client.event(&self.topic, event).await
    }
}
