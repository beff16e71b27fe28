//! Takes connections and serves them, one task each. Bounded in number, and in the time that a client may take to send its request.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tower::ServiceExt as _;

use crate::http::{Peer, Reached};

/// Connections beside the sockets: requests for pages and the API.
const MAX_REQUESTS: usize = 1024;
/// A client that is slower with its request's head is let go; so is one that keeps an idle connection open.
const HEAD_DEADLINE: Duration = Duration::from_secs(30);
/// After a failure to accept that does not concern one connection, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until it is dropped. What was accepted lives on.
pub(crate) async fn accept(listener: TcpListener, service: Router, max_sockets: usize) {
    let places = Arc::new(Semaphore::new(
        max_sockets
            .saturating_add(MAX_REQUESTS)
            .min(Semaphore::MAX_PERMITS),
    ));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, peer)) => {
                let serving = serve(stream, peer, service.clone());
                drop(tokio::spawn(async move {
                    serving.await;
                    drop(place);
                }));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn serve(stream: TcpStream, peer: SocketAddr, service: Router) {
    // A frame is written whole, and the next one must not wait for the client's acknowledgement.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection ended before it was served");
        return;
    }
    let reached = stream
        .local_addr()
        .map(|local| Reached(local.ip().to_canonical()));
    let Ok(reached) = reached else { return };
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        request.extensions_mut().insert(reached);
        let answer = service.clone().oneshot(request.map(axum::body::Body::new));
        async move { answer.await.map_err(|never: Infallible| match never {}) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_DEADLINE)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a connection ended badly");
    }
}
