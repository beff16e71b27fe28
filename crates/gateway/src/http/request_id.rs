//! Every request has a name: in the header `x-request-id`, in its log lines and in its refusal.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use serde_json::{Map, Value};
use tracing::Instrument as _;

use super::problem::MEDIA_TYPE;
use crate::metrics as names;

const NAME: HeaderName = HeaderName::from_static("x-request-id");
/// Refusals are shorter.
const PROBLEM_BYTES: usize = 16 << 10;

pub(crate) async fn name(request: Request, next: Next) -> Response {
    let id = of(request.headers());
    let span =
        tracing::debug_span!("request", id = %id, method = %request.method(), path = %request.uri().path());
    let mut response = next.run(request).instrument(span).await;
    if response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind == MEDIA_TYPE)
    {
        response = with_name(response, &id).await;
    }
    add(response.headers_mut(), &id);
    response
}

/// The name of a request with these headers.
pub(super) fn of(headers: &HeaderMap) -> String {
    given(headers).unwrap_or_else(fresh)
}

pub(super) fn add(headers: &mut HeaderMap, id: &str) {
    if let Ok(value) = HeaderValue::from_str(id) {
        headers.insert(NAME, value);
    }
}

/// The name that the client or a proxy gave, if it is one.
fn given(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(NAME)?.to_str().ok()?;
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    ((8..=64).contains(&id.len()) && id.bytes().all(is_name)).then(|| id.to_owned())
}

fn fresh() -> String {
    format!("{:016x}", getrandom::u64().unwrap_or_default())
}

/// Every refusal over HTTP passes here, whoever made it; `code` is one of ours, so there are few.
fn count(problem: &Map<String, Value>) {
    let code = problem.get("code").and_then(Value::as_str).unwrap_or("none");
    metrics::counter!(names::PROBLEMS, "code" => code.to_owned()).increment(1);
}

async fn with_name(response: Response, id: &str) -> Response {
    let (mut parts, body) = response.into_parts();
    let body = to_bytes(body, PROBLEM_BYTES).await.unwrap_or_default();
    let named = serde_json::from_slice::<Map<String, Value>>(&body)
        .ok()
        .and_then(|mut problem| {
            count(&problem);
            problem.insert("request_id".to_owned(), id.into());
            serde_json::to_vec(&problem).ok()
        });
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, named.map_or_else(|| Body::from(body), Body::from))
}
