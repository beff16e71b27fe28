//! `/debug/*`: the debug log's own service, and who may read it.

use axum::Router;
use axum::http::request::Parts;
use std::sync::Arc;

use super::session::is_operator;
use crate::http::Client;
use crate::limits::prefix;
use crate::state::Door;

/// The service, without its prefix.
pub(crate) fn router(door: &Door) -> Router {
    let reader = door.clone();
    videorooms_debug::router(
        door.log().clone(),
        Arc::new(move |parts| may_read(&reader, parts)),
        Arc::new(|parts| Some(prefix(parts.extensions.get::<Client>()?.address))),
    )
}

/// Operators; in development whoever sits at this machine.
fn may_read(door: &Door, parts: &Parts) -> bool {
    let client = parts.extensions.get::<Client>();
    let is_here = || client.is_some_and(|client| client.is_at_this_machine(&parts.headers));
    is_operator(door, &parts.headers) || (door.config().open_logs && is_here())
}
