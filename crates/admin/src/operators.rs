//! `/admin/api`: what an operator asks, with the operator's token in each request.

use std::sync::Arc;

use axum::extract::rejection::{JsonRejection, PathRejection};
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::header;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use videorooms_domain::{NodeId, RoomId};
use videorooms_rooms::Explanation;

use crate::operations::{Drain, NodeList, Operations};
use crate::problem::Problem;

/// Longest body of a request.
const BODY_BYTES: usize = 4 << 10;

type Asked<T> = Result<Json<T>, Problem>;

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct DrainWish {
    undo: bool,
}

/// The paths below `/admin/api`; without a token nobody learns which there are.
pub(crate) fn router(operations: Arc<dyn Operations>) -> Router {
    Router::new()
        .route("/nodes", get(nodes))
        .route("/nodes/{id}/drain", get(drained).post(drain))
        .route("/rooms/{id}", get(explain))
        .fallback(async || Problem::no_such_path())
        .method_not_allowed_fallback(async || Problem::wrong_method())
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .layer(from_fn_with_state(Arc::clone(&operations), admit))
        .with_state(operations)
}

async fn admit(State(operations): State<Arc<dyn Operations>>, request: Request, next: Next) -> Response {
    let authorization = request.headers().get(header::AUTHORIZATION);
    let token = authorization
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim());
    match token {
        None => Problem::unauthorized().into_response(),
        Some(token) if operations.is_operator(token) => next.run(request).await,
        Some(_) => Problem::forbidden().into_response(),
    }
}

async fn nodes(State(operations): State<Arc<dyn Operations>>) -> Asked<NodeList> {
    Ok(Json(operations.nodes().await?))
}

async fn drain(
    State(operations): State<Arc<dyn Operations>>,
    node: Result<Path<NodeId>, PathRejection>,
    wish: Result<Json<DrainWish>, JsonRejection>,
) -> Asked<Drain> {
    let node = named(node)?;
    let Json(DrainWish { undo }) = wish.map_err(|error| Problem::invalid(error.body_text()))?;
    Ok(Json(operations.drain(&node, undo).await?))
}

async fn drained(
    State(operations): State<Arc<dyn Operations>>,
    node: Result<Path<NodeId>, PathRejection>,
) -> Asked<Drain> {
    Ok(Json(operations.drained(&named(node)?).await?))
}

async fn explain(
    State(operations): State<Arc<dyn Operations>>,
    room: Result<Path<RoomId>, PathRejection>,
) -> Asked<Explanation> {
    let Path(room) = room.map_err(|_| Problem::invalid("that is no id of a room"))?;
    Ok(Json(operations.explain(room).await?))
}

fn named(node: Result<Path<NodeId>, PathRejection>) -> Result<NodeId, Problem> {
    let node = node.map_err(|_| Problem::invalid("that is no name of a node"))?;
    Ok(node.0)
}
