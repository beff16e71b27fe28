//! The thread that watches: one runtime of its own, which serves nothing but handshakes and pings, so that it is late only when the whole process is.
//!
//! It runs [`Link`] for every peer, opens the traffic of those that it is to dial once their watch stands, ends it with the watch, and says what it sees. All state is in one
//! task; the others read a stream or make an attempt and bring their result to its bounded inbox. After a moment in which the thread itself stood still
//! nobody is judged before what came in meanwhile was read.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::{MissedTickBehavior, interval};
use tokio_rustls::TlsStream;
use videorooms_domain::{NodeId, NodeIncarnation};

use super::connect::{self, Arrival, Known, Undialled};
use super::hello::Purpose;
use super::shared::{self, Shared};
use super::{LinkEvent, Refusal};
use crate::clock;
use crate::link::{DialError, Link, LinkAction, RETRY_FIRST, RETRY_MOST};
use crate::membership::Evidence;
use crate::metrics as names;
use crate::time::Instant;

/// How often the clock is looked at.
const TICK: Duration = Duration::from_millis(20);
/// A look that comes so late says that this thread stood still.
const STOOD_STILL: Duration = Duration::from_millis(120);
const INBOX: usize = 1024;
/// Pings that wait to be written to one peer.
const PINGS: usize = 4;

/// Starts the thread; it ends when [`Shared::ending`] says so.
///
/// # Errors
/// No thread, or no runtime.
pub(crate) fn start(
    shared: &Arc<Shared>,
    listener: TcpListener,
    events: mpsc::Sender<LinkEvent>,
) -> std::io::Result<std::thread::JoinHandle<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let shared = Arc::clone(shared);
    let listener = {
        let _inside = runtime.enter();
        tokio::net::TcpListener::from_std(listener)?
    };
    std::thread::Builder::new()
        .name("cluster-watch".to_owned())
        .spawn(move || {
            let ended = Ended(Arc::clone(&shared));
            runtime.block_on(Watch::run(shared, listener, events));
            // A name that is being resolved is not waited for.
            runtime.shutdown_background();
            drop(ended);
        })
}

/// Without a watch there is no traffic, even when its thread panicked.
struct Ended(Arc<Shared>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.ending.send_replace(true);
        self.0.traffic.cut_all();
    }
}

struct Watch {
    shared: Arc<Shared>,
    events: mpsc::Sender<LinkEvent>,
    inbox: mpsc::Sender<Input>,
    peers: BTreeMap<NodeId, Peer>,
    /// Peers that are none any more and of which it was not yet said that they are down.
    owed: Vec<NodeIncarnation>,
    looked: Instant,
    streams: u64,
    attempts: u64,
}

enum Input {
    Opened(Box<Known>),
    Undialled(NodeId, Undialled),
    Probed(NodeId, Result<(), DialError>),
    /// A ping, on the stream of that number.
    Heard {
        node: NodeId,
        stream: u64,
        reaches_store: bool,
    },
    /// That stream ended.
    Closed {
        node: NodeId,
        stream: u64,
    },
    /// The attempt to open traffic is over, or the traffic is.
    TrafficEnded {
        node: NodeId,
        attempt: u64,
        was_ready: bool,
    },
    Refused(NodeId, Refusal),
}

struct Peer {
    /// As the table has it.
    row: shared::Peer,
    link: Link,
    stream: Option<Stream>,
    attempt: Option<Abort>,
    shown: Option<Evidence>,
    told: Option<NodeIncarnation>,
    traffic: Traffic,
}

/// Where the traffic stands on the side that dials it.
struct Traffic {
    /// The number of the attempt, or of the session that it became.
    open: Option<u64>,
    retry: Instant,
    wait: Duration,
}

struct Stream {
    number: u64,
    other: NodeIncarnation,
    pings: mpsc::Sender<bool>,
    _tasks: [Abort; 2],
}

/// A task that ends with its owner.
struct Abort(AbortHandle);

impl Drop for Abort {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Watch {
    async fn run(shared: Arc<Shared>, listener: tokio::net::TcpListener, events: mpsc::Sender<LinkEvent>) {
        let (inbox, mut inputs) = mpsc::channel(INBOX);
        let (arriving, mut arrivals) = mpsc::channel(INBOX);
        let accepting = connect::accept(Arc::clone(&shared), listener, arriving);
        let _accepting = Abort(tokio::spawn(accepting).abort_handle());
        let (changed, mut ending) = (Arc::clone(&shared.changed), shared.ending.subscribe());
        let mut watch = Self {
            shared,
            events,
            inbox,
            peers: BTreeMap::new(),
            owed: Vec::new(),
            looked: clock::now(),
            streams: 0,
            attempts: 0,
        };
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ending.wait_for(|ending| *ending) => return,
                Some(input) = inputs.recv() => watch.take(input),
                Some(arrival) = arrivals.recv() => watch.arrived(arrival),
                () = changed.notified() => watch.follow_table(),
                _ = ticks.tick() => watch.tick(),
            }
            watch.tell();
        }
    }

    fn tick(&mut self) {
        let now = clock::now();
        let stood = now.since(self.looked);
        self.looked = now;
        if stood < STOOD_STILL {
            self.look();
        }
    }

    /// Does what the links want now.
    fn look(&mut self) {
        let now = clock::now();
        if now.since(self.looked) >= STOOD_STILL {
            return;
        }
        for (node, peer) in &mut self.peers {
            while let Some(action) = peer.link.poll(now) {
                match action {
                    LinkAction::Dial => {
                        let attempt = dial(&self.shared, &self.inbox, node.clone(), peer.row.address.clone());
                        peer.attempt = Some(attempt);
                    }
                    LinkAction::Probe => {
                        let attempt = probe(&self.inbox, node.clone(), peer.row.address.clone());
                        peer.attempt = Some(attempt);
                    }
                    LinkAction::Abandon => peer.attempt = None,
                    LinkAction::Ping => peer.ping(&self.shared),
                    LinkAction::Close => peer.drop_stream(&self.shared),
                }
            }
            self.attempts += 1;
            peer.open_traffic(now, self.attempts, node, &self.shared, &self.inbox);
        }
    }

    /// Makes the peers those of the table.
    fn follow_table(&mut self) {
        let (now, wanted) = (clock::now(), self.shared.wanted());
        let gone: Vec<_> = self
            .peers
            .keys()
            .filter(|node| !wanted.contains_key(node))
            .cloned()
            .collect();
        for mut peer in gone.iter().filter_map(|node| self.peers.remove(node)) {
            peer.drop_stream(&self.shared);
            self.owed.extend(peer.told);
        }
        for node in gone {
            self.shared.traffic.cut(&node, u64::MAX);
        }
        for (node, row) in wanted {
            let me = &self.shared.me().node;
            match self.peers.get_mut(&node) {
                Some(peer) => peer.follow(now, me, &node, row, &self.shared),
                None => {
                    let peer = Peer::new(now, me, &node, row);
                    self.peers.insert(node, peer);
                }
            }
        }
        self.look();
    }

    fn take(&mut self, input: Input) {
        let now = clock::now();
        match input {
            Input::Opened(known) => self.opened(now, *known),
            Input::Undialled(node, Undialled { error, refusal }) => {
                if let Some(peer) = self.peers.get_mut(&node) {
                    peer.attempt = None;
                    peer.link.failed(now, error);
                }
                if let Some(refusal) = refusal {
                    self.say_refused(Some(node), refusal);
                }
            }
            Input::Probed(node, probed) => {
                if let Some(peer) = self.peers.get_mut(&node) {
                    peer.attempt = None;
                    match probed {
                        Ok(()) => peer.link.probed(now),
                        Err(error) => peer.link.failed(now, error),
                    }
                }
            }
            Input::Heard {
                node,
                stream,
                reaches_store,
            } => {
                if let Some(peer) = self.peers.get_mut(&node).filter(|peer| peer.has_stream(stream)) {
                    peer.link.heard(now);
                    // The next one says it again.
                    drop(self.events.try_send(LinkEvent::Says { node, reaches_store }));
                }
            }
            Input::Closed { node, stream } => {
                if let Some(peer) = self.peers.get_mut(&node).filter(|peer| peer.has_stream(stream)) {
                    peer.link.closed(now);
                    peer.drop_stream(&self.shared);
                    self.look();
                }
            }
            Input::TrafficEnded {
                node,
                attempt,
                was_ready,
            } => {
                if let Some(peer) = self.peers.get_mut(&node) {
                    peer.traffic.ended(now, attempt, was_ready);
                }
                self.look();
            }
            Input::Refused(node, refusal) => self.say_refused(Some(node), refusal),
        }
    }

    fn arrived(&mut self, arrival: Arrival) {
        match arrival {
            Arrival::Watch(known) => self.opened(clock::now(), *known),
            Arrival::Refused(reason) => self.say_refused(None, reason),
        }
    }

    fn opened(&mut self, now: Instant, (stream, other): Known) {
        // What is wanted may have changed since the hello.
        if self.shared.admit(&other).is_err() {
            return;
        }
        let Some(peer) = self.peers.get_mut(&other.node) else {
            return;
        };
        if !peer.link.opened(now, &other) {
            return;
        }
        self.shared.heard(&other);
        peer.attempt = None;
        let is_same = peer.stream.as_ref().is_some_and(|former| former.other == other);
        if !is_same {
            peer.drop_stream(&self.shared);
            peer.traffic = Traffic::new(now);
        }
        self.streams += 1;
        peer.stream = Some(Stream::new(self.streams, stream, other, &self.inbox));
        self.look();
    }

    /// Says what has not been said yet, as far as there is room.
    fn tell(&mut self) {
        let now = clock::now();
        while let Some(down) = self.owed.last() {
            if self.events.try_send(LinkEvent::Down(down.clone())).is_err() {
                return;
            }
            self.owed.pop();
        }
        for (node, peer) in &mut self.peers {
            let evidence = peer.link.evidence(now, peer.row.boot);
            let is_late = now.since(self.looked) >= STOOD_STILL;
            if peer.shown != Some(evidence) && !is_late {
                if self
                    .events
                    .try_send(LinkEvent::Evidence(node.clone(), evidence))
                    .is_err()
                {
                    return;
                }
                peer.shown = Some(evidence);
            }
            let mut ready = self.shared.traffic.ready(node);
            if let Some(other) = ready.take_if(|other| self.shared.admit(other).is_err()) {
                // It became ready while its boot was given up.
                self.shared.traffic.cut(node, other.incarnation);
            }
            if peer.told == ready {
                continue;
            }
            if let Some(down) = &peer.told {
                if self.events.try_send(LinkEvent::Down(down.clone())).is_err() {
                    return;
                }
                peer.told = None;
            }
            if let Some(up) = ready {
                if self.events.try_send(LinkEvent::Up(up.clone())).is_err() {
                    return;
                }
                peer.told = Some(up);
            }
        }
    }

    fn say_refused(&self, node: Option<NodeId>, reason: Refusal) {
        metrics::counter!(names::REFUSED, "reason" => reason.as_str()).increment(1);
        tracing::debug!(
            ?node,
            reason = reason.as_str(),
            "a connection between nodes came to nothing"
        );
        drop(self.events.try_send(LinkEvent::Refused { node, reason }));
    }
}

impl Peer {
    fn new(now: Instant, me: &NodeId, node: &NodeId, row: shared::Peer) -> Self {
        Self {
            row,
            link: Link::new(me, node.clone(), now),
            stream: None,
            attempt: None,
            shown: None,
            told: None,
            traffic: Traffic::new(now),
        }
    }

    /// The table has another row, or this boot was declared dead.
    fn follow(&mut self, now: Instant, me: &NodeId, node: &NodeId, row: shared::Peer, shared: &Shared) {
        let is_other = self.row != row;
        self.row = row;
        let stands = self
            .stream
            .as_ref()
            .map(|stream| shared.admit(&stream.other).is_ok());
        if stands == Some(false) {
            self.drop_stream(shared);
            self.link.closed(now);
        }
        if is_other && stands != Some(true) {
            // Whatever was tried, was tried elsewhere.
            self.attempt = None;
            self.link = Link::new(me, node.clone(), now);
        }
    }

    fn has_stream(&self, number: u64) -> bool {
        self.stream.as_ref().is_some_and(|stream| stream.number == number)
    }

    /// The watch is over, and so is the traffic.
    fn drop_stream(&mut self, shared: &Shared) {
        if let Some(stream) = self.stream.take() {
            shared.traffic.cut(&stream.other.node, stream.other.incarnation);
        }
    }

    fn ping(&self, shared: &Shared) {
        if let Some(stream) = &self.stream {
            // When pings pile up, the other side reads nothing and one more says nothing new.
            let _ = stream
                .pings
                .try_send(shared.reaches_store.load(Ordering::Relaxed));
        }
    }

    fn open_traffic(
        &mut self,
        now: Instant,
        attempt: u64,
        node: &NodeId,
        shared: &Arc<Shared>,
        inbox: &mpsc::Sender<Input>,
    ) {
        let is_due = self.stream.is_some() && self.traffic.open.is_none() && now >= self.traffic.retry;
        if !is_due || shared.me().node >= *node {
            return;
        }
        self.traffic.open = Some(attempt);
        let (address, node) = (Arc::clone(&self.row.address), node.clone());
        let (shared, inbox) = (Arc::clone(shared), inbox.clone());
        let runtime = shared.runtime.clone();
        runtime.spawn(async move {
            let dialled = connect::dial_in_time(&shared, Purpose::Traffic, &node, &address).await;
            let was_ready = match dialled {
                Ok((stream, other)) => shared.traffic.carry(stream, other, false).await,
                Err(Undialled { refusal, .. }) => {
                    if let Some(refusal) = refusal {
                        drop(inbox.send(Input::Refused(node.clone(), refusal)).await);
                    }
                    false
                }
            };
            drop(
                inbox
                    .send(Input::TrafficEnded {
                        node,
                        attempt,
                        was_ready,
                    })
                    .await,
            );
        });
    }
}

impl Traffic {
    fn new(now: Instant) -> Self {
        Self {
            open: None,
            retry: now,
            wait: Duration::ZERO,
        }
    }

    fn ended(&mut self, now: Instant, attempt: u64, was_ready: bool) {
        if self.open != Some(attempt) {
            return;
        }
        if was_ready {
            self.wait = Duration::ZERO;
        }
        self.open = None;
        self.retry = now.after(self.wait);
        self.wait = (self.wait * 2).clamp(RETRY_FIRST, RETRY_MOST);
    }
}

impl Stream {
    fn new(
        number: u64,
        stream: TlsStream<TcpStream>,
        other: NodeIncarnation,
        inbox: &mpsc::Sender<Input>,
    ) -> Self {
        let (mut read, mut write) = tokio::io::split(stream);
        let (pings, mut to_write) = mpsc::channel(PINGS);
        let (node, inbox) = (other.node.clone(), inbox.clone());
        let writing = tokio::spawn(async move {
            while let Some(reaches_store) = to_write.recv().await {
                let written = write.write_all(&[u8::from(reaches_store)]).await;
                if written.is_err() || write.flush().await.is_err() {
                    return;
                }
            }
        });
        let reading = tokio::spawn(async move {
            // One byte a ping: does the sender reach the store.
            while let Ok(said @ (0 | 1)) = read.read_u8().await {
                let heard = Input::Heard {
                    node: node.clone(),
                    stream: number,
                    reaches_store: said == 1,
                };
                drop(inbox.send(heard).await);
            }
            drop(inbox.send(Input::Closed { node, stream: number }).await);
        });
        Self {
            number,
            other,
            pings,
            _tasks: [Abort(writing.abort_handle()), Abort(reading.abort_handle())],
        }
    }
}

fn dial(shared: &Arc<Shared>, inbox: &mpsc::Sender<Input>, node: NodeId, address: Arc<str>) -> Abort {
    let (shared, inbox) = (Arc::clone(shared), inbox.clone());
    let dialling = tokio::spawn(async move {
        let input = match connect::dial(&shared, Purpose::Watch, &node, &address).await {
            Ok(known) => Input::Opened(Box::new(known)),
            Err(undialled) => Input::Undialled(node, undialled),
        };
        drop(inbox.send(input).await);
    });
    Abort(dialling.abort_handle())
}

fn probe(inbox: &mpsc::Sender<Input>, node: NodeId, address: Arc<str>) -> Abort {
    let inbox = inbox.clone();
    let probing = tokio::spawn(async move {
        let probed = connect::probe(&address).await;
        drop(inbox.send(Input::Probed(node, probed)).await);
    });
    Abort(probing.abort_handle())
}
