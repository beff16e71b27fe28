//! What is true of every answer: names of requests, headers, refusals, and the documents that describe it all.

use reqwest::Method;
use serde_json::Value;

use super::problem;
use crate::support::House;

#[tokio::test]
async fn a_request_keeps_the_name_that_it_brings_if_it_is_one() {
    let house = House::open().await;
    let named = |name: &'static str| house.get("/api/health").header("x-request-id", name).send();
    for name in ["abcdefgh", "A-1_b2c3", "f47ac10b-58cc-4372-a567-0e02b2c3d479"] {
        assert_eq!(named(name).await.unwrap().headers()["x-request-id"], name);
    }
    let long = "0123456789012345678901234567890123456789012345678901234567890123x";
    for name in ["short", "with a space", "<script>", long] {
        let answer = named(name).await.unwrap();
        let given = answer.headers()["x-request-id"].to_str().unwrap();
        assert_ne!(given, name);
        assert_eq!(given.len(), 16);
    }
    let refused = house
        .get("/api/rooms/none")
        .header("x-request-id", "abcdefgh")
        .send()
        .await
        .unwrap();
    assert_eq!(problem(refused, 404, "not_found").await["request_id"], "abcdefgh");
}

#[tokio::test]
async fn two_requests_have_two_names() {
    let house = House::open().await;
    let first = house.get("/api/health").send().await.unwrap();
    let second = house.get("/api/health").send().await.unwrap();
    assert_ne!(first.headers()["x-request-id"], second.headers()["x-request-id"]);
}

#[tokio::test]
async fn a_path_that_is_none_and_a_method_that_is_not_served_are_problems() {
    let house = House::open().await;
    for path in [
        "/api",
        "/api/none",
        "/api/rooms/x/y/z",
        "/ws/other",
        "/debug",
        "/debug/api/none",
    ] {
        problem(house.get(path).send().await.unwrap(), 404, "not_found").await;
    }
    for (method, path) in [
        (Method::GET, "/api/rooms"),
        (Method::PUT, "/api/rooms/x"),
        (Method::DELETE, "/api/health"),
        (Method::POST, "/api/status"),
        (Method::GET, "/api/rooms/x/join"),
        (Method::PUT, "/debug/api/logs"),
        (Method::POST, "/"),
        (Method::POST, "/rooms/x"),
    ] {
        let answer = house.request(method.clone(), path).send().await.unwrap();
        let refused = problem(answer, 405, "method_not_allowed").await;
        assert!(refused["detail"].is_string(), "{method} {path}");
    }
}

#[tokio::test]
async fn browsers_are_told_what_to_refuse_with_every_answer() {
    let house = House::open().await;
    for path in [
        "/",
        "/rooms/x",
        "/api/health",
        "/api/none",
        "/api/docs/",
        "/debug/api/logs",
        "/ws/websocket",
    ] {
        let answer = house.get(path).send().await.unwrap();
        let headers = answer.headers();
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self';"),
            "{path}"
        );
        assert!(policy.contains("frame-ancestors 'none'"), "{path}");
        assert_eq!(policy.contains("unsafe-inline"), path == "/api/docs/", "{path}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            (
                "permissions-policy",
                "camera=(self), microphone=(self), display-capture=(self)",
            ),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(headers[name], value, "{path}");
        }
        assert!(!headers.contains_key("access-control-allow-origin"), "{path}");
    }
}

#[tokio::test]
async fn health_and_status_tell_how_the_node_is() {
    let house = House::open().await;
    let health = house.get("/api/health").send().await.unwrap();
    assert_eq!(health.text().await.unwrap(), r#"{"status":"ok"}"#);
    let room = house.room().await;
    let _host = house.host(&room).await;
    let status: Value = house
        .get("/api/status")
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!((&status["node"], &status["state"]), (&"a".into(), &"live".into()));
    assert_eq!((&status["rooms"], &status["connections"]), (&1.into(), &1.into()));
    assert_eq!(
        status["sfu"],
        serde_json::json!({"provider": "fake", "status": "ok"})
    );
    let names: Vec<_> = status["services"]
        .as_array()
        .unwrap()
        .iter()
        .map(|service| service["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["gateway", "media"]);
    assert!(status["version"].is_string() && status["uptime_ms"].is_u64());
}

#[tokio::test]
async fn the_document_is_openapi_3_1_and_names_every_path() {
    let house = House::open().await;
    let answer = house.get("/api/openapi.json").send().await.unwrap();
    let document: Value = answer.json().await.unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1."));
    let methods = |path: &str| -> Vec<String> {
        let methods = document["paths"][path].as_object();
        methods
            .map(|methods| methods.keys().cloned().collect())
            .unwrap_or_default()
    };
    assert_eq!(methods("/api/rooms"), ["post"]);
    assert_eq!(methods("/api/rooms/{id}"), ["delete", "get", "patch"]);
    assert_eq!(methods("/api/rooms/{id}/join"), ["post"]);
    assert_eq!(methods("/api/health"), ["get"]);
    assert_eq!(methods("/api/status"), ["get"]);
    let problem = &document["components"]["schemas"]["Problem"];
    assert!(
        problem["required"]
            .as_array()
            .unwrap()
            .contains(&"request_id".into())
    );
}

#[tokio::test]
async fn the_page_that_shows_the_document_loads_with_its_scripts() {
    let house = House::open().await;
    let answer = house.get("/api/docs").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let page = answer.text().await.unwrap();
    let scripts: Vec<_> = page
        .split("src=\"./")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    assert!(!scripts.is_empty(), "{page}");
    for script in scripts {
        let answer = house.get(&format!("/api/docs/{script}")).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{script}");
    }
}
