//! The operator's door, asked as an operator asks.

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::{Value, json};
use tower::ServiceExt;
use videorooms_admin::{
    Check, Drain, LinkState, NodeList, NodeRow, Operations, Readiness, Refused, install_metrics, router,
};
use videorooms_domain::{NodeId, NodeIncarnation, RoomId};
use videorooms_rooms::Explanation;

enum Node {
    Says(Vec<Check>),
    Hangs,
}

#[async_trait]
impl Readiness for Node {
    async fn checks(&self) -> Vec<Check> {
        match self {
            Self::Says(checks) => checks.clone(),
            Self::Hangs => std::future::pending().await,
        }
    }
}

fn check(name: &str, ok: bool) -> Check {
    Check {
        check: name.to_owned(),
        ok,
        detail: "so it is".to_owned(),
    }
}

/// Two nodes, of which the second cannot be reached.
struct Cluster;

#[async_trait]
impl Operations for Cluster {
    fn is_operator(&self, token: &str) -> bool {
        token == "good"
    }

    async fn nodes(&self) -> Result<NodeList, Refused> {
        let node = NodeIncarnation {
            node: "a".parse().expect("a name"),
            incarnation: 1,
        };
        let row = NodeRow {
            id: node.node.clone(),
            incarnation: 1,
            state: "up".to_owned(),
            address: "10.0.0.1:4400".to_owned(),
            version: 1,
            load: 0,
            weight: 1,
            beat_age_ms: 5,
            shards: 1024,
            link: LinkState::Here,
            refused: None,
            says: None,
        };
        Ok(NodeList {
            node,
            standing: "live".to_owned(),
            generation: 3,
            unowned: 0,
            nodes: vec![row],
        })
    }

    async fn drain(&self, node: &NodeId, undo: bool) -> Result<Drain, Refused> {
        match node.as_str() {
            "a" => Ok(Drain {
                node: node.clone(),
                draining: !undo,
                shards: 7,
                rooms: 2,
            }),
            "b" => Err(Refused::Unavailable("b cannot be reached".to_owned())),
            _ => Err(Refused::NotFound(format!("there is no node {node}"))),
        }
    }

    async fn drained(&self, node: &NodeId) -> Result<Drain, Refused> {
        self.drain(node, false).await
    }

    async fn explain(&self, _: RoomId) -> Result<Explanation, Refused> {
        Err(Refused::NotFound("there is no such room".to_owned()))
    }
}

fn door(node: Node) -> Router {
    let metrics = PrometheusBuilder::new().build_recorder().handle();
    router(metrics, Arc::new(node), Arc::new(Cluster))
}

/// An operator's request; answers status, media type and body.
async fn operate(token: Option<&str>, method: &str, path: &str, body: &str) -> (StatusCode, String, Value) {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(token) = token {
        request = request.header("authorization", token);
    }
    let request = request.header("content-type", "application/json");
    let request = request
        .body(Body::from(body.to_owned()))
        .expect("a legal request");
    let response = door(Node::Hangs).oneshot(request).await.expect("an answer");
    let status = response.status();
    let kind = response.headers()["content-type"]
        .to_str()
        .expect("text")
        .to_owned();
    let body = to_bytes(response.into_body(), usize::MAX).await.expect("a body");
    (status, kind, serde_json::from_slice(&body).expect("json"))
}

async fn ask(door: &Router, path: &str) -> (StatusCode, String) {
    let request = Request::get(path).body(Body::empty()).expect("a legal request");
    let response = door.clone().oneshot(request).await.expect("an answer");
    let status = response.status();
    let body = to_bytes(response.into_body(), usize::MAX).await.expect("a body");
    (status, String::from_utf8_lossy(&body).into_owned())
}

async fn readiness(node: Node) -> (StatusCode, Value) {
    let (status, body) = ask(&door(node), "/readyz").await;
    (status, serde_json::from_str(&body).expect("json"))
}

#[tokio::test]
async fn a_node_whose_checks_are_all_ok_is_ready() {
    let (status, body) = readiness(Node::Says(vec![check("store", true), check("media", true)])).await;
    assert_eq!((status, &body["ready"]), (StatusCode::OK, &json!(true)));
    assert_eq!(
        body["checks"][0],
        json!({"check": "store", "ok": true, "detail": "so it is"})
    );
}

#[tokio::test]
async fn one_failing_check_makes_it_unready_but_not_dead() {
    let door = door(Node::Says(vec![check("store", false), check("media", true)]));
    assert_eq!(ask(&door, "/readyz").await.0, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(ask(&door, "/livez").await.0, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn checks_that_hang_are_answered_as_unready() {
    let (status, body) = readiness(Node::Hangs).await;
    assert_eq!(
        (status, &body["checks"][0]["check"]),
        (StatusCode::SERVICE_UNAVAILABLE, &json!("readiness"))
    );
}

#[tokio::test]
async fn installed_metrics_are_scraped_with_buckets_for_seconds() {
    let handle = install_metrics().expect("the only recorder of this process");
    metrics::counter!("things_total").increment(2);
    metrics::histogram!("thing_seconds").record(0.003);
    let (status, text) = ask(
        &router(handle, Arc::new(Node::Hangs), Arc::new(Cluster)),
        "/metrics",
    )
    .await;
    assert_eq!(status, StatusCode::OK);
    assert!(text.contains("things_total 2"), "{text}");
    assert!(text.contains("thing_seconds_bucket{le=\"0.005\"} 1"), "{text}");
    assert!(install_metrics().is_err());
}

#[tokio::test]
async fn whoever_is_no_operator_learns_nothing() {
    for path in [
        "/admin/api/nodes",
        "/admin/api/rooms/x",
        "/admin/api/no-such-path",
    ] {
        for (token, status, code) in [
            (None, StatusCode::UNAUTHORIZED, "unauthorized"),
            (Some("Basic good"), StatusCode::UNAUTHORIZED, "unauthorized"),
            (Some("Bearer bad"), StatusCode::FORBIDDEN, "forbidden"),
        ] {
            let (answered, kind, body) = operate(token, "GET", path, "").await;
            assert_eq!((answered, &body["code"]), (status, &json!(code)), "{path}");
            assert_eq!(kind, "application/problem+json");
        }
    }
}

#[tokio::test]
async fn an_operator_sees_the_nodes_and_drains_one() {
    let (status, _, body) = operate(Some("Bearer good"), "GET", "/admin/api/nodes", "").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        (&body["nodes"][0]["id"], &body["nodes"][0]["link"]),
        (&json!("a"), &json!("here"))
    );

    let drain = async |node: &str, body: &str| {
        let path = format!("/admin/api/nodes/{node}/drain");
        let (status, _, body) = operate(Some("bearer good"), "POST", &path, body).await;
        (status.as_u16(), body)
    };
    let (status, left) = drain("a", "{}").await;
    assert_eq!(
        (status, &left["draining"], &left["shards"]),
        (200, &json!(true), &json!(7))
    );
    let (_, back) = drain("a", r#"{"undo": true}"#).await;
    assert_eq!(back["draining"], json!(false));
    for (node, body, status, code) in [
        ("b", "{}", 503, "unavailable"),
        ("c", "{}", 404, "not_found"),
        ("NO", "{}", 400, "invalid"),
        ("a", "{\"now\": 1}", 400, "invalid"),
        ("a", "", 400, "invalid"),
    ] {
        let (answered, problem) = drain(node, body).await;
        assert_eq!(
            (answered, &problem["code"]),
            (status, &json!(code)),
            "{node} {body}"
        );
    }
}

#[tokio::test]
async fn what_is_not_there_is_a_problem_too() {
    let room = RoomId(7).to_string();
    for (method, path, status, code) in [
        ("GET", format!("/admin/api/rooms/{room}"), 404, "not_found"),
        ("GET", "/admin/api/rooms/x".to_owned(), 400, "invalid"),
        ("GET", "/admin/api/x".to_owned(), 404, "not_found"),
        ("DELETE", "/admin/api/nodes".to_owned(), 405, "method_not_allowed"),
    ] {
        let (answered, kind, body) = operate(Some("Bearer good"), method, &path, "").await;
        assert_eq!(
            (answered.as_u16(), &body["code"]),
            (status, &json!(code)),
            "{path}"
        );
        assert_eq!(kind, "application/problem+json");
    }
}
