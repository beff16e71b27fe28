//! The operator's door, asked as an operator asks.

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::{Value, json};
use tower::ServiceExt;
use videorooms_admin::{Check, Readiness, install_metrics, router};

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

fn door(node: Node) -> Router {
    router(PrometheusBuilder::new().build_recorder().handle(), Arc::new(node))
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
    let (status, text) = ask(&router(handle, Arc::new(Node::Hangs)), "/metrics").await;
    assert_eq!(status, StatusCode::OK);
    assert!(text.contains("things_total 2"), "{text}");
    assert!(text.contains("thing_seconds_bucket{le=\"0.005\"} 1"), "{text}");
    assert!(install_metrics().is_err());
}
