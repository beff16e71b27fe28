//! Who asks: the address of the client itself, and what it may ask for in a second.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use ipnet::IpNet;

use super::Problem;
use crate::limits::prefix;
use crate::metrics as names;
use crate::state::Door;

/// The other end of the connection: the client, or a proxy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// This machine's end of the connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reached(pub(crate) IpAddr);

/// The client's own address.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Client {
    pub(crate) address: IpAddr,
    /// No proxy stands between.
    pub(crate) direct: bool,
}

impl Client {
    /// From loopback, not through a proxy, and by a name of this machine: a page elsewhere whose name was made to point here is refused.
    pub(crate) fn is_at_this_machine(&self, headers: &HeaderMap) -> bool {
        let host = headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok())
            .unwrap_or_default();
        self.direct && self.address.is_loopback() && is_local_name(host)
    }
}

/// Settles who the client is.
pub(crate) async fn identify(State(door): State<Door>, mut request: Request, next: Next) -> Response {
    let Some(Peer(peer)) = request.extensions().get::<Peer>().copied() else {
        // A listener that does not say where a request comes from is a mistake of ours.
        return Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "no address").into_response();
    };
    let client = of(&door, peer, request.headers());
    request.extensions_mut().insert(client);
    next.run(request).await
}

/// The client whose request came from there with these headers.
pub(crate) fn of(door: &Door, peer: SocketAddr, headers: &HeaderMap) -> Client {
    client(peer.ip().to_canonical(), headers, &door.config().trusted_proxies)
}

/// Refuses whoever asks too much.
pub(crate) async fn limit(State(door): State<Door>, request: Request, next: Next) -> Response {
    let client = request.extensions().get::<Client>().copied();
    let taken = client.map(|client| door.http_rate().take(prefix(client.address), Instant::now()));
    if let Some(Err(wait)) = taken {
        metrics::counter!(names::HTTP_LIMITED).increment(1);
        let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", "slower, please");
        return problem.retry_after(wait).into_response();
    }
    next.run(request).await
}

/// The last address that no trusted proxy vouches for. Anyone can write `X-Forwarded-For`, so only what trusted proxies wrote counts.
fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> Client {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut address = peer;
    let forwarded = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok());
    let hops: Vec<&str> = forwarded.flat_map(|value| value.split(',')).collect();
    for hop in hops.into_iter().rev() {
        if !is_trusted(&address) {
            break;
        }
        let Ok(hop) = hop.trim().parse::<IpAddr>() else {
            break;
        };
        address = hop.to_canonical();
    }
    Client {
        address,
        direct: address == peer && !headers.contains_key("x-forwarded-for"),
    }
}

fn is_local_name(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, port)| {
        if port.bytes().all(|byte| byte.is_ascii_digit()) {
            name
        } else {
            host
        }
    });
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, forwarded: &[&str]) -> String {
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        client(peer.parse().unwrap(), &headers, &trusted)
            .address
            .to_string()
    }

    #[test]
    fn only_what_a_trusted_proxy_wrote_counts() {
        assert_eq!(seen("1.2.3.4", &["9.9.9.9"]), "1.2.3.4");
        assert_eq!(seen("10.0.0.1", &["9.9.9.9"]), "9.9.9.9");
        assert_eq!(seen("10.0.0.1", &["8.8.8.8, 9.9.9.9"]), "9.9.9.9");
        assert_eq!(seen("10.0.0.1", &["8.8.8.8", "9.9.9.9, 10.0.0.2"]), "9.9.9.9");
        assert_eq!(seen("10.0.0.1", &["nonsense"]), "10.0.0.1");
    }

    #[test]
    fn whoever_comes_through_a_proxy_is_not_direct() {
        let mut headers = HeaderMap::new();
        assert!(client("127.0.0.1".parse().unwrap(), &headers, &[]).direct);
        headers.append("x-forwarded-for", "9.9.9.9".parse().unwrap());
        assert!(!client("127.0.0.1".parse().unwrap(), &headers, &[]).direct);
    }

    #[test]
    fn only_names_of_this_machine_are_local() {
        for host in [
            "localhost",
            "localhost:4000",
            "127.0.0.1:4000",
            "[::1]:4000",
            "[::1]",
        ] {
            assert!(is_local_name(host), "{host}");
        }
        for host in [
            "",
            "example.org",
            "localhost.example.org:4000",
            "127.0.0.1.example.org",
            "[::2]:4000",
        ] {
            assert!(!is_local_name(host), "{host}");
        }
    }
}
