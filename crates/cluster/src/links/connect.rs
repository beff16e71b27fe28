//! Both ends of a connection, up to the point where each side knows who the other is. Nothing here waits longer than
//! [`DIAL_WITHIN`], and no connection waits for another one.

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use rustls::server::{Accepted, Acceptor};
use rustls_pki_types::ServerName;
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_rustls::server::StartHandshake;
use tokio_rustls::{LazyConfigAcceptor, TlsConnector, TlsStream};
use videorooms_domain::{NodeId, NodeIncarnation};

use super::Refusal;
use super::hello::{Broken, Purpose};
use super::shared::Shared;
use super::tls;
use crate::certificates;
use crate::link::{DIAL_WITHIN, DialError, READ_IDLE};

/// Connections that have not said yet who they are, at most.
const STRANGERS: usize = 256;
/// When the system has no more sockets.
const PAUSE: Duration = Duration::from_millis(50);

/// A stream whose other end is known.
pub(crate) type Known = (TlsStream<TcpStream>, NodeIncarnation);

/// Why a dial came to nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Undialled {
    pub(crate) error: DialError,
    pub(crate) refusal: Broken,
}

impl From<Broken> for Undialled {
    fn from(refusal: Broken) -> Self {
        let error = DialError::Failed;
        Self { error, refusal }
    }
}

/// Connects and says hello. The caller's deadline is [`DIAL_WITHIN`].
pub(crate) async fn dial(
    shared: &Shared,
    purpose: Purpose,
    node: &NodeId,
    address: &str,
) -> Result<Known, Undialled> {
    let tcp = connect(address).await?;
    let config = shared.tls.read().client(purpose);
    let name = certificates::server_name(node).map_err(|_| Some(Refusal::WrongNode))?;
    let name = ServerName::try_from(name).map_err(|_| Some(Refusal::WrongNode))?;
    let connected = TlsConnector::from(config).connect(name, tcp).await;
    let mut stream = TlsStream::from(connected.map_err(|error| tls::refusal(&error))?);
    let other = shared.introduction.dialled(&mut stream, purpose).await?;
    if other.node != *node {
        return Err(Some(Refusal::WrongNode).into());
    }
    shared.admit(&other).map_err(Some)?;
    Ok((stream, other))
}

/// Sees whether anyone listens there.
pub(crate) async fn probe(address: &str) -> Result<(), DialError> {
    connect(address)
        .await
        .map(drop)
        .map_err(|undialled| undialled.error)
}

async fn connect(address: &str) -> Result<TcpStream, Undialled> {
    let connected = TcpStream::connect(address)
        .await
        .and_then(|tcp| prepare(&tcp).map(|()| tcp));
    connected.map_err(|error| Undialled {
        error: if error.kind() == ErrorKind::ConnectionRefused {
            DialError::Refused
        } else {
            DialError::Failed
        },
        refusal: None,
    })
}

/// What is written goes out at once, and what is not acknowledged in time ends the connection.
fn prepare(tcp: &TcpStream) -> io::Result<()> {
    tcp.set_nodelay(true)?;
    SockRef::from(tcp).set_tcp_user_timeout(Some(READ_IDLE))
}

/// What came of a connection that was taken.
pub(crate) enum Arrival {
    /// The watch stream of a peer.
    Watch(Box<Known>),
    /// Nothing.
    Refused(Refusal),
}

/// Takes connections for ever. Traffic streams are served right away, on the node's own runtime.
pub(crate) async fn accept(shared: Arc<Shared>, listener: TcpListener, arrivals: mpsc::Sender<Arrival>) {
    let strangers = Arc::new(Semaphore::new(STRANGERS));
    loop {
        let Ok((tcp, _)) = listener.accept().await else {
            sleep(PAUSE).await;
            continue;
        };
        let Ok(place) = Arc::clone(&strangers).try_acquire_owned() else {
            // It is counted there, or there is no room to count it.
            drop(arrivals.try_send(Arrival::Refused(Refusal::TooMany)));
            continue;
        };
        let (shared, arrivals) = (Arc::clone(&shared), arrivals.clone());
        tokio::spawn(async move {
            let until = Instant::now() + DIAL_WITHIN;
            let greeted = timeout_at(until, greet(&shared, tcp)).await;
            // What is sent here is lost only when the links end.
            match greeted.unwrap_or(Err(Some(Refusal::TimedOut))) {
                Ok(Greeted::Watch(known)) => drop(arrivals.send(Arrival::Watch(known)).await),
                Ok(Greeted::Traffic(accepted, tcp)) => {
                    // From here on this thread has nothing to do with it.
                    let runtime = shared.runtime.clone();
                    runtime.spawn(async move {
                        let known = timeout_at(until, introduce(&shared, *accepted, tcp)).await;
                        drop(place);
                        match known.unwrap_or(Err(Some(Refusal::TimedOut))) {
                            Ok((stream, other)) => {
                                shared.traffic.carry(stream, other, true).await;
                            }
                            Err(Some(refusal)) => drop(arrivals.send(Arrival::Refused(refusal)).await),
                            Err(None) => {}
                        }
                    });
                }
                Err(Some(refusal)) => drop(arrivals.send(Arrival::Refused(refusal)).await),
                Err(None) => {}
            }
        });
    }
}

enum Greeted {
    Watch(Box<Known>),
    Traffic(Box<Accepted>, std::net::TcpStream),
}

/// Reads what TLS says first, which tells what the connection is for.
async fn greet(shared: &Shared, tcp: TcpStream) -> Result<Greeted, Broken> {
    prepare(&tcp).map_err(|_| None)?;
    let start = LazyConfigAcceptor::new(Acceptor::default(), tcp)
        .await
        .map_err(|error| tls::refusal(&error))?;
    let is_traffic = {
        let mut said = start.client_hello().alpn().into_iter().flatten();
        said.any(|protocol| protocol == Purpose::Traffic.alpn())
    };
    if is_traffic {
        let StartHandshake { accepted, io, .. } = start;
        let io = io.into_std().map_err(|_| None)?;
        return Ok(Greeted::Traffic(Box::new(accepted), io));
    }
    let known = accepted(shared, Purpose::Watch, start).await?;
    Ok(Greeted::Watch(Box::new(known)))
}

async fn introduce(shared: &Shared, said: Accepted, tcp: std::net::TcpStream) -> Result<Known, Broken> {
    let tcp = TcpStream::from_std(tcp).map_err(|_| None)?;
    let start = StartHandshake::from_parts(said, tcp);
    accepted(shared, Purpose::Traffic, start).await
}

async fn accepted(
    shared: &Shared,
    purpose: Purpose,
    start: StartHandshake<TcpStream>,
) -> Result<Known, Broken> {
    let config = Arc::clone(&shared.tls.read().server);
    let stream = start.into_stream(config).await;
    let mut stream = TlsStream::from(stream.map_err(|error| tls::refusal(&error))?);
    let admit = |other: &NodeIncarnation| shared.admit_dialler(other);
    let other = shared.introduction.accepted(&mut stream, purpose, admit).await?;
    Ok((stream, other))
}

/// Dials with the deadline of an attempt.
pub(crate) async fn dial_in_time(
    shared: &Shared,
    purpose: Purpose,
    node: &NodeId,
    address: &str,
) -> Result<Known, Undialled> {
    timeout(DIAL_WITHIN, dial(shared, purpose, node, address))
        .await
        .unwrap_or(Err(Undialled::from(None)))
}
