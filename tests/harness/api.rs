//! The few HTTP calls that tests make before they join.

use serde_json::{Value, json};

/// Makes a room at the node that listens on `address`; answers its id and the host's token.
pub async fn create_room(address: &str) -> (String, String) {
    let request = reqwest::Client::new()
        .post(format!("http://{address}/api/rooms"))
        .json(&json!({}));
    let answer = request.send().await.expect("the node answers");
    assert_eq!(answer.status(), 201);
    let created: Value = answer.json().await.expect("the answer is JSON");
    let text = |key: &str| created[key].as_str().expect("a new room has it").to_owned();
    (text("id"), text("token"))
}
