//! HTTP before anything is decided: who the client is, how much it may ask, the name of its request, and the headers of every answer.

mod client;
mod headers;
mod json;
mod problem;
mod request_id;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;

pub(crate) use client::{Client, Peer, Reached, of as client_of};
pub(crate) use json::Json;
pub(crate) use problem::Problem;

use crate::state::Door;
use crate::{api, page, socket};

/// Longest body of a request to the API; the log's is its own.
const BODY_BYTES: usize = 64 << 10;

/// Everything that the public door serves.
pub(crate) fn router(door: Door) -> Router {
    let logs = api::logs(&door);
    let limited = api::router()
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .layer(from_fn_with_state(door.clone(), client::limit));
    Router::new()
        .merge(limited)
        .with_state(door.clone())
        .nest("/debug", logs)
        .fallback(page::serve)
        .method_not_allowed_fallback(async || {
            Problem::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "the path is right, the method is not",
            )
        })
        .layer(from_fn_with_state(door.clone(), client::identify))
        .layer(from_fn(headers::secure))
        .layer(from_fn(request_id::name))
        .merge(sockets(door))
}

/// The way to a socket. It goes round the layers, which are for answers with a body: what is refused dresses itself.
fn sockets(door: Door) -> Router {
    Router::new()
        .route("/ws/websocket", any(socket::upgrade))
        .route("/ws", any(socket::upgrade))
        .with_state(door)
}

/// A refusal as the layers would have sent it.
pub(crate) fn refusal(problem: Problem, headers: &HeaderMap) -> Response {
    let id = request_id::of(headers);
    let mut response = problem.named(&id).into_response();
    headers::add(response.headers_mut());
    request_id::add(response.headers_mut(), &id);
    response
}
