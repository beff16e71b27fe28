//! `/debug/*`: who may read the log, and who may write into it.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::problem;
use crate::support::House;

const DOORS: [(Method, &str); 3] = [
    (Method::GET, "/debug/api/logs"),
    (Method::GET, "/debug/api/stats"),
    (Method::DELETE, "/debug/api/logs"),
];

#[tokio::test]
async fn an_open_log_is_read_from_this_machine_only() {
    let house = House::with(|config| config.open_logs = true).await;
    for (method, path) in DOORS {
        let ask = |header: Option<(&'static str, &'static str)>| {
            let mut request = house.request(method.clone(), path);
            if let Some((name, value)) = header {
                request = request.header(name, value);
            }
            request.send()
        };
        assert!(ask(None).await.unwrap().status().is_success());
        let local = ask(Some(("host", "localhost:4000"))).await.unwrap();
        assert!(local.status().is_success());
        for header in [
            ("host", "evil.example"),
            ("host", "localhost.evil.example:4000"),
            ("x-forwarded-for", "9.9.9.9"),
            ("x-forwarded-for", "127.0.0.1"),
        ] {
            problem(ask(Some(header)).await.unwrap(), 401, "unauthorized").await;
        }
    }
}

#[tokio::test]
async fn a_closed_log_is_for_operators() {
    let house = House::open().await;
    let operator = house.keys.operator_token(Duration::from_secs(60));
    let join = house.room().await.token;
    for (method, path) in DOORS {
        let ask = |bearer: &str| house.request(method.clone(), path).bearer_auth(bearer).send();
        assert!(ask(&operator).await.unwrap().status().is_success());
        for bearer in ["", "nonsense", &join] {
            problem(ask(bearer).await.unwrap(), 401, "unauthorized").await;
        }
        let nobody = house.request(method.clone(), path).send().await.unwrap();
        problem(nobody, 401, "unauthorized").await;
    }
}

#[tokio::test]
async fn every_browser_may_write_and_what_it_wrote_is_read() {
    let house = House::open().await;
    let records = json!({"records": [
        {"level": "warn", "message": "camera lost", "service": "media", "room": "abc"},
        {"level": "shout", "message": "no such level"},
    ]});
    let written = house.post("/debug/api/logs", &records).send().await.unwrap();
    let receipt: Value = written.json().await.unwrap();
    assert_eq!(receipt, json!({"accepted": 1, "rejected": 1}));
    let operator = house.keys.operator_token(Duration::from_secs(60));
    let read = house
        .get("/debug/api/logs?text=CAMERA&room=abc&level=info")
        .bearer_auth(operator)
        .send()
        .await
        .unwrap();
    let read: Value = read.json().await.unwrap();
    assert_eq!(read["records"][0]["message"], "camera lost");
    let refused = house.post("/debug/api/logs", &json!({"records": 7}));
    problem(refused.send().await.unwrap(), 400, "invalid").await;
}
