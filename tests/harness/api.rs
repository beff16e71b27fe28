//! The few HTTP calls that tests make before they join.

use reqwest::Response;
use serde_json::{Value, json};

use crate::DEADLINE;

/// A client that knows no proxy and does not wait for ever.
#[must_use]
pub fn http() -> reqwest::Client {
    let client = reqwest::Client::builder().no_proxy().timeout(DEADLINE);
    client.build().expect("it needs nothing from outside")
}

/// Gets a page of a node that must answer.
pub async fn get(url: &str) -> Response {
    http().get(url).send().await.expect("the node answers")
}

/// Makes a room at the node that listens on `address`; answers its id and the host's token.
pub async fn create_room(address: &str) -> (String, String) {
    let request = http()
        .post(format!("http://{address}/api/rooms"))
        .json(&json!({}));
    let answer = request.send().await.expect("the node answers");
    assert_eq!(answer.status(), 201);
    let created: Value = answer.json().await.expect("the answer is JSON");
    let text = |key: &str| created[key].as_str().expect("a new room has it").to_owned();
    (text("id"), text("token"))
}
