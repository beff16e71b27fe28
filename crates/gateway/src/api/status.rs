//! `GET /api/status`: how the node and its services are, for the page's panel.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::state::{Door, ServiceStatus};

/// How a node is.
#[derive(Serialize, ToSchema)]
pub(crate) struct NodeStatus {
    /// Its name.
    node: String,
    /// Of the program.
    version: &'static str,
    /// `live`, `draining` or `fenced`.
    state: &'static str,
    /// Since the start.
    uptime_ms: u64,
    /// What it consists of.
    services: Vec<ServiceStatus>,
    /// The media server.
    sfu: SfuStatus,
    /// Rooms in memory.
    rooms: usize,
    /// Sockets open.
    connections: usize,
}

/// How the media server is.
#[derive(Serialize, ToSchema)]
pub(crate) struct SfuStatus {
    /// Which.
    provider: String,
    /// `ok` or `down`.
    status: &'static str,
}

/// Says how the node and its services are.
#[utoipa::path(get, path = "/api/status", responses((status = 200, body = NodeStatus)))]
pub(crate) async fn status(State(door): State<Door>) -> Json<NodeStatus> {
    let services = door.status().services().await;
    let media = services.iter().find(|service| service.name == "media");
    let sfu = SfuStatus {
        provider: door.media().provider_name().to_owned(),
        status: media.map_or("down", |media| media.status),
    };
    Json(NodeStatus {
        node: door.node().node.to_string(),
        version: env!("CARGO_PKG_VERSION"),
        state: match (door.is_draining(), door.is_fenced()) {
            (true, _) => "draining",
            (false, true) => "fenced",
            (false, false) => "live",
        },
        uptime_ms: u64::try_from(door.uptime().as_millis()).unwrap_or(u64::MAX),
        sfu,
        services,
        rooms: door.rooms().live_rooms(),
        connections: door.connections(),
    })
}
