//! `/api/session`: an operator's token becomes a cookie, so that the page can read the log without keeping the token where scripts reach it.
//!
//! The cookie holds the token itself and nothing is kept here: it ends with the token. It counts only for pages of the own host, whatever
//! other origins may do.

use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::room::bearer;
use crate::http::{Json, Peer, Problem};
use crate::socket::is_own_origin;
use crate::state::Door;

/// Name of the cookie.
const COOKIE: &str = "videorooms_operator";

/// Nothing but the cookie.
type WithCookie = (StatusCode, [(HeaderName, HeaderValue); 1]);

/// An operator comes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewSession {
    /// As `videorooms operator token` prints it.
    token: String,
}

/// Takes an operator's token and gives it back as the cookie `videorooms_operator`, which no script can read and which ends with it.
#[utoipa::path(post, path = "/api/session", request_body = NewSession,
    responses((status = 204, description = "the cookie is set"), (status = "4XX", body = Problem)))]
pub(crate) async fn open(
    State(door): State<Door>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    Json(wish): Json<NewSession>,
) -> Result<WithCookie, Problem> {
    admit(&headers)?;
    let life = door
        .keys()
        .verify_operator(&wish.token)
        .map_err(|_| Problem::unauthorized("the token is not an operator's, or not valid any more"))?;
    let secure = is_secure(&door, peer, &headers);
    Ok(set(&wish.token, life.as_secs().max(1), secure))
}

/// Whose browser it is.
#[derive(Serialize, ToSchema)]
pub(crate) struct Session {
    /// It has shown an operator's token, and that is still good.
    operator: bool,
}

/// Whether the cookie is there and good, which no script can see by itself.
#[utoipa::path(get, path = "/api/session", responses((status = 200, body = Session)))]
pub(crate) async fn show(State(door): State<Door>, headers: HeaderMap) -> axum::Json<Session> {
    let operator = cookie(&headers).is_some_and(|token| door.keys().verify_operator(token).is_ok());
    axum::Json(Session { operator })
}

/// Takes the cookie away.
#[utoipa::path(delete, path = "/api/session",
    responses((status = 204, description = "the cookie is gone"), (status = "4XX", body = Problem)))]
pub(crate) async fn close(
    State(door): State<Door>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
) -> Result<WithCookie, Problem> {
    admit(&headers)?;
    Ok(set("", 0, is_secure(&door, peer, &headers)))
}

/// Does this request come from an operator: by bearer, or by cookie from a page of this host.
pub(crate) fn is_operator(door: &Door, headers: &HeaderMap) -> bool {
    let given = [bearer(headers), cookie(headers)];
    given
        .into_iter()
        .flatten()
        .any(|token| door.keys().verify_operator(token).is_ok())
}

/// The token in the cookie, if the request may use it.
pub(crate) fn cookie(headers: &HeaderMap) -> Option<&str> {
    if !is_own_origin(headers, &[]) {
        return None;
    }
    let lines = headers.get_all(header::COOKIE).iter();
    lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}

fn admit(headers: &HeaderMap) -> Result<(), Problem> {
    if is_own_origin(headers, &[]) {
        return Ok(());
    }
    let detail = "a session is opened and closed by a page of this host only";
    Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", detail))
}

/// Did the client speak https to a proxy that is trusted. Anyone else can write that header, too.
fn is_secure(door: &Door, Peer(peer): Peer, headers: &HeaderMap) -> bool {
    let peer = peer.ip().to_canonical();
    let is_trusted = door
        .config()
        .trusted_proxies
        .iter()
        .any(|network| network.contains(&peer));
    // The nearest proxy writes last.
    let spoken = headers.get_all("x-forwarded-proto").iter().next_back();
    let spoken = spoken.and_then(|value| value.to_str().ok()?.rsplit(',').next());
    is_trusted && spoken.is_some_and(|spoken| spoken.trim().eq_ignore_ascii_case("https"))
}

fn set(token: &str, max_age_s: u64, secure: bool) -> WithCookie {
    let secure = if secure { "; Secure" } else { "" };
    let cookie = format!("{COOKIE}={token}; HttpOnly; SameSite=Strict; Path=/; Max-Age={max_age_s}{secure}");
    let mut cookie = HeaderValue::from_str(&cookie).expect("tokens are base64url and dots");
    cookie.set_sensitive(true);
    (StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pairs: &[(header::HeaderName, &str)]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name, value.parse().unwrap());
        }
        cookie(&headers).map(str::to_owned)
    }

    #[test]
    fn the_cookie_is_found_among_others_and_by_its_whole_name() {
        let line = |line| found(&[(header::COOKIE, line)]);
        assert_eq!(
            line("a=b; videorooms_operator=t.o.k; c=d").as_deref(),
            Some("t.o.k")
        );
        assert_eq!(line("videorooms_operators=x; not_videorooms_operator=y"), None);
        assert_eq!(line(""), None);
    }

    #[test]
    fn the_cookie_of_a_foreign_page_does_not_count() {
        let from = |origin| {
            found(&[
                (header::HOST, "rooms.example"),
                (header::ORIGIN, origin),
                (header::COOKIE, "videorooms_operator=t"),
            ])
        };
        assert_eq!(from("https://rooms.example").as_deref(), Some("t"));
        for foreign in ["https://rooms.example:8443", "https://evil.example", "null"] {
            assert_eq!(from(foreign), None, "{foreign}");
        }
    }
}
