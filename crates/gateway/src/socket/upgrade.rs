//! From HTTP to a socket. Whoever is refused is refused before the upgrade: a client that is let in and dropped comes back at once, a client that
//! is refused takes its time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;
use videorooms_protocol::control;

use super::Client;
use super::registry::Reserved;
use crate::api::session;
use crate::http::{self, Problem};
use crate::limits::prefix;
use crate::metrics as names;
use crate::state::Door;

/// Longest credential of a socket.
const MAX_TOKEN: usize = 4 << 10;
/// When a client that found the node leaving or full may try again.
const BUSY: Duration = Duration::from_secs(2);

/// What a client says in the query.
#[derive(Deserialize)]
pub(crate) struct Params {
    /// Version of the serializer.
    vsn: Option<String>,
}

/// Opens a socket.
pub(crate) async fn upgrade(
    State(door): State<Door>,
    Extension(http::Peer(peer)): Extension<http::Peer>,
    params: Result<Query<Params>, QueryRejection>,
    mut request: Request,
) -> Response {
    let client = http::client_of(&door, peer, request.headers());
    let on_upgrade = request.extensions_mut().remove::<OnUpgrade>();
    match open(door, client, params, &request, on_upgrade) {
        Ok(response) => response,
        Err(Refused { why, problem }) => {
            metrics::counter!(names::UPGRADES_REFUSED, "why" => why).increment(1);
            http::refusal(*problem, request.headers())
        }
    }
}

fn open(
    door: Door,
    client: http::Client,
    params: Result<Query<Params>, QueryRejection>,
    request: &Request,
    on_upgrade: Option<OnUpgrade>,
) -> Result<Response, Refused> {
    let headers = request.headers();
    let unreadable = |text: String| refuse("request", Problem::invalid(text));
    let mut response =
        create_response_with_body(request, Body::empty).map_err(|error| unreadable(error.to_string()))?;
    let on_upgrade = on_upgrade.ok_or_else(|| unreadable("the connection cannot be upgraded".to_owned()))?;
    let place = admit(&door, client)?;
    let Query(params) = params.map_err(|rejection| unreadable(rejection.body_text()))?;
    if !params.vsn.as_deref().is_some_and(is_spoken) {
        return Err(refuse("version", forbidden("this server speaks vsn 2.0.x")));
    }
    if !is_own_origin(headers, &door.config().allowed_origins) {
        return Err(refuse("origin", forbidden("this origin is not allowed")));
    }
    let auth_token =
        auth_token(headers).map_err(|_| refuse("token", forbidden("the token cannot be read")))?;
    let reached = request.extensions().get::<http::Reached>().copied();
    let client = Client {
        address: client.address,
        reached: reached.filter(|_| client.direct).map(|http::Reached(ip)| ip),
        is_local: client.is_at_this_machine(headers),
        operator_cookie: session::cookie(headers).map(Into::into),
        auth_token,
    };
    if offered(headers).any(|protocol| protocol == control::SUBPROTOCOL) {
        let spoken = HeaderValue::from_static(control::SUBPROTOCOL);
        response
            .headers_mut()
            .insert(header::SEC_WEBSOCKET_PROTOCOL, spoken);
    }
    drop(tokio::spawn(async move {
        match on_upgrade.await {
            Ok(upgraded) => {
                // The connection itself, without what HTTP had around it.
                if let Ok(parts) = upgraded.downcast::<TokioIo<TcpStream>>() {
                    // A copy: the buffer of HTTP is far larger than what is left in it.
                    let early = parts.read_buf.to_vec();
                    super::serve(door, parts.io.into_inner(), early, client, place).await;
                }
            }
            Err(error) => tracing::debug!(%error, "a connection ended before it was upgraded"),
        }
    }));
    Ok(response)
}

/// Why there is no socket.
struct Refused {
    why: &'static str,
    problem: Box<Problem>,
}

fn refuse(why: &'static str, problem: Problem) -> Refused {
    let problem = Box::new(problem);
    Refused { why, problem }
}

fn admit(door: &Door, client: http::Client) -> Result<Reserved, Refused> {
    let unavailable =
        |detail, wait| Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail).retry_after(wait);
    if door.is_draining() {
        return Err(refuse("draining", unavailable("this node is leaving", BUSY)));
    }
    if door.is_fenced() {
        return Err(refuse(
            "fenced",
            unavailable("this node is cut off from its cluster", BUSY),
        ));
    }
    door.upgrade_rate()
        .take(prefix(client.address), Instant::now())
        .map_err(|wait| refuse("rate", unavailable("too many sockets at once", wait)))?;
    // The place is kept through the upgrade: who is dropped after it comes back at once.
    door.sockets().reserve().ok_or_else(|| {
        let problem = unavailable("this node has no room for another socket", BUSY);
        refuse("full", problem)
    })
}

fn forbidden(detail: &str) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "forbidden", detail)
}

/// `~> 2.0.0`, as Phoenix has it.
fn is_spoken(version: &str) -> bool {
    let Some(patch) = version.strip_prefix("2.0.") else {
        return false;
    };
    !patch.is_empty() && patch.bytes().all(|byte| byte.is_ascii_digit())
}

/// Browsers say from where a page is; others need not.
pub(crate) fn is_own_origin(headers: &HeaderMap, allowed: &[String]) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return true;
    };
    let Ok(origin) = origin.to_str() else { return false };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let own = origin.split_once("://").map(|(_, rest)| rest);
    (own.is_some() && own == host) || allowed.iter().any(|allowed| allowed == origin)
}

/// The subprotocols that the client would speak.
fn offered(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
    let lists = values.filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).map(str::trim)
}

struct Unreadable;

/// The credential that phoenix.js puts among the subprotocols: in spite of the name in the standard alphabet, without padding.
fn auth_token(headers: &HeaderMap) -> Result<Option<Arc<str>>, Unreadable> {
    let Some(encoded) = offered(headers).find_map(|protocol| protocol.strip_prefix(control::AUTH_PROTOCOL))
    else {
        return Ok(None);
    };
    if encoded.len() > MAX_TOKEN {
        return Err(Unreadable);
    }
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let alphabet = if encoded.contains(['-', '_']) {
        &alphabet::URL_SAFE
    } else {
        &alphabet::STANDARD
    };
    let bytes = GeneralPurpose::new(alphabet, config)
        .decode(encoded)
        .map_err(|_| Unreadable)?;
    String::from_utf8(bytes)
        .map(|token| Some(token.into()))
        .map_err(|_| Unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(header::HeaderName, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.clone(), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn versions_2_0_are_spoken_and_no_others() {
        assert!(is_spoken("2.0.0") && is_spoken("2.0.17"));
        for other in ["", "1.0.0", "2", "2.0", "2.0.", "2.1.0", "2.0.x", "3.0.0"] {
            assert!(!is_spoken(other), "{other}");
        }
    }

    #[test]
    fn a_page_may_open_a_socket_to_its_own_host_or_from_an_allowed_origin() {
        let from = |origin| headers(&[(header::HOST, "rooms.example:4000"), (header::ORIGIN, origin)]);
        let allowed = ["https://other.example".to_owned()];
        assert!(is_own_origin(
            &headers(&[(header::HOST, "rooms.example")]),
            &allowed
        ));
        assert!(is_own_origin(&from("http://rooms.example:4000"), &allowed));
        assert!(is_own_origin(&from("https://other.example"), &allowed));
        for foreign in [
            "http://rooms.example",
            "http://rooms.example:4001",
            "https://evil.example",
            "null",
        ] {
            assert!(!is_own_origin(&from(foreign), &allowed), "{foreign}");
        }
    }

    #[test]
    fn a_token_is_read_in_both_alphabets() {
        let token = |value| {
            auth_token(&headers(&[(header::SEC_WEBSOCKET_PROTOCOL, value)]))
                .ok()
                .flatten()
        };
        assert_eq!(
            token("phoenix, base64url.bearer.phx.fj8/Pw").as_deref(),
            Some("~???")
        );
        assert_eq!(
            token("phoenix, base64url.bearer.phx.fj8_Pw").as_deref(),
            Some("~???")
        );
        assert_eq!(token("phoenix"), None);
        assert!(
            auth_token(&headers(&[(
                header::SEC_WEBSOCKET_PROTOCOL,
                "base64url.bearer.phx.%%"
            )]))
            .is_err()
        );
    }
}
