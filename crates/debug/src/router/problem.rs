//! What the service answers when it refuses: `application/problem+json` (RFC 9457) with a stable `code`.

use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::handle::DebugLogError;
use crate::metrics::{self, Refused};

/// A refusal.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    code: &'static str,
    title: &'static str,
    detail: String,
    retry_after: Option<Duration>,
}

#[derive(Serialize)]
struct Body<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
}

impl Problem {
    fn new(status: StatusCode, code: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            code,
            title,
            detail: detail.into(),
            retry_after: None,
        }
    }

    pub(super) fn unauthorized() -> Self {
        let detail = "reading and deleting logs needs an operator's token";
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "Not for everyone",
            detail,
        )
    }

    pub(super) fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid", "Not understood", detail)
    }

    pub(super) fn too_large(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "Too large", detail)
    }

    pub(super) fn rate_limited(retry_after: Duration) -> Self {
        let detail = "too many records are coming in";
        let problem = Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "rate_limited",
            "Too much at once",
            detail,
        );
        Self {
            retry_after: Some(retry_after),
            ..problem
        }
    }
}

impl Problem {
    /// Counts a refusal of what a browser wrote.
    pub(super) fn count(&self) {
        let why = match self.status {
            StatusCode::PAYLOAD_TOO_LARGE => Refused::TooLarge,
            StatusCode::TOO_MANY_REQUESTS => Refused::Rate,
            _ => Refused::Invalid,
        };
        metrics::refused(why, 1);
    }
}

impl From<DebugLogError> for Problem {
    fn from(error: DebugLogError) -> Self {
        match error {
            DebugLogError::Unavailable => Self {
                retry_after: Some(Duration::from_secs(1)),
                ..Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "unavailable",
                    "Not now",
                    error.to_string(),
                )
            },
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = Body {
            r#type: format!("urn:videorooms:problem:{}", self.code),
            title: self.title,
            status: self.status.as_u16(),
            detail: &self.detail,
            code: self.code,
            retry_after_ms: self
                .retry_after
                .map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1)),
        };
        let mut response = (self.status, axum::Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if let Some(wait) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs() + 1));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
