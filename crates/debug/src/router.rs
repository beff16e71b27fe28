//! The log's REST service, as the protocol's page "Debug log" has it: `/api/logs` and `/api/stats`.
//!
//! Alone it is the debug service; a node nests it under `/debug`. Reading and deleting need access. Writing is open to every browser, and
//! therefore limited in size and in rate, and nothing in a foreign record is believed ([`intake`]).

mod bucket;
mod intake;
mod problem;

use std::sync::Arc;
use std::time::Instant;

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, Query as UrlQuery, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::routing::get;
use axum::{Json, Router};
use parking_lot::Mutex;
use serde::Serialize;

use crate::handle::{DebugLogHandle, now_ms};
use crate::metrics;
use crate::query::{Page, Query};
use crate::ring::Stats;
use bucket::Bucket;
use problem::Problem;

/// Says whether a request may read and delete the log.
pub type Access = Arc<dyn Fn(&Parts) -> bool + Send + Sync>;

const BODY_BYTES: usize = 256 << 10;
/// Records that all browsers together may send at once, and each second.
const BURST_RECORDS: u32 = 2000;
const RECORDS_PER_SECOND: u32 = 200;

struct Service {
    handle: DebugLogHandle,
    access: Access,
    bucket: Mutex<Bucket>,
}

/// The service on `handle`; `access` guards everything but writing.
pub fn router(handle: DebugLogHandle, access: Access) -> Router {
    let bucket = Mutex::new(Bucket::full(BURST_RECORDS, RECORDS_PER_SECOND, Instant::now()));
    Router::new()
        .route("/api/logs", get(read).post(write).delete(clear))
        .route("/api/stats", get(stats))
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .with_state(Arc::new(Service {
            handle,
            access,
            bucket,
        }))
}

impl Service {
    fn admit(&self, parts: &Parts) -> Result<(), Problem> {
        if (self.access)(parts) {
            Ok(())
        } else {
            Err(Problem::unauthorized())
        }
    }
}

async fn read(
    State(service): State<Arc<Service>>,
    parts: Parts,
    query: Result<UrlQuery<Query>, QueryRejection>,
) -> Result<Json<Page>, Problem> {
    service.admit(&parts)?;
    let UrlQuery(query) = query.map_err(|rejection| Problem::invalid(rejection.body_text()))?;
    Ok(Json(service.handle.query(query).await?))
}

async fn clear(State(service): State<Arc<Service>>, parts: Parts) -> Result<StatusCode, Problem> {
    service.admit(&parts)?;
    service.handle.clear().await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn stats(State(service): State<Arc<Service>>, parts: Parts) -> Result<Json<Stats>, Problem> {
    service.admit(&parts)?;
    Ok(Json(service.handle.stats().await?))
}

/// What became of a browser's records.
#[derive(Debug, Serialize)]
struct Receipt {
    accepted: usize,
    rejected: usize,
}

// `sendBeacon` sends text, so that the content type says nothing here.
async fn write(
    State(service): State<Arc<Service>>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Receipt>, Problem> {
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::too_large(format!("a request holds at most {BODY_BYTES} bytes"))
        }
        _ => Problem::invalid(rejection.body_text()),
    })?;
    let submission = intake::parse(&body)?;
    let total = submission.len();
    if let Err(wait) = service
        .bucket
        .lock()
        .take(u32::try_from(total).unwrap_or(u32::MAX).max(1), Instant::now())
    {
        metrics::refused();
        return Err(Problem::rate_limited(wait));
    }
    let drafts = submission
        .into_iter()
        .filter_map(|record| intake::draft(record.get(), now_ms()));
    let accepted = drafts
        .map(|draft| service.handle.offer(draft))
        .filter(|taken| *taken)
        .count();
    Ok(Json(Receipt {
        accepted,
        rejected: total - accepted,
    }))
}
