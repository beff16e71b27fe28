//! Nodes to link, and a proxy that falls silent.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use tokio::io::copy_bidirectional;
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::timeout;
use videorooms_cluster::certificates::{self, Certified};
use videorooms_cluster::links::{
    Identity, LinkError, LinkEvent, Links, LinksConfig, LinksError, Refusal, Secret, Service, ServiceName,
};
use videorooms_cluster::membership::Evidence;
use videorooms_domain::{NodeId, NodeIncarnation, Timestamp};

/// Ten times what anything here should take, on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// The certificates of a cluster.
pub(crate) struct Authority {
    pub(crate) certified: Certified,
    pub(crate) revocations: String,
}

pub(crate) fn id(name: &str) -> NodeId {
    name.parse().unwrap()
}

#[expect(
    clippy::disallowed_methods,
    reason = "certificates are judged by the clock of the system"
)]
pub(crate) fn today() -> Timestamp {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    Timestamp(since.as_millis() as u64)
}

impl Authority {
    pub(crate) fn new() -> Self {
        let certified = certificates::authority("test", 10, today()).unwrap();
        let revocations = certificates::no_revocations(&certified, today()).unwrap();
        Self {
            certified,
            revocations,
        }
    }

    pub(crate) fn identity(&self, node: &str) -> Identity {
        let issued = certificates::issue(&self.certified, &id(node), 10, today()).unwrap();
        Identity {
            certificate: issued.certificate,
            key: issued.key,
            authority: self.certified.certificate.clone(),
            revocations: self.revocations.clone(),
        }
    }
}

/// What every service of a node under test does, by the first byte of what it is sent.
pub(crate) const ECHO: u8 = b'e';
/// Answers never, and says that it was called.
pub(crate) const HANG: u8 = b'h';
pub(crate) const PANIC: u8 = b'p';
/// Answers with that many times the rest.
pub(crate) const GROW: u8 = b'g';

#[derive(Debug, Default)]
pub(crate) struct Recorder {
    pub(crate) casts: Mutex<Vec<(NodeIncarnation, Bytes)>>,
    pub(crate) hung: AtomicU64,
    pub(crate) changed: Notify,
}

#[async_trait]
impl Service for Recorder {
    async fn call(&self, _from: &NodeIncarnation, bytes: Bytes) -> Vec<u8> {
        match bytes.first() {
            Some(&HANG) => {
                self.hung.fetch_add(1, Ordering::SeqCst);
                self.changed.notify_waiters();
                std::future::pending().await
            }
            Some(&PANIC) => panic!("as asked"),
            Some(&GROW) => vec![bytes[1]; 5 << 20],
            _ => bytes.to_vec(),
        }
    }

    fn cast(&self, from: &NodeIncarnation, bytes: Bytes) {
        assert_ne!(bytes.first(), Some(&PANIC), "as asked");
        self.casts.lock().push((from.clone(), bytes));
        self.changed.notify_waiters();
    }
}

impl Recorder {
    /// Waits for something about this service.
    pub(crate) async fn until(&self, what: &str, mut is_so: impl FnMut(&Self) -> bool) {
        within(what, async {
            loop {
                let changed = self.changed.notified();
                tokio::pin!(changed);
                changed.as_mut().enable();
                if is_so(self) {
                    return;
                }
                changed.await;
            }
        })
        .await;
    }
}

pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(SOON, future)
        .await
        .unwrap_or_else(|_| panic!("{what}: not in time"))
}

/// One boot of a node.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) me: NodeIncarnation,
    pub(crate) address: Arc<str>,
    pub(crate) links: Links,
    pub(crate) service: Arc<Recorder>,
    pub(crate) reaches_store: Arc<AtomicBool>,
    seen: watch::Receiver<Seen>,
}

/// The last word of the events.
#[derive(Debug, Default, Clone)]
pub(crate) struct Seen {
    pub(crate) evidence: BTreeMap<NodeId, Evidence>,
    pub(crate) says: BTreeMap<NodeId, bool>,
    pub(crate) up: BTreeMap<NodeId, NodeIncarnation>,
    /// Each in its order.
    pub(crate) ups: Vec<NodeIncarnation>,
    pub(crate) refused: Vec<(Option<NodeId>, Refusal)>,
    pub(crate) is_over: bool,
}

impl Seen {
    fn take(&mut self, event: LinkEvent) {
        match event {
            LinkEvent::Evidence(node, evidence) => {
                self.evidence.insert(node, evidence);
            }
            LinkEvent::Says { node, reaches_store } => {
                self.says.insert(node, reaches_store);
            }
            LinkEvent::Up(peer) => {
                self.ups.push(peer.clone());
                self.up.insert(peer.node.clone(), peer);
            }
            LinkEvent::Down(peer) => {
                assert_eq!(self.up.remove(&peer.node), Some(peer), "what is down was up");
            }
            LinkEvent::Refused { node, reason } => self.refused.push((node, reason)),
        }
    }
}

/// Each boot has its own number and a later one a higher: names of actors exist once in a process.
static BOOTS: AtomicU64 = AtomicU64::new(1);

pub(crate) struct Recipe {
    pub(crate) cluster: &'static str,
    pub(crate) secret: [u8; 32],
    pub(crate) incarnation: u64,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            cluster: "test",
            secret: [7; 32],
            incarnation: BOOTS.fetch_add(1, Ordering::Relaxed),
        }
    }
}

pub(crate) fn free_port() -> TcpListener {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap()
}

impl Node {
    pub(crate) async fn start(name: &str, authority: &Authority) -> Self {
        Self::boot(name, authority.identity(name), Recipe::default()).await
    }

    pub(crate) async fn boot(name: &str, identity: Identity, recipe: Recipe) -> Self {
        Self::at(free_port(), name, identity, recipe).await
    }

    pub(crate) async fn at(listener: TcpListener, name: &str, identity: Identity, recipe: Recipe) -> Self {
        Self::try_at(listener, name, identity, recipe).await.unwrap()
    }

    pub(crate) async fn attempt(name: &str, identity: Identity, recipe: Recipe) -> Result<Self, LinksError> {
        Self::try_at(free_port(), name, identity, recipe).await
    }

    async fn try_at(
        listener: TcpListener,
        name: &str,
        identity: Identity,
        recipe: Recipe,
    ) -> Result<Self, LinksError> {
        let me = NodeIncarnation {
            node: id(name),
            incarnation: recipe.incarnation,
        };
        let address: Arc<str> = listener.local_addr().unwrap().to_string().into();
        let reaches_store = Arc::new(AtomicBool::new(true));
        let config = LinksConfig {
            me: me.clone(),
            cluster: recipe.cluster.into(),
            listener,
            identity,
            secret: Secret(Arc::new(recipe.secret)),
            reaches_store: Arc::clone(&reaches_store),
        };
        let service = Arc::new(Recorder::default());
        let services = ServiceName::ALL.map(|name| (name, Arc::clone(&service) as Arc<dyn Service>));
        let (events, mut received) = mpsc::channel(64);
        let links = Links::start(config, services.into(), events).await?;
        let (sender, seen) = watch::channel(Seen::default());
        tokio::spawn(async move {
            while let Some(event) = received.recv().await {
                sender.send_modify(|seen| seen.take(event));
            }
            sender.send_modify(|seen| seen.is_over = true);
        });
        Ok(Self {
            me,
            address,
            links,
            service,
            reaches_store,
            seen,
        })
    }

    pub(crate) fn row(&self) -> (NodeIncarnation, Arc<str>) {
        (self.me.clone(), Arc::clone(&self.address))
    }

    pub(crate) fn seen(&self) -> Seen {
        self.seen.borrow().clone()
    }

    /// Waits until the events say so.
    pub(crate) async fn until(&self, what: &str, mut is_so: impl FnMut(&Seen) -> bool) {
        let mut seen = self.seen.clone();
        if timeout(SOON, seen.wait_for(|seen| is_so(seen))).await.is_err() {
            panic!("{}: {what}: not in time; {:?}", self.me, self.seen());
        }
    }

    pub(crate) async fn until_up(&self, other: &Self) {
        let peer = &other.me;
        self.until(&format!("linked with {peer}"), |seen| {
            seen.up.get(&peer.node) == Some(peer)
        })
        .await;
    }

    pub(crate) async fn until_evidence(&self, other: &str, evidence: Evidence) {
        self.until(&format!("{evidence:?} of {other}"), |seen| {
            seen.evidence.get(&id(other)) == Some(&evidence)
        })
        .await;
    }

    pub(crate) async fn until_refused(&self, reason: Refusal) {
        self.until(&format!("{reason:?}"), |seen| {
            seen.refused.iter().any(|(_, refused)| *refused == reason)
        })
        .await;
    }

    pub(crate) async fn call(&self, to: &Self, bytes: impl Into<Bytes>) -> Result<Bytes, LinkError> {
        self.links
            .call(&to.me, ServiceName::RoomHost, bytes.into(), SOON)
            .await
    }

    pub(crate) fn cast(&self, to: &Self, bytes: impl Into<Bytes>) -> Result<(), LinkError> {
        self.links.cast(&to.me, ServiceName::GatewayHub, bytes.into())
    }
}

/// Tells all nodes of each other and waits until all are linked.
pub(crate) async fn link(nodes: &[&Node]) {
    introduce(nodes);
    for one in nodes {
        for other in nodes.iter().filter(|other| other.me != one.me) {
            one.until_up(other).await;
        }
    }
}

pub(crate) fn introduce(nodes: &[&Node]) {
    for node in nodes {
        node.links.peers(nodes.iter().map(|node| node.row()).collect());
    }
}

pub(crate) async fn pair(authority: &Authority) -> (Node, Node) {
    let (a, b) = (
        Node::start("a", authority).await,
        Node::start("b", authority).await,
    );
    link(&[&a, &b]).await;
    (a, b)
}

/// Stands before a node and passes bytes on, for as long as it likes.
pub(crate) struct Proxy {
    pub(crate) address: Arc<str>,
    mode: watch::Sender<Mode>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Passes,
    /// Connections stay open, and nothing passes any more.
    IsSilent,
    /// Of the connections that were there, the end of whoever dialled is closed and the other end is not.
    HungUp,
}

impl Proxy {
    pub(crate) async fn before(node: &Node) -> Self {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .unwrap();
        let address: Arc<str> = listener.local_addr().unwrap().to_string().into();
        let to: SocketAddr = node.address.parse().unwrap();
        let mode = watch::Sender::new(Mode::Passes);
        let modes = mode.subscribe();
        tokio::spawn(async move {
            while let Ok((mut one, _)) = listener.accept().await {
                let mut modes = modes.clone();
                modes.mark_unchanged();
                tokio::spawn(async move {
                    let mut other = TcpStream::connect(to).await.unwrap();
                    if *modes.borrow() != Mode::IsSilent {
                        tokio::select! {
                            biased;
                            _ = modes.changed() => {}
                            _ = copy_bidirectional(&mut one, &mut other) => return,
                        }
                    }
                    let one = (*modes.borrow() != Mode::HungUp).then_some(one);
                    // Open for as long as the proxy is.
                    while modes.changed().await.is_ok() {}
                    drop(one);
                });
            }
        });
        Self { address, mode }
    }

    pub(crate) fn fall_silent(&self) {
        self.mode.send_replace(Mode::IsSilent);
    }

    pub(crate) fn hang_up(&self) {
        self.mode.send_replace(Mode::HungUp);
    }
}
