//! The HTTP side: rooms before one is in them, and everything that is said of every request.

mod limits;
mod logs;
mod manners;
mod page;
mod rooms;
mod session;

use reqwest::Response;
use serde_json::Value;

/// Checks that an answer is a refusal of this kind, in the one shape that refusals have.
async fn problem(answer: Response, status: u16, code: &str) -> Value {
    let headers = answer.headers().clone();
    let found = answer.status();
    let text = answer.text().await.unwrap();
    assert_eq!(found.as_u16(), status, "{text}");
    assert_eq!(headers["content-type"], "application/problem+json");
    let problem: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(problem["code"], code, "{text}");
    assert_eq!(problem["type"], format!("urn:videorooms:problem:{code}"));
    assert_eq!(problem["status"], status);
    for text in ["title", "detail"] {
        assert!(problem[text].as_str().is_some_and(|text| !text.is_empty()));
    }
    assert_eq!(
        problem["request_id"].as_str(),
        Some(headers["x-request-id"].to_str().unwrap())
    );
    problem
}
