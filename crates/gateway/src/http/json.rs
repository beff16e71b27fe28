//! Bodies of requests: JSON, refused as a [`Problem`] that says what is wrong.

use axum::extract::rejection::{BytesRejection, FailedToBufferBody};
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use serde::de::DeserializeOwned;

use super::Problem;

/// The body as JSON; none at all is an empty object.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let kind = request
            .headers()
            .get(header::CONTENT_TYPE)
            .map(|kind| kind.to_str().unwrap_or_default().to_owned());
        let body = axum::body::Bytes::from_request(request, state)
            .await
            .map_err(unreadable)?;
        if body.is_empty() {
            return read(b"{}");
        }
        // A page elsewhere can send text without asking, but not JSON.
        if !kind.is_some_and(|kind| kind.starts_with("application/json")) {
            let detail = "the body must be application/json";
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported",
                detail,
            ));
        }
        read(&body)
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<Json<T>, Problem> {
    // serde would take an array for a struct, field by field.
    if !body.trim_ascii_start().starts_with(b"{") {
        return Err(Problem::invalid("the body must be a JSON object"));
    }
    serde_json::from_slice(body)
        .map(Json)
        .map_err(|error| Problem::invalid(error.to_string()))
}

fn unreadable(rejection: BytesRejection) -> Problem {
    if let BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)) = rejection {
        let detail = "a body has at most 64 KiB";
        return Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail);
    }
    Problem::invalid(rejection.body_text())
}
