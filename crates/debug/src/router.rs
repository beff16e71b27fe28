//! The log's REST service, as the protocol's page "Debug log" has it: `/api/logs` and `/api/stats`.
//!
//! Alone it is the debug service; a node nests it under `/debug`. Reading and deleting need access. Writing is open to every browser, and
//! therefore limited in size and in rate, and nothing in a foreign record is believed ([`intake`]).

mod bucket;
mod intake;
mod problem;
mod tolls;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::body::{Bytes, HttpBody as _};
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, FromRequest, Query as UrlQuery, Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::routing::get;
use axum::{Json, Router};
use parking_lot::Mutex;
use serde::Serialize;

use crate::handle::{DebugLogHandle, now_ms};
use crate::metrics::{self, Refused};
use crate::query::{Page, Query};
use crate::ring::Stats;
use problem::Problem;
use tolls::Tolls;

/// Says whether a request may read and delete the log.
pub type Access = Arc<dyn Fn(&Parts) -> bool + Send + Sync>;

/// Says from where a request comes, as one customer's address; none when that is not known.
pub type Address = Arc<dyn Fn(&Parts) -> Option<IpAddr> + Send + Sync>;

const BODY_BYTES: usize = 256 << 10;

struct Service {
    handle: DebugLogHandle,
    access: Access,
    address: Address,
    tolls: Mutex<Tolls>,
}

/// The service on `handle`; `access` guards everything but writing, which is rationed by `address`.
pub fn router(handle: DebugLogHandle, access: Access, address: Address) -> Router {
    let tolls = Mutex::new(Tolls::new(Instant::now()));
    Router::new()
        .route("/api/logs", get(read).post(write).delete(clear))
        .route("/api/stats", get(stats))
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .with_state(Arc::new(Service {
            handle,
            access,
            address,
            tolls,
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
async fn write(State(service): State<Arc<Service>>, Paid(body): Paid) -> Result<Json<Receipt>, Problem> {
    let submission = intake::parse(&body).inspect_err(|problem| problem.count())?;
    let total = submission.len();
    service.tolls.lock().records(total, Instant::now())?;
    let drafts: Vec<_> = submission
        .into_iter()
        .filter_map(|record| intake::draft(record.get(), now_ms()))
        .collect();
    metrics::refused(Refused::Record, total - drafts.len());
    let accepted = drafts
        .into_iter()
        .map(|draft| service.handle.offer(draft))
        .filter(|taken| *taken)
        .count();
    Ok(Json(Receipt {
        accepted,
        rejected: total - accepted,
    }))
}

/// A body whose sender has paid for it before it was read, whatever is in it.
struct Paid(Bytes);

impl FromRequest<Arc<Service>> for Paid {
    type Rejection = Problem;

    async fn from_request(request: Request, service: &Arc<Service>) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = body
            .size_hint()
            .upper()
            .and_then(|bytes| usize::try_from(bytes).ok());
        let bytes = bytes.unwrap_or(BODY_BYTES).min(BODY_BYTES);
        let address = (service.address)(&parts);
        service.tolls.lock().request(address, bytes, Instant::now())?;
        let body = Bytes::from_request(Request::from_parts(parts, body), service).await;
        let refused = |rejection: BytesRejection| match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => {
                Problem::too_large(format!("a request holds at most {BODY_BYTES} bytes"))
            }
            _ => Problem::invalid(rejection.body_text()),
        };
        body.map(Self).map_err(refused).inspect_err(Problem::count)
    }
}
