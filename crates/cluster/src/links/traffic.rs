//! All traffic sessions of a node, and the server of `ractor_cluster` that they are handed to.
//!
//! The library opens a listener in any case: on a loopback port that the kernel picks, and with a TLS configuration that has no certificate, so no handshake with it
//! ever ends well, whoever asks. It takes one connection at a time, which here is welcome. Peers are not told of each other (*isolated*).
//!
//! Invariant: to one boot of a node there is one session at a time, and a new one is handed over only when the library let go of the former: of
//! two it would keep the one it likes, dead or alive.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use bytes::Bytes;
use hkdf::Hkdf;
use parking_lot::Mutex;
use ractor::{Actor, ActorCell, ActorRef};
use ractor_cluster::node::{NodeConnectionMode, NodeServerSessionInformation};
use ractor_cluster::{IncomingEncryptionMode, NodeEventSubscription, NodeServer, NodeServerMessage};
use sha2::Sha256;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::{TlsAcceptor, TlsStream};
use videorooms_domain::{NodeId, NodeIncarnation};

use super::actor::Remotable;
use super::hello::{self, Token};
use super::session::{Phase, Session, actor_name};
use super::stream;
use super::{FRAME_BYTES, LinkError, LinksError, MESSAGE_BYTES, Secret, Service, ServiceName, tls};
use crate::link::DIAL_WITHIN;
use crate::metrics as names;

/// A session says that it is alive that often; it is cut when nothing was read for [`crate::link::READ_IDLE`].
const ALIVE_EVERY: Duration = Duration::from_secs(1);
/// How long the library may take to let go of a session that was cut, or to stop.
const END_WITHIN: Duration = Duration::from_secs(1);

pub(crate) struct Traffic {
    server: OnceLock<ActorRef<NodeServerMessage>>,
    sessions: Mutex<Sessions>,
    /// Woken whenever a session becomes ready or ends.
    pub(crate) changed: Arc<Notify>,
    count: AtomicU64,
}

#[derive(Default)]
struct Sessions {
    by_node: BTreeMap<NodeId, Arc<Session>>,
    by_token: BTreeMap<Token, Arc<Session>>,
    /// Cut, and not let go yet.
    ending: Vec<Arc<Session>>,
}

impl Traffic {
    /// Starts the server and the four actors. The handles end when any of them does.
    pub(crate) async fn start(
        me: &NodeIncarnation,
        secret: &Secret,
        services: &BTreeMap<ServiceName, Arc<dyn Service>>,
        changed: Arc<Notify>,
    ) -> Result<(Arc<Self>, Actors), LinksError> {
        let traffic = Arc::new(Self {
            server: OnceLock::new(),
            sessions: Mutex::default(),
            changed,
            count: AtomicU64::new(0),
        });
        let mut actors = Actors::default();
        let closed = TlsAcceptor::from(tls::closed()?);
        // Name and host are the same: the library takes two nodes of one host and port for one.
        let server = NodeServer::new(
            0,
            cookie(secret),
            me.to_string(),
            me.to_string(),
            Some(IncomingEncryptionMode::Tls(closed)),
            Some(NodeConnectionMode::Isolated),
        )
        .with_listen_addr(IpAddr::V4(Ipv4Addr::LOCALHOST))
        .with_max_inbound_frame_size(FRAME_BYTES as u64);
        let (server, handle) = Actor::spawn(None, server, ()).await.map_err(broken)?;
        actors.push(server.get_cell(), handle);
        let subscription = Box::new(Events(Arc::downgrade(&traffic)));
        let id = "links".to_owned();
        server
            .cast(NodeServerMessage::SubscribeToEvents { id, subscription })
            .map_err(broken)?;
        traffic.server.get_or_init(|| server);
        for name in ServiceName::ALL {
            let remotable = Remotable {
                name,
                service: services.get(&name).cloned(),
                traffic: Arc::downgrade(&traffic),
            };
            let (actor, handle) = Actor::spawn(Some(actor_name(me, name)), remotable, ())
                .await
                .map_err(broken)?;
            actors.push(actor.get_cell(), handle);
        }
        Ok((traffic, actors))
    }

    /// Hands an authenticated stream to the library, in place of any other to that node. Returns when the session has ended,
    /// and says whether calls went through.
    pub(crate) async fn carry(
        self: &Arc<Self>,
        stream: TlsStream<TcpStream>,
        peer: NodeIncarnation,
        is_server: bool,
    ) -> bool {
        let Some(session) = self.session(&stream, &peer) else {
            return false;
        };
        for former in self.enter(&session) {
            drop(timeout(END_WITHIN, former.reached(Phase::Ended)).await);
        }
        let label = session.label.clone();
        let stream = Box::new(stream::Traffic { stream, label });
        let opened = NodeServerMessage::ConnectionOpenedExternal { stream, is_server };
        let handed = self.server.get().map(|server| server.cast(opened));
        let was_ready = matches!(handed, Some(Ok(())))
            && timeout(DIAL_WITHIN, session.reached(Phase::Ready)).await.is_ok()
            && session.is_ready();
        if was_ready {
            self.keep(&session).await;
        }
        self.end(&session);
        drop(timeout(END_WITHIN, session.reached(Phase::Ended)).await);
        self.forget(&session);
        was_ready
    }

    /// Says now and then that this side is alive, until the session ends.
    async fn keep(&self, session: &Session) {
        loop {
            session.tell_alive();
            if timeout(ALIVE_EVERY, session.reached(Phase::Cut)).await.is_ok() {
                return;
            }
        }
    }

    fn session(&self, stream: &TlsStream<TcpStream>, peer: &NodeIncarnation) -> Option<Arc<Session>> {
        let token = hello::token(stream).ok()?;
        let socket = stream.get_ref().0;
        let socket = rustix::io::fcntl_dupfd_cloexec(socket, 0).ok()?.into();
        let label = format!("{peer}/{}", self.count.fetch_add(1, Ordering::Relaxed));
        Some(Arc::new(Session::new(peer.clone(), label, token, socket)))
    }

    /// The session is the node's from now on; which of the former ones the library has to let go of first.
    fn enter(&self, session: &Arc<Session>) -> Vec<Arc<Session>> {
        let former = {
            let mut sessions = self.sessions.lock();
            sessions.by_token.insert(session.token, Arc::clone(session));
            sessions
                .by_node
                .insert(session.peer.node.clone(), Arc::clone(session))
        };
        if let Some(former) = former {
            self.end(&former);
        }
        let sessions = self.sessions.lock();
        let same = sessions
            .ending
            .iter()
            .filter(|ending| ending.peer == session.peer);
        same.cloned().collect()
    }

    /// Cuts a session: nothing that it still brings is heard.
    fn end(&self, session: &Arc<Session>) {
        {
            let mut sessions = self.sessions.lock();
            if sessions.by_token.remove(&session.token).is_some() && *session.phase.borrow() < Phase::Ended {
                sessions.ending.push(Arc::clone(session));
            }
            let node = &session.peer.node;
            if sessions
                .by_node
                .get(node)
                .is_some_and(|now| Arc::ptr_eq(now, session))
            {
                sessions.by_node.remove(node);
            }
        }
        session.cut();
        self.count_up();
        self.changed.notify_one();
    }

    fn forget(&self, session: &Arc<Session>) {
        self.sessions
            .lock()
            .ending
            .retain(|ending| !Arc::ptr_eq(ending, session));
    }

    /// Cuts the session to that node if it is to this boot or an earlier one.
    pub(crate) fn cut(&self, node: &NodeId, boot: u64) {
        let session = self.sessions.lock().by_node.get(node).cloned();
        if let Some(session) = session.filter(|session| session.peer.incarnation <= boot) {
            self.end(&session);
        }
    }

    /// Cuts all sessions.
    pub(crate) fn cut_all(&self) {
        let sessions: Vec<_> = self.sessions.lock().by_node.values().cloned().collect();
        for session in sessions {
            self.end(&session);
        }
    }

    /// The boot of that node to which calls go through.
    pub(crate) fn ready(&self, node: &NodeId) -> Option<NodeIncarnation> {
        let sessions = self.sessions.lock();
        let session = sessions.by_node.get(node).filter(|session| session.is_ready())?;
        Some(session.peer.clone())
    }

    /// Whose messages bear this token.
    pub(crate) fn bearing(&self, token: &Token) -> Option<Arc<Session>> {
        self.sessions.lock().by_token.get(token).cloned()
    }

    pub(crate) async fn call(
        &self,
        to: &NodeIncarnation,
        service: ServiceName,
        message: Bytes,
        deadline: Duration,
    ) -> Result<Bytes, LinkError> {
        let session = self.to(to, &message)?;
        metrics::counter!(names::SENT_BYTES).increment(message.len() as u64);
        let answer = session.call(service, &message, deadline).await?;
        metrics::counter!(names::RECEIVED_BYTES).increment(answer.len() as u64);
        Ok(answer)
    }

    pub(crate) fn cast(
        &self,
        to: &NodeIncarnation,
        service: ServiceName,
        message: &Bytes,
    ) -> Result<(), LinkError> {
        let session = self.to(to, message)?;
        session.cast(service, message)?;
        metrics::counter!(names::SENT_BYTES).increment(message.len() as u64);
        Ok(())
    }

    fn to(&self, to: &NodeIncarnation, message: &Bytes) -> Result<Arc<Session>, LinkError> {
        if message.len() > MESSAGE_BYTES {
            return Err(LinkError::TooLarge);
        }
        let session = self.sessions.lock().by_node.get(&to.node).cloned();
        session
            .filter(|session| session.peer == *to && session.is_ready())
            .ok_or(LinkError::NotLinked)
    }

    fn count_up(&self) {
        let sessions = self.sessions.lock();
        let ready = sessions
            .by_node
            .values()
            .filter(|session| session.is_ready())
            .count();
        metrics::gauge!(names::LINKS_UP).set(ready as f64);
    }

    fn labelled(&self, label: &str) -> Option<Arc<Session>> {
        let sessions = self.sessions.lock();
        let mut all = sessions.by_token.values().chain(&sessions.ending);
        all.find(|session| session.label == label).cloned()
    }
}

/// What the library says of its sessions; it is not waited for here.
struct Events(Weak<Traffic>);

impl Events {
    fn of(&self, told: &NodeServerSessionInformation) -> Option<(Arc<Traffic>, Arc<Session>)> {
        let traffic = self.0.upgrade()?;
        let session = traffic.labelled(&told.peer_addr)?;
        Some((traffic, session))
    }
}

impl NodeEventSubscription for Events {
    fn node_session_opened(&self, told: NodeServerSessionInformation) {
        match self.of(&told) {
            Some((_, session)) => session.opened(told.actor),
            None => told.actor.kill(),
        }
    }

    fn node_session_authenticated(&self, told: NodeServerSessionInformation) {
        let Some((traffic, session)) = self.of(&told) else {
            return;
        };
        let name = format!("{0}@{0}", session.peer);
        if told.peer_name.is_none_or(|peer| peer.name != name) {
            tracing::warn!(peer = %session.peer, "a node gave another name than the one it was authenticated for");
            traffic.end(&session);
        }
    }

    fn node_session_ready(&self, told: NodeServerSessionInformation) {
        let Some((traffic, session)) = self.of(&told) else {
            return;
        };
        if session.ready() {
            traffic.count_up();
            traffic.changed.notify_one();
        } else {
            traffic.end(&session);
        }
    }

    fn node_session_disconnected(&self, told: NodeServerSessionInformation) {
        if let Some((traffic, session)) = self.of(&told) {
            traffic.end(&session);
            session.reach(Phase::Ended);
        }
    }
}

/// The actors without which there are no links.
#[derive(Default)]
pub(crate) struct Actors(Vec<(ActorCell, JoinHandle<()>)>);

impl Actors {
    fn push(&mut self, cell: ActorCell, handle: JoinHandle<()>) {
        self.0.push((cell, handle));
    }

    /// Returns when one of them has ended.
    pub(crate) async fn any_ended(&mut self) {
        let mut handles: Vec<_> = self.0.iter_mut().map(|(_, handle)| handle).collect();
        std::future::poll_fn(|cx| {
            let ended = handles
                .iter_mut()
                .any(|handle| std::pin::Pin::new(&mut **handle).poll(cx).is_ready());
            if ended {
                std::task::Poll::Ready(())
            } else {
                std::task::Poll::Pending
            }
        })
        .await;
    }

    /// Stops them, and waits a while until they are.
    pub(crate) async fn stop(self) {
        for (cell, _) in &self.0 {
            cell.stop(None);
        }
        for (cell, _) in &self.0 {
            drop(cell.wait(Some(END_WITHIN)).await);
        }
    }
}

/// What `ractor_cluster` asks of both sides beside our own proof.
fn cookie(secret: &Secret) -> String {
    let mut cookie = [0_u8; 32];
    Hkdf::<Sha256>::new(None, &secret.0)
        .expand(b"ractor cookie", &mut cookie)
        .expect("32 bytes are not too many for SHA-256");
    cookie.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn broken(error: impl ToString) -> LinksError {
    LinksError::Actors(error.to_string())
}
