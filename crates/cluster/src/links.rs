//! The links of a node: an authenticated way to every other node, and what it shows of the other's life.
//!
//! Between two nodes stand two streams of mutual TLS on the one cluster port. The *watch* carries pings and nothing else and is served by a thread
//! of its own, so that a busy runtime is not taken for a death; [`crate::link`] says what is done on it and when. The *traffic* carries calls
//! and casts; `ractor_cluster` brings them to four actors, and its wire is never open to anyone else.
//!
//! # Invariants
//! * Nobody is heard before certificate, cluster, secret and boot were checked, on both sides; [`Refusal`] names what failed.
//! * `from`, which a [`Service`] is told, is whom the stream was authenticated for, whatever the bytes say.
//! * Every call ends: by its answer, at its deadline, or at once with the link.
//! * Casts of one node to one service arrive in the order in which they were sent, or not at all from some point on. An answer may overtake casts.
//!   Nothing is known to have arrived before the other node answered, and a call that failed may have been done.

use std::collections::BTreeMap;
use std::fmt;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::{mpsc, watch};
use videorooms_domain::{NodeId, NodeIncarnation, Timestamp};

use self::hello::Introduction;
use self::shared::Shared;
use self::tls::Tls;
use self::traffic::{Actors, Traffic};
use crate::clock;
use crate::membership::Evidence;
use crate::metrics as names;

mod actor;
mod connect;
mod frame;
mod hello;
mod load;
mod session;
mod shared;
mod stream;
mod tls;
mod traffic;
mod watching;

/// Longest message, in bytes. What exceeds a frame is cut, and joined again on the other side.
pub const MESSAGE_BYTES: usize = 8 << 20;
/// Longest frame on the wire, in bytes.
pub const FRAME_BYTES: usize = 1 << 20;
/// Calls to one node that wait for an answer, at most.
pub const CALLS_IN_FLIGHT: usize = 1024;
/// A message is taken while less than this is under way to its node, in bytes. So never more than this and one message.
pub const BYTES_OUTSTANDING: usize = 8 << 20;
/// However long a caller says that it waits, a call is not worked on longer.
pub const LONGEST_CALL: Duration = Duration::from_secs(30);
/// Shortest secret of a cluster.
const SECRET_BYTES: usize = 32;
const STOP_WITHIN: Duration = Duration::from_secs(2);

/// With what the links of a node are started.
#[derive(Debug)]
pub struct LinksConfig {
    /// This boot of this node. Its name must be the certificate's.
    pub me: NodeIncarnation,
    /// The name of the cluster; nodes of another are refused.
    pub cluster: Arc<str>,
    /// The cluster port, bound.
    pub listener: TcpListener,
    /// By what other nodes know this one, and it them.
    pub identity: Identity,
    /// Known to all nodes of the cluster and to nobody else.
    pub secret: Secret,
    /// Does this node reach the store; told to the others with each ping. Whoever knows sets it.
    pub reaches_store: Arc<AtomicBool>,
}

/// Certificates, in PEM; [`crate::certificates`] makes them.
#[derive(Clone)]
pub struct Identity {
    /// This node's certificate.
    pub certificate: String,
    /// Its key.
    pub key: String,
    /// The cluster's authority.
    pub authority: String,
    /// The authority's list of certificates that are not valid any more.
    pub revocations: String,
}

impl Identity {
    /// Would other nodes of the same authority take it for `me` at this time.
    ///
    /// # Errors
    /// [`LinksError::Identity`], [`LinksError::OfAnotherNode`], [`LinksError::Unfit`].
    pub fn check(&self, me: &NodeId, now: Timestamp) -> Result<(), LinksError> {
        tls::check(self, me, now)
    }
}

/// A secret of the cluster: at least 32 bytes that nobody guesses. Derive one for this use alone.
#[derive(Clone)]
pub struct Secret(pub Arc<[u8]>);

/// One of the four actors of a node that other nodes reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServiceName {
    /// Drain, hand-off, status.
    NodeControl,
    /// Rooms that live there.
    RoomHost,
    /// Sockets that are attached there.
    GatewayHub,
    /// Media that is served there.
    MediaHost,
}

/// What answers other nodes. A panic ends the one call or cast only.
#[async_trait]
pub trait Service: Send + Sync + 'static {
    /// Answers a call, in a task of its own; the future is dropped when the caller does not wait any more.
    async fn call(&self, from: &NodeIncarnation, bytes: Bytes) -> Vec<u8>;

    /// Takes a cast. It must not block: what comes after from all nodes waits.
    fn cast(&self, from: &NodeIncarnation, bytes: Bytes);
}

/// What happens on links. Levels, not edges: while the receiver is full the latest waits, and what was superseded is left out. Only
/// [`LinkEvent::Says`] and [`LinkEvent::Refused`] are dropped then. The channel closes when the links have ended, on purpose or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkEvent {
    /// What the link shows of the boot named last to [`Links::peers`], whenever that changes.
    Evidence(NodeId, Evidence),
    /// A ping came in.
    Says {
        /// From whom.
        node: NodeId,
        /// Whether it reaches the store.
        reaches_store: bool,
    },
    /// Calls to this boot go through.
    Up(NodeIncarnation),
    /// They do not any more; those that waited have failed.
    Down(NodeIncarnation),
    /// A connection was refused, by this side or by the other.
    Refused {
        /// Who it was or said to be, where that is known.
        node: Option<NodeId>,
        /// Why.
        reason: Refusal,
    },
}

/// Why two nodes are not linked though they reached each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refusal {
    /// The certificate is of another authority, or there was none.
    ForeignAuthority,
    /// The certificate was revoked.
    Revoked,
    /// The certificate is not valid yet or any more.
    Expired,
    /// The certificate names another node than was dialled, or than the hello says.
    WrongNode,
    /// A node of another cluster.
    WrongCluster,
    /// It does not know the secret.
    WrongSecret,
    /// It speaks another version of the hello.
    Version,
    /// It is not one of the peers. A newcomer is refused until its row in the table was read here, and dials again.
    NotAPeer,
    /// A later boot of the node is known, or this boot was declared dead.
    EarlierBoot,
    /// The side that is to be dialled has dialled.
    WrongSide,
    /// It took longer than [`crate::link::DIAL_WITHIN`].
    TimedOut,
    /// More connections than this node takes at a time.
    TooMany,
    /// Not what a node says.
    Malformed,
}

impl Refusal {
    /// In words, for people.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            Self::ForeignAuthority => "the certificate is of another authority",
            Self::Revoked => "the certificate was revoked",
            Self::Expired => "the certificate is not valid at this time",
            Self::WrongNode => "the certificate names another node",
            Self::WrongCluster => "the node is of another cluster",
            Self::WrongSecret => "the node has another secret",
            Self::Version => "the node speaks another version",
            Self::NotAPeer => "the node is not known yet",
            Self::EarlierBoot => "a later boot of the node is known",
            Self::WrongSide => "the wrong side has dialled",
            Self::TimedOut => "the node took too long",
            Self::TooMany => "too many connections at a time",
            Self::Malformed => "the other side does not speak as a node does",
        }
    }
}

/// Why a call or cast did not go through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// There is no link to this boot now. Nothing was sent.
    #[error("not linked")]
    NotLinked,
    /// Too much is under way to that node. Nothing was done.
    #[error("too much under way to that node")]
    Full,
    /// Longer than [`MESSAGE_BYTES`], or its answer would be; in the latter case it was done.
    #[error("longer than a message may be")]
    TooLarge,
    /// No answer in time. It may have been done.
    #[error("no answer in time")]
    TimedOut,
    /// The link ended before the answer. It may have been done.
    #[error("the link ended")]
    Closed,
    /// The other node could not answer. It may have been done.
    #[error("the other node failed")]
    Failed,
}

/// Why the links cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum LinksError {
    /// Certificate, key, authority or list.
    #[error("{what}: {why}")]
    Identity {
        /// Which of them.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// The certificate is of another node.
    #[error("the certificate is of node {certificate}, this is {me}")]
    OfAnotherNode {
        /// Whom it names.
        certificate: NodeId,
        /// Who this is.
        me: NodeId,
    },
    /// Other nodes will refuse the certificate.
    #[error("{}", .0.in_words())]
    Unfit(Refusal),
    /// The secret is too short.
    #[error("the cluster's secret has less than 32 bytes")]
    ShortSecret,
    /// Listener, thread or sockets.
    #[error("links cannot be started: {0}")]
    Io(#[from] std::io::Error),
    /// The actors.
    #[error("actors of the links cannot be started: {0}")]
    Actors(String),
}

/// The links of a node. A cheap handle; they end when the last one is dropped, or by [`Links::stop`].
#[derive(Clone)]
pub struct Links {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    /// True once everything has ended.
    ended: watch::Receiver<bool>,
}

impl Links {
    /// Starts listening; links are made once [`Self::peers`] says with whom. A service that is missing answers every call with
    /// [`LinkError::Failed`]. Traffic is served by the runtime that this is called in.
    ///
    /// # Errors
    /// [`LinksError`].
    pub async fn start(
        config: LinksConfig,
        services: BTreeMap<ServiceName, Arc<dyn Service>>,
        events: mpsc::Sender<LinkEvent>,
    ) -> Result<Self, LinksError> {
        let LinksConfig {
            me,
            cluster,
            listener,
            identity,
            secret,
            reaches_store,
        } = config;
        if secret.0.len() < SECRET_BYTES {
            return Err(LinksError::ShortSecret);
        }
        let tls = Tls::new(&identity, &me.node)?;
        listener.set_nonblocking(true)?;
        let (traffic, actors) = Traffic::start(&me, &secret, &services, Arc::default()).await?;
        let introduction = Introduction { me, cluster, secret };
        let shared = Arc::new(Shared::new(introduction, tls, reaches_store, traffic));
        let thread = match watching::start(&shared, listener, events) {
            Ok(thread) => thread,
            Err(error) => {
                actors.stop().await;
                return Err(error.into());
            }
        };
        let (end, ended) = watch::channel(false);
        tokio::spawn(care(Arc::clone(&shared), actors, thread, end));
        let inner = Arc::new(Inner { shared, ended });
        Ok(Self { inner })
    }

    /// With whom to be linked, and where (`host:port`): all that the table names. The same list again changes nothing; this node itself may be
    /// in it. A boot later than the one before is dialled at once, whatever became of the former stream. Whoever is not in the list any more is cut off.
    pub fn peers(&self, peers: Vec<(NodeIncarnation, Arc<str>)>) {
        self.inner.shared.want(peers);
    }

    /// Calls a service of that boot of a node. Dropping the future gives up the answer, not the call.
    ///
    /// # Errors
    /// [`LinkError`], always within `deadline`. The other side does not work longer than [`LONGEST_CALL`] on it.
    pub async fn call(
        &self,
        to: &NodeIncarnation,
        service: ServiceName,
        bytes: Bytes,
        deadline: Duration,
    ) -> Result<Bytes, LinkError> {
        let since = clock::uptime();
        let answer = self.inner.shared.traffic.call(to, service, bytes, deadline).await;
        if answer.is_ok() {
            let took = clock::uptime().saturating_sub(since);
            metrics::histogram!(names::ROUND_TRIP_SECONDS).record(took.as_secs_f64());
        }
        let outcome = answer.as_ref().map_or_else(|error| error.as_str(), |_| "ok");
        metrics::counter!(names::CALLS, "outcome" => outcome).increment(1);
        answer
    }

    /// Tells a service of that boot of a node. Never waits.
    ///
    /// # Errors
    /// [`LinkError::NotLinked`], [`LinkError::Full`], [`LinkError::TooLarge`]: it is known here already that it will not arrive.
    pub fn cast(&self, to: &NodeIncarnation, service: ServiceName, bytes: Bytes) -> Result<(), LinkError> {
        let sent = self.inner.shared.traffic.cast(to, service, &bytes);
        let outcome = sent.map_or_else(LinkError::as_str, |()| "sent");
        metrics::counter!(names::CASTS, "outcome" => outcome).increment(1);
        sent
    }

    /// That boot was declared dead: its streams are cut at once, calls to it fail, and it is not taken again.
    pub fn forget(&self, dead: &NodeIncarnation) {
        self.inner.shared.forget(dead);
    }

    /// Takes other certificates for connections that are opened from now on: after a renewal, or when one was revoked. Streams that stand are not
    /// touched; [`Self::forget`] cuts them.
    ///
    /// # Errors
    /// [`LinksError::Identity`], [`LinksError::OfAnotherNode`]; the former ones stay then.
    pub fn renew(&self, identity: &Identity) -> Result<(), LinksError> {
        let shared = &self.inner.shared;
        *shared.tls.write() = Tls::new(identity, &shared.me().node)?;
        Ok(())
    }

    /// Closes all links and the listener, and waits until they are. Others see that the node is gone at once.
    pub async fn stop(&self) {
        self.inner.shared.ending.send_replace(true);
        // The sender is dropped only after it said so.
        drop(self.inner.ended.clone().wait_for(|ended| *ended).await);
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shared.ending.send_replace(true);
    }
}

/// Ends everything once it is to end, or once a part of it has ended by itself.
async fn care(
    shared: Arc<Shared>,
    mut actors: Actors,
    thread: std::thread::JoinHandle<()>,
    ended: watch::Sender<bool>,
) {
    let mut ending = shared.ending.subscribe();
    let is_wanted = tokio::select! {
        _ = ending.wait_for(|ending| *ending) => true,
        () = actors.any_ended() => false,
    };
    if !is_wanted {
        tracing::error!("an actor without which there are no links has ended, so they end");
    }
    shared.ending.send_replace(true);
    shared.traffic.cut_all();
    actors.stop().await;
    let joined = tokio::task::spawn_blocking(move || thread.join());
    if !matches!(tokio::time::timeout(STOP_WITHIN, joined).await, Ok(Ok(Ok(())))) {
        tracing::error!("the thread that watches other nodes has not ended well");
    }
    ended.send_replace(true);
}

impl ServiceName {
    /// All four.
    pub const ALL: [Self; 4] = [
        Self::NodeControl,
        Self::RoomHost,
        Self::GatewayHub,
        Self::MediaHost,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::NodeControl => "node_control",
            Self::RoomHost => "room_host",
            Self::GatewayHub => "gateway_hub",
            Self::MediaHost => "media_host",
        }
    }
}

impl LinkError {
    /// Name for metrics.
    fn as_str(self) -> &'static str {
        match self {
            Self::NotLinked => "not_linked",
            Self::Full => "full",
            Self::TooLarge => "too_large",
            Self::TimedOut => "timed_out",
            Self::Closed => "closed",
            Self::Failed => "failed",
        }
    }
}

impl fmt::Debug for Links {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Links").finish_non_exhaustive()
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("certificate", &self.certificate)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}
