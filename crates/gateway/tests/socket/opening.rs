//! From HTTP to a socket, and who is refused before.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::support::{House, Socket, only};

/// Asks for an upgrade and reads the answer, whatever it is.
async fn knock(house: &House, query: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = house
        .get(&format!("/ws/websocket{query}"))
        .header("connection", "Upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap()
}

#[tokio::test]
async fn versions_2_0_are_let_in_and_any_other_is_forbidden() {
    let house = House::open().await;
    for query in ["?vsn=2.0.0", "?vsn=2.0.17", "?user[name]=x&vsn=2.0.0"] {
        assert_eq!(knock(&house, query, &[]).await.status(), 101, "{query}");
    }
    for query in ["", "?vsn=1.0.0", "?vsn=2.1.0", "?vsn=2.0", "?vsn=junk", "?vsn="] {
        assert_eq!(knock(&house, query, &[]).await.status(), 403, "{query}");
    }
}

#[tokio::test]
async fn the_shorter_path_is_served_too() {
    let house = House::open().await;
    let answer = house
        .get("/ws?vsn=2.0.0")
        .header("connection", "Upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 101);
}

#[tokio::test]
async fn what_is_no_upgrade_is_a_bad_request() {
    let house = House::open().await;
    let path = "/ws/websocket?vsn=2.0.0";
    assert_eq!(house.get(path).send().await.unwrap().status(), 400);
    for method in [Method::POST, Method::PUT, Method::DELETE] {
        let answer = house.request(method.clone(), path).send().await.unwrap();
        assert_eq!(answer.status(), 400, "{method}");
    }
}

#[tokio::test]
async fn a_query_that_cannot_be_read_is_a_problem() {
    let house = House::open().await;
    let answer = knock(&house, "?vsn=2.0.0&vsn=1.0.0", &[]).await;
    assert_eq!(answer.status(), 400);
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
}

#[tokio::test]
async fn a_foreign_origin_is_forbidden_and_none_the_own_and_a_listed_one_are_let_in() {
    let house = House::with(|config| config.allowed_origins = vec!["https://pages.example".to_owned()]).await;
    let own = format!("http://{}", house.address);
    for headers in [
        &[][..],
        &[("origin", own.as_str())],
        &[("origin", "https://pages.example")],
    ] {
        let answer = knock(&house, "?vsn=2.0.0", headers).await;
        assert_eq!(answer.status(), 101, "{headers:?}");
    }
    for foreign in ["https://evil.example", "https://pages.example:8443", "null"] {
        let answer = knock(&house, "?vsn=2.0.0", &[("origin", foreign)]).await;
        assert_eq!(answer.status(), 403, "{foreign}");
    }
}

fn offer(encoded: &str) -> String {
    format!("phoenix, base64url.bearer.phx.{encoded}")
}

#[tokio::test]
async fn a_socket_with_a_token_gets_phoenix_for_subprotocol_and_one_without_gets_none() {
    let house = House::open().await;
    let offered = offer(&BASE64_STANDARD_NO_PAD.encode("anything"));
    let socket = Socket::open(house.address, &[("sec-websocket-protocol", &offered)])
        .await
        .unwrap();
    assert_eq!(socket.subprotocol.as_deref(), Some("phoenix"));
    assert_eq!(house.socket().await.subprotocol, None);
}

#[tokio::test]
async fn the_sockets_own_token_counts_for_a_join_that_brings_none() {
    let house = House::open().await;
    let room = house.room().await;
    for encoded in [
        BASE64_STANDARD_NO_PAD.encode(&room.token),
        BASE64_URL_SAFE_NO_PAD.encode(&room.token),
    ] {
        let headers = [("sec-websocket-protocol", &*offer(&encoded))];
        let socket = Socket::open(house.address, &headers).await.unwrap();
        let host = socket.enter(&room.topic(), json!({})).await;
        assert_eq!(host.id(), room.host);
    }
}

#[tokio::test]
async fn a_resume_secret_may_be_the_sockets_own_token() {
    let house = House::open().await;
    let room = house.room().await;
    let secret = house.host(&room).await.resume().to_owned();
    let headers = [(
        "sec-websocket-protocol",
        &*offer(&BASE64_STANDARD_NO_PAD.encode(secret)),
    )];
    let socket = Socket::open(house.address, &headers).await.unwrap();
    let host = socket.enter(&room.topic(), json!({})).await;
    assert_eq!(host.id(), room.host);
    assert_eq!(host.joined["resume"], Value::Null, "the secret is not new");
}

#[tokio::test]
async fn a_token_that_is_no_base64_is_forbidden() {
    let house = House::open().await;
    let long = offer(&"A".repeat(5000));
    for offered in ["phoenix, base64url.bearer.phx.%%", &long] {
        let answer = knock(&house, "?vsn=2.0.0", &[("sec-websocket-protocol", offered)]).await;
        assert_eq!(answer.status(), 403);
    }
}

#[tokio::test]
async fn too_many_upgrades_of_one_address_are_told_when_to_come_again() {
    let house = House::with(|config| config.limits.sockets = only(2.0)).await;
    for _ in 0..2 {
        assert_eq!(knock(&house, "?vsn=2.0.0", &[]).await.status(), 101);
    }
    let refused = knock(&house, "?vsn=2.0.0", &[]).await;
    assert_eq!(refused.status(), 503);
    let wait: u64 = refused.headers()["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!(wait >= 1);
    let problem: Value = refused.json().await.unwrap();
    assert_eq!(problem["code"], "unavailable");
    assert!(problem["retry_after_ms"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn a_full_house_refuses_before_the_upgrade() {
    let house = House::with(|config| config.limits.max_sockets = 1).await;
    let mut first = house.socket().await;
    first.so_far().await;
    let refused = knock(&house, "?vsn=2.0.0", &[]).await;
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("retry-after"));
    first.so_far().await;
}
