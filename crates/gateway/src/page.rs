//! The page, as it was built into the binary. Every path that is not a file is the page itself, which finds its way by the address bar.

use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::http::Problem;

#[derive(RustEmbed)]
#[folder = "../../frontend/dist"]
#[allow_missing = true]
struct Files;

const INDEX: &str = "index.html";
/// Files under this folder have their content's hash in their name.
const HASHED: &str = "assets/";
/// Paths of services: nothing there is a page.
const SERVICES: [&str; 3] = ["api", "ws", "debug"];

/// Serves a file of the page, or the page.
pub(crate) async fn serve(request: Request) -> Response {
    let path = request.uri().path().trim_start_matches('/');
    let first = path.split('/').next().unwrap_or_default();
    if SERVICES.contains(&first) {
        return Problem::not_found("no such path").into_response();
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let detail = "the path is right, the method is not";
        return Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail).into_response();
    }
    if let Some(file) = Files::get(path) {
        return answer(path, &file, request.headers());
    }
    if path.starts_with(HASHED) {
        return Problem::not_found("no such file").into_response();
    }
    match Files::get(INDEX) {
        Some(page) => answer(INDEX, &page, request.headers()),
        None => {
            Problem::not_found("this binary was built without its page: run `make build`").into_response()
        }
    }
}

fn answer(path: &str, file: &EmbeddedFile, asked: &HeaderMap) -> Response {
    let tag = tag(file);
    let caching = if path.starts_with(HASHED) {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let known = asked
        .get(header::IF_NONE_MATCH)
        .is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let headers = [(header::ETAG, tag), (header::CACHE_CONTROL, caching.to_owned())];
    if known {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    let kind = mime_guess::from_path(path).first_or_octet_stream();
    (
        [(header::CONTENT_TYPE, kind.to_string())],
        headers,
        file.data.clone().into_owned(),
    )
        .into_response()
}

fn tag(file: &EmbeddedFile) -> String {
    let hash = file.metadata.sha256_hash();
    format!(
        "\"{}\"",
        hash[..8]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    )
}
