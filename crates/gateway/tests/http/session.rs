//! `/api/session`: an operator's token as a cookie.

use std::time::Duration;

use reqwest::{Method, Response};
use serde_json::{Value, json};

use super::problem;
use crate::support::{House, Socket};

const HOUR: Duration = Duration::from_secs(3600);

async fn open(house: &House, headers: &[(&str, &str)]) -> Response {
    let token = house.keys.operator_token(HOUR);
    let mut request = house.post("/api/session", &json!({ "token": token }));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap()
}

/// The whole `Set-Cookie` of an answer.
fn set_cookie(answer: &Response) -> String {
    answer.headers()["set-cookie"].to_str().unwrap().to_owned()
}

/// What a browser sends of it.
fn pair(set_cookie: &str) -> &str {
    set_cookie.split(';').next().unwrap()
}

async fn is_operator(house: &House, cookie: Option<&str>) -> bool {
    let mut request = house.request(Method::GET, "/api/session");
    if let Some(cookie) = cookie {
        request = request.header("cookie", cookie);
    }
    let session: Value = request.send().await.unwrap().json().await.unwrap();
    session["operator"].as_bool().unwrap()
}

#[tokio::test]
async fn an_operator_gets_a_cookie_that_reads_the_log_until_the_session_is_closed() {
    let house = House::open().await;
    let opened = open(&house, &[]).await;
    assert_eq!(opened.status(), 204);
    let cookie = set_cookie(&opened);
    for part in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age="] {
        assert!(cookie.contains(part), "{part}: {cookie}");
    }
    assert!(!cookie.contains("Secure"));
    let age: u64 = cookie.rsplit_once("Max-Age=").unwrap().1.parse().unwrap();
    assert!((3500..=3600).contains(&age), "{age}");
    for method in [Method::GET, Method::DELETE] {
        let asked = house
            .request(method, "/debug/api/logs")
            .header("cookie", pair(&cookie));
        assert!(asked.send().await.unwrap().status().is_success());
    }
    assert!(is_operator(&house, Some(pair(&cookie))).await);
    for other in [None, Some("videorooms_operator=nonsense")] {
        assert!(!is_operator(&house, other).await);
    }
    let closed = house
        .request(Method::DELETE, "/api/session")
        .send()
        .await
        .unwrap();
    assert_eq!(closed.status(), 204);
    let gone = set_cookie(&closed);
    assert!(
        gone.starts_with("videorooms_operator=;") && gone.contains("Max-Age=0"),
        "{gone}"
    );
}

#[tokio::test]
async fn whoever_is_no_operator_gets_no_cookie() {
    let house = House::open().await;
    let join = house.room().await.token;
    for token in ["", "nonsense", &join] {
        let asked = house.post("/api/session", &json!({ "token": token }));
        problem(asked.send().await.unwrap(), 401, "unauthorized").await;
    }
    problem(
        house.post("/api/session", &json!({})).send().await.unwrap(),
        400,
        "invalid",
    )
    .await;
    let foreign = open(&house, &[("origin", "https://evil.example")]).await;
    problem(foreign, 403, "forbidden").await;
    let closing = house
        .request(Method::DELETE, "/api/session")
        .header("origin", "https://evil.example");
    problem(closing.send().await.unwrap(), 403, "forbidden").await;
}

#[tokio::test]
async fn the_cookie_of_an_allowed_but_foreign_origin_does_not_open_the_log() {
    let origin = "https://partner.example";
    let house = House::with(|config| config.allowed_origins = vec![origin.to_owned()]).await;
    let cookie = set_cookie(&open(&house, &[]).await);
    let asked = house
        .get("/debug/api/logs")
        .header("cookie", pair(&cookie))
        .header("origin", origin);
    problem(asked.send().await.unwrap(), 401, "unauthorized").await;
    let headers = [("cookie", pair(&cookie)), ("origin", origin)];
    let mut socket = Socket::open(house.address, &headers).await.unwrap();
    let reply = socket.join("debug:logs", json!({})).await;
    assert_eq!(reply[4]["response"]["reason"], "unauthorized");
}

#[tokio::test]
async fn the_cookie_is_for_https_only_when_a_trusted_proxy_says_that_it_came_by_https() {
    let forwarded = [("x-forwarded-for", "9.9.9.9"), ("x-forwarded-proto", "https")];
    let house = House::open().await;
    assert!(!set_cookie(&open(&house, &forwarded).await).contains("Secure"));
    let house = House::with(|config| config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()]).await;
    assert!(set_cookie(&open(&house, &forwarded).await).ends_with("; Secure"));
    assert!(!set_cookie(&open(&house, &[("x-forwarded-proto", "https, http")]).await).contains("Secure"));
}

#[tokio::test]
async fn the_live_log_is_joined_by_the_cookie() {
    let house = House::open().await;
    let cookie = set_cookie(&open(&house, &[]).await);
    let mut socket = Socket::open(house.address, &[("cookie", pair(&cookie))])
        .await
        .unwrap();
    let reply = socket.join("debug:logs", json!({})).await;
    assert_eq!(reply[4]["status"], "ok", "{reply}");
}
