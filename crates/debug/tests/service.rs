//! The debug log as a whole: the actor behind its handle, and the REST service.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use ractor::{Actor, ActorRef};
use serde_json::{Map, Value, json};
use tower::ServiceExt;
use videorooms_debug::{
    DebugLog, DebugLogArguments, DebugLogError, DebugLogHandle, DebugLogMessage, Draft, Level, Limits, Query,
    router,
};

async fn spawn(handle: &DebugLogHandle) -> ActorRef<DebugLogMessage> {
    let arguments = DebugLogArguments {
        handle: handle.clone(),
        limits: Limits::default(),
    };
    Actor::spawn(None, DebugLog, arguments)
        .await
        .expect("the log starts")
        .0
}

fn draft(message: &str) -> Draft {
    Draft {
        at: 0,
        level: Level::Info,
        service: "backend".to_owned(),
        node: None,
        room: None,
        message: message.to_owned(),
        fields: Map::new(),
    }
}

async fn messages(handle: &DebugLogHandle) -> Vec<String> {
    let page = handle.query(Query::default()).await.expect("the log answers");
    page.records.iter().map(|record| record.message.clone()).collect()
}

#[tokio::test(start_paused = true)]
async fn what_was_offered_is_answered_in_order_with_rising_ids() {
    let handle = DebugLogHandle::starting_at(5);
    assert!(handle.offer(draft("before the actor")));
    assert_eq!(
        handle.query(Query::default()).await,
        Err(DebugLogError::Unavailable)
    );
    spawn(&handle).await;
    assert!(handle.offer(draft("after")));
    let page = handle.query(Query::default()).await.unwrap();
    assert_eq!(
        page.records.iter().map(|record| record.id).collect::<Vec<_>>(),
        [5, 6]
    );
    assert_eq!(page.next, 6);
    handle.clear().await.unwrap();
    assert_eq!(handle.stats().await.unwrap().records, 0);
}

#[tokio::test(start_paused = true)]
async fn a_killed_actor_is_spawned_again_behind_the_same_handle_and_nothing_offered_meanwhile_is_lost() {
    let handle = DebugLogHandle::starting_at(1);
    let mut follower = handle.follow();
    let actor = spawn(&handle).await;
    handle.offer(draft("first"));
    assert_eq!(messages(&handle).await, ["first"]);
    assert_eq!(follower.next().await.unwrap().records.len(), 1);

    actor.kill_and_wait(None).await.unwrap();
    assert_eq!(
        handle.query(Query::default()).await,
        Err(DebugLogError::Unavailable)
    );
    assert!(handle.offer(draft("meanwhile")));

    spawn(&handle).await;
    assert_eq!(messages(&handle).await, ["meanwhile"]);
    let batch = follower.next().await.unwrap();
    assert_eq!(
        (
            batch.records[0].id,
            batch.records[0].message.as_str(),
            batch.dropped
        ),
        (2, "meanwhile", 0)
    );
}

#[tokio::test(start_paused = true)]
async fn a_follower_hears_a_burst_at_once_and_at_most_ten_batches_a_second() {
    let handle = DebugLogHandle::starting_at(1);
    spawn(&handle).await;
    let mut follower = handle.follow();
    let start = tokio::time::Instant::now();
    for burst in 0..10 {
        (0..50).for_each(|n| assert!(handle.offer(draft(&format!("{burst}.{n}")))));
        // Asking takes the queue, but does not tell the followers early.
        messages(&handle).await;
        let batch = follower.next().await.unwrap();
        assert_eq!((batch.records.len(), batch.dropped), (50, 0));
    }
    assert!(
        start.elapsed() >= Duration::from_millis(900),
        "ten batches within {:?}",
        start.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_follower_that_lags_or_meets_a_flood_is_told_how_many_it_missed() {
    let handle = DebugLogHandle::starting_at(1);
    spawn(&handle).await;
    let mut follower = handle.follow();
    (0..1500).for_each(|n| assert!(handle.offer(draft(&n.to_string()))));
    let batch = follower.next().await.unwrap();
    assert_eq!((batch.dropped, batch.records.len()), (500, 1000));

    let mut witness = handle.follow();
    for n in 0..40 {
        handle.offer(draft(&n.to_string()));
        witness.next().await.unwrap();
    }
    let batch = follower.next().await.unwrap();
    assert_eq!((batch.dropped, batch.records[0].message.as_str()), (8, "8"));
}

#[tokio::test(start_paused = true)]
async fn a_batch_of_heavy_records_is_cut_to_its_weight() {
    let handle = DebugLogHandle::starting_at(1);
    spawn(&handle).await;
    let mut follower = handle.follow();
    (0..200).for_each(|_| assert!(handle.offer(draft(&"x".repeat(8 << 10)))));
    let batch = follower.next().await.unwrap();
    let bytes: usize = batch.records.iter().map(|record| record.bytes()).sum();
    assert!(bytes <= 256 << 10, "{bytes}");
    assert_eq!(batch.dropped as usize + batch.records.len(), 200);
}

struct Service {
    router: Router,
}

impl Service {
    async fn start() -> Self {
        let handle = DebugLogHandle::starting_at(1);
        spawn(&handle).await;
        let access =
            Arc::new(|parts: &axum::http::request::Parts| parts.headers.contains_key(header::AUTHORIZATION));
        Self {
            router: router(
                handle,
                access,
                Arc::new(|_: &axum::http::request::Parts| Some([192, 0, 2, 1].into())),
            ),
        }
    }

    async fn ask(&self, method: &str, path: &str, operator: bool, body: String) -> (StatusCode, Value) {
        let mut request = Request::builder().method(method).uri(path);
        if operator {
            request = request.header(header::AUTHORIZATION, "Bearer o");
        }
        let request = request.body(Body::from(body)).expect("a legal request");
        let response = self.router.clone().oneshot(request).await.expect("an answer");
        let (status, kind) = (
            response.status(),
            response.headers().get(header::CONTENT_TYPE).cloned(),
        );
        if status.is_client_error() || status.is_server_error() {
            assert_eq!(kind.expect("a content type"), "application/problem+json");
        }
        let body = to_bytes(response.into_body(), usize::MAX).await.expect("a body");
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    async fn post(&self, body: &Value) -> (StatusCode, Value) {
        self.ask("POST", "/api/logs", false, body.to_string()).await
    }

    async fn read(&self, path: &str) -> (StatusCode, Value) {
        self.ask("GET", path, true, String::new()).await
    }
}

fn records(count: usize) -> Value {
    json!({"records": vec![json!({"level": "info", "message": "hello"}); count]})
}

#[tokio::test]
async fn a_browser_writes_and_an_operator_reads_filters_and_deletes() {
    let service = Service::start().await;
    let body = json!({"records": [
        {"level": "info", "message": "joined", "room": "r1", "fields": {"took_ms": 3}},
        {"level": "error", "message": "broken", "service": "sfu"},
        {"level": "loud", "message": "no such level"},
    ]});
    assert_eq!(
        service.post(&body).await,
        (StatusCode::OK, json!({"accepted": 2, "rejected": 1}))
    );
    let (status, page) = service.read("/api/logs?level=warn").await;
    assert_eq!(
        (status, &page["records"][0]["service"]),
        (StatusCode::OK, &json!("frontend:sfu"))
    );
    assert_eq!((&page["next"], &page["dropped"]), (&json!(2), &json!(0)));
    let (_, page) = service.read("/api/logs?room=r1&text=JOIN&limit=5&since=0").await;
    assert_eq!(page["records"][0]["fields"], json!({"took_ms": 3}));
    let (_, stats) = service.read("/api/stats").await;
    assert_eq!(stats["by_level"], json!({"error": 1, "info": 1}));
    assert_eq!(
        (&stats["capacity_records"], &stats["capacity_bytes"]),
        (&json!(10_000), &json!(8 << 20))
    );
    assert_eq!(
        service.ask("DELETE", "/api/logs", true, String::new()).await.0,
        StatusCode::NO_CONTENT
    );
    assert_eq!(service.read("/api/logs").await.1["records"], json!([]));
}

#[tokio::test]
async fn reading_and_deleting_need_access() {
    let service = Service::start().await;
    for (method, path) in [
        ("GET", "/api/logs"),
        ("DELETE", "/api/logs"),
        ("GET", "/api/stats"),
    ] {
        let (status, problem) = service.ask(method, path, false, String::new()).await;
        assert_eq!(
            (status, &problem["code"]),
            (StatusCode::UNAUTHORIZED, &json!("unauthorized")),
            "{method} {path}"
        );
    }
}

#[tokio::test]
async fn too_much_is_refused_by_name() {
    let service = Service::start().await;
    let code = |(status, problem): (StatusCode, Value)| (status.as_u16(), problem["code"].clone());
    assert_eq!(code(service.post(&records(101)).await), (413, json!("too_large")));
    let huge = json!({"records": [{"level": "info", "message": "x".repeat(300 << 10)}]});
    assert_eq!(code(service.post(&huge).await), (413, json!("too_large")));
    assert_eq!(
        code(service.post(&json!({"logs": []})).await),
        (400, json!("invalid"))
    );
    assert_eq!(
        code(service.read("/api/logs?level=loud").await),
        (400, json!("invalid"))
    );
    let large = json!({"records": [{"level": "info", "message": "x".repeat(9 << 10)}]});
    assert_eq!(
        service.post(&large).await.1,
        json!({"accepted": 0, "rejected": 1})
    );
}

#[tokio::test]
async fn browsers_that_send_too_often_are_told_to_wait() {
    let service = Service::start().await;
    for _ in 0..100 {
        let (status, problem) = service.post(&records(100)).await;
        if status == StatusCode::TOO_MANY_REQUESTS {
            assert_eq!(problem["code"], "rate_limited");
            assert!(
                problem["retry_after_ms"]
                    .as_u64()
                    .is_some_and(|wait| (1..=1000).contains(&wait)),
                "{problem}"
            );
            return;
        }
    }
    panic!("nobody was refused");
}

#[tokio::test]
async fn what_cannot_be_parsed_costs_its_sender_as_much() {
    let service = Service::start().await;
    let garbage = "x".repeat(250 << 10);
    let mut answers = Vec::new();
    for _ in 0..8 {
        let (status, _) = service.ask("POST", "/api/logs", false, garbage.clone()).await;
        answers.push(status);
    }
    assert_eq!(answers[0], StatusCode::BAD_REQUEST);
    assert_eq!(answers[7], StatusCode::TOO_MANY_REQUESTS);
}
