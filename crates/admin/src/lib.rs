//! The operator's door: whether this node lives, whether it should get work, its figures, and what an operator asks of the cluster. Meant for
//! loopback or an inner network.
//!
//! `/livez` says that the process turns its loop, and nothing else: a node whose store is away is alive, and restarting it would not help.
//! `/readyz` asks [`Readiness`] and says why not. `/metrics` is Prometheus' text. These
//! ask for no token; `/admin/api` asks for an operator's, and [`Operations`] does what is asked there.

mod metrics;
mod operations;
mod operators;
mod problem;
mod readiness;

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Router, http::HeaderValue};
pub use metrics_exporter_prometheus::PrometheusHandle;

pub use crate::metrics::{MetricsError, detached_metrics, install_metrics};
pub use crate::operations::*;
pub use crate::readiness::{Check, Readiness};

/// The door: `/livez`, `/readyz`, `/metrics` and `/admin/api`.
pub fn router(
    metrics: PrometheusHandle,
    readiness: Arc<dyn Readiness>,
    operations: Arc<dyn Operations>,
) -> Router {
    Router::new()
        .route("/livez", get(async || "ok\n"))
        .merge(
            Router::new()
                .route("/readyz", get(readiness::answer))
                .with_state(readiness),
        )
        .merge(Router::new().route("/metrics", get(scrape)).with_state(metrics))
        .nest("/admin/api", operators::router(operations))
}

/// Serves the door until it is dropped.
pub async fn serve(
    listener: tokio::net::TcpListener,
    metrics: PrometheusHandle,
    readiness: Arc<dyn Readiness>,
    operations: Arc<dyn Operations>,
) {
    let router = router(metrics, readiness, operations);
    if let Err(error) = axum::serve(listener, router).await {
        tracing::error!(%error, "the operator's door is closed");
    }
}

async fn scrape(State(metrics): State<PrometheusHandle>) -> impl IntoResponse {
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    ([(header::CONTENT_TYPE, kind)], metrics.render())
}
