//! The HTTP API: rooms before one is in them, and how the node is. `docs/protocol.md` is its prose, `/api/openapi.json` its document.

mod docs;
mod health;
mod logs;
mod room;
pub(crate) mod session;
mod status;

use axum::Router;
use axum::routing::{get, post};

pub(crate) use logs::router as logs;

use crate::state::Door;

/// Routes below `/api`.
pub(crate) fn router() -> Router<Door> {
    Router::new()
        .route("/api/rooms", post(room::create))
        .route(
            "/api/rooms/{id}",
            get(room::show).patch(room::change).delete(room::end),
        )
        .route("/api/rooms/{id}/join", post(room::join))
        .route(
            "/api/session",
            get(session::show).post(session::open).delete(session::close),
        )
        .route("/api/health", get(health::health))
        .route("/api/status", get(status::status))
        .merge(docs::router())
}
