//! `/api/openapi.json` and the page that shows it.

use axum::Router;
use axum::http::{HeaderValue, header};
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_swagger_ui::SwaggerUi;

use super::{health, room, session, status};
use crate::state::Door;

#[derive(OpenApi)]
#[openapi(
    info(title = "VideoRooms", description = "Rooms before one is in them. What happens inside is said over the socket: see docs/protocol.md."),
    paths(room::create, room::show, room::change, room::end, room::join, session::show, session::open, session::close, health::health, status::status),
    modifiers(&Bearer)
)]
struct Document;

/// A join token or a resume secret.
struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        document
            .components
            .get_or_insert_default()
            .add_security_scheme("bearer", scheme);
    }
}

/// The viewer brings styles of its own into its page; nothing else on this origin may.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(super) fn router() -> Router<Door> {
    let page: Router<Door> = SwaggerUi::new("/api/docs")
        .url("/api/openapi.json", Document::openapi())
        .into();
    let policy = HeaderValue::from_static(POLICY);
    page.layer(SetResponseHeaderLayer::if_not_present(
        header::CONTENT_SECURITY_POLICY,
        policy,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_names_every_path() {
        let document = Document::openapi();
        let paths: Vec<&str> = document.paths.paths.keys().map(String::as_str).collect();
        let expected = [
            "/api/health",
            "/api/rooms",
            "/api/rooms/{id}",
            "/api/rooms/{id}/join",
            "/api/session",
            "/api/status",
        ];
        assert_eq!(paths, expected);
        assert!(document.to_json().unwrap().contains("\"openapi\":\"3.1."));
    }
}
