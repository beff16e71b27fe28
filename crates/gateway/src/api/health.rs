//! `GET /api/health`: the door answers.

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

/// The door answers.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    /// Always `ok`.
    status: &'static str,
}

/// Says that the door answers. Whether the node is ready for work is the operator's door's to say.
#[utoipa::path(get, path = "/api/health", responses((status = 200, body = Health)))]
pub(crate) async fn health() -> Json<Health> {
    Json(Health { status: "ok" })
}
