//! Refusals of the API: `application/problem+json` (RFC 9457) with a stable `code`. The id of the request is added on the way out.

use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use videorooms_protocol::{ErrorReply, Reason};

/// Media type of a refusal.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

/// A refusal.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// `urn:videorooms:problem:<code>`.
    r#type: String,
    /// The status in words.
    title: &'static str,
    /// The status.
    status: u16,
    /// What is wrong, for people.
    detail: String,
    /// What is wrong, for programs; stable.
    code: &'static str,
    /// The request's name, also in the header `x-request-id`. Written by the layer that names requests.
    #[schema(required, value_type = String)]
    #[serde(skip_serializing_if = "str::is_empty")]
    request_id: Box<str>,
    /// When to try again.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            r#type: format!("urn:videorooms:problem:{code}"),
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: detail.into(),
            code,
            request_id: Box::default(),
            retry_after_ms: None,
        }
    }

    /// The same with a time to come back.
    pub(crate) fn retry_after(self, wait: Duration) -> Self {
        let wait = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1);
        Self {
            retry_after_ms: Some(wait),
            ..self
        }
    }

    /// The same with the request's name.
    pub(crate) fn named(self, request_id: &str) -> Self {
        Self {
            request_id: request_id.into(),
            ..self
        }
    }

    pub(crate) fn not_found(detail: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", detail)
    }

    pub(crate) fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid", detail)
    }

    pub(crate) fn unauthorized(detail: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
    }
}

/// What a room refuses on a topic it refuses here, under the same code.
impl From<ErrorReply> for Problem {
    fn from(refusal: ErrorReply) -> Self {
        let (status, code) = match refusal.reason {
            Reason::Unauthorized => (StatusCode::UNAUTHORIZED, "unauthorized"),
            Reason::Forbidden => (StatusCode::FORBIDDEN, "forbidden"),
            Reason::NotFound => (StatusCode::NOT_FOUND, "not_found"),
            Reason::Ended => (StatusCode::GONE, "ended"),
            Reason::Kicked => (StatusCode::FORBIDDEN, "kicked"),
            Reason::Banned => (StatusCode::FORBIDDEN, "banned"),
            Reason::Locked => (StatusCode::FORBIDDEN, "locked"),
            Reason::Full => (StatusCode::CONFLICT, "full"),
            Reason::WrongPassword => (StatusCode::FORBIDDEN, "wrong_password"),
            Reason::Invalid => (StatusCode::BAD_REQUEST, "invalid"),
            Reason::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
            Reason::RateLimited => (StatusCode::TOO_MANY_REQUESTS, "rate_limited"),
            Reason::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
            Reason::NotJoined => (StatusCode::FORBIDDEN, "not_joined"),
            Reason::Conflict => (StatusCode::CONFLICT, "conflict"),
            Reason::UnmatchedTopic | Reason::TooManyChannels | Reason::Unsupported => {
                (StatusCode::NOT_IMPLEMENTED, "unsupported")
            }
        };
        let problem = Self::new(status, code, refusal.message);
        Self {
            retry_after_ms: refusal.retry_after_ms,
            ..problem
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, axum::Json(&self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if let Some(wait) = self.retry_after_ms {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.div_ceil(1000)));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
