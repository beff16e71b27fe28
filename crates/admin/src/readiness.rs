//! Whether this node should get work, and if not, why.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;

/// Below the time-out that load balancers commonly give a probe.
const DEADLINE: Duration = Duration::from_secs(2);

/// Knows what the node's readiness hangs on.
#[async_trait]
pub trait Readiness: Send + Sync + 'static {
    /// Looks at everything now. The node is ready when every check is ok; it is not when this takes longer than two seconds, and the
    /// future is dropped then.
    async fn checks(&self) -> Vec<Check>;
}

/// One thing that readiness hangs on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was looked at: `store`, `media`.
    pub check: String,
    /// Whether it is as it should be.
    pub ok: bool,
    /// For people; no secrets.
    pub detail: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct Answer {
    ready: bool,
    checks: Vec<Check>,
}

pub(crate) async fn answer(State(readiness): State<Arc<dyn Readiness>>) -> (StatusCode, Json<Answer>) {
    let checks = tokio::time::timeout(DEADLINE, readiness.checks())
        .await
        .unwrap_or_else(|_| {
            let detail = format!("the checks did not end within {} s", DEADLINE.as_secs());
            vec![Check {
                check: "readiness".to_owned(),
                ok: false,
                detail,
            }]
        });
    let ready = checks.iter().all(|check| check.ok);
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(Answer { ready, checks }))
}
