//! How fast a link is: round trips of 256 bytes over mutual TLS between two processes of this machine.
//!
//! `cargo run --release -p videorooms-cluster --example link_bench`. The process starts itself once more as the other node; both share the
//! machine's cores, so figures are for comparison, not for promises.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;
use videorooms_cluster::certificates::{self, Certified};
use videorooms_cluster::links::{
    Identity, LinkError, LinkEvent, Links, LinksConfig, Secret, Service, ServiceName,
};
use videorooms_domain::{NodeIncarnation, Timestamp};

const PAYLOAD: usize = 256;
const SEQUENTIAL: usize = 20_000;
const PARALLEL: usize = 300_000;
const IN_FLIGHT: usize = 64;
const CASTS: usize = 500_000;
const DEADLINE: Duration = Duration::from_secs(10);

struct Echo;

#[async_trait]
impl Service for Echo {
    async fn call(&self, _: &NodeIncarnation, bytes: Bytes) -> Vec<u8> {
        bytes.to_vec()
    }

    fn cast(&self, _: &NodeIncarnation, _: Bytes) {}
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "its figures are what it is for")]
async fn main() {
    if std::env::args().nth(1).as_deref() == Some("other") {
        return other().await;
    }
    let now = now();
    let authority = certificates::authority("bench", 1, now).expect("an authority");
    let list = certificates::no_revocations(&authority, now).expect("a list");
    let identity = |node: &str| {
        let issued =
            certificates::issue(&authority, &node.parse().expect("a name"), 1, now).expect("a certificate");
        identity(issued, &authority, &list)
    };
    let (listener, mine) = listen();
    let (child_listener, theirs) = listen();
    drop(child_listener);
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .arg("other")
        .args([&mine, &theirs])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the other process");
    let mut stdin = child.stdin.take().expect("it is piped");
    let b = identity("b");
    for part in [&b.certificate, &b.key, &b.authority, &b.revocations] {
        stdin.write_all(part.as_bytes()).expect("it reads");
        stdin.write_all(b"\0").expect("it reads");
    }
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
    stdout.read_line(&mut line).expect("it says that it listens");

    let (links, mut events) = start("a", listener, identity("a"), ("b", &theirs)).await;
    let until = Instant::now() + DEADLINE;
    loop {
        let event = tokio::time::timeout_at(until, events.recv())
            .await
            .expect("a link");
        if let LinkEvent::Up(_) = event.expect("the links run") {
            break;
        }
    }
    tokio::spawn(async move { while events.recv().await.is_some() {} });
    let to = boot("b");
    measure(&links, &to, 1, SEQUENTIAL).await;
    measure(&links, &to, IN_FLIGHT, PARALLEL).await;
    casts(&links, &to).await;
    println!(
        "load average: {}",
        std::fs::read_to_string("/proc/loadavg").expect("Linux").trim()
    );
    links.stop().await;
    child.kill().expect("it runs");
    child.wait().expect("it ends");
}

/// The other node: echoes until it is killed or its standard input ends.
#[expect(clippy::print_stdout, reason = "it says that it listens")]
async fn other() {
    let mut arguments = std::env::args().skip(2);
    let (theirs, mine) = (
        arguments.next().expect("an address"),
        arguments.next().expect("an address"),
    );
    let listener = TcpListener::bind(&mine).expect("the port is free");
    let mut parts = Vec::new();
    for _ in 0..4 {
        let mut part = Vec::new();
        std::io::stdin()
            .lock()
            .read_until(0, &mut part)
            .expect("an identity");
        part.pop();
        parts.push(String::from_utf8(part).expect("PEM"));
    }
    let [certificate, key, authority, revocations] = parts.try_into().expect("four parts");
    let identity = Identity {
        certificate,
        key,
        authority,
        revocations,
    };
    let (_links, mut events) = start("b", listener, identity, ("a", &theirs)).await;
    println!("listening");
    tokio::spawn(async move { while events.recv().await.is_some() {} });
    let until_end = || drop(std::io::stdin().lock().read(&mut [0]));
    tokio::task::spawn_blocking(until_end).await.expect("it ends");
}

async fn start(
    me: &str,
    listener: TcpListener,
    identity: Identity,
    (peer, address): (&str, &str),
) -> (Links, mpsc::Receiver<LinkEvent>) {
    let config = LinksConfig {
        me: boot(me),
        cluster: "bench".into(),
        listener,
        identity,
        secret: Secret(Arc::new([1; 32])),
        reaches_store: Arc::new(AtomicBool::new(true)),
    };
    let echo: Arc<dyn Service> = Arc::new(Echo);
    let (events, received) = mpsc::channel(64);
    let services = BTreeMap::from([(ServiceName::RoomHost, echo)]);
    let links = Links::start(config, services, events).await.expect("links");
    links.peers(vec![(boot(peer), address.into())]);
    (links, received)
}

#[expect(clippy::print_stdout, reason = "its figures are what it is for")]
async fn measure(links: &Links, to: &NodeIncarnation, in_flight: usize, calls: usize) {
    let since = Instant::now();
    let mut workers = JoinSet::new();
    for _ in 0..in_flight {
        let (links, to) = (links.clone(), to.clone());
        workers.spawn(async move {
            let mut took = Vec::with_capacity(calls / in_flight);
            for _ in 0..calls / in_flight {
                let since = Instant::now();
                let payload = Bytes::from(vec![1; PAYLOAD]);
                links
                    .call(&to, ServiceName::RoomHost, payload, DEADLINE)
                    .await
                    .expect("an answer");
                took.push(since.elapsed());
            }
            took
        });
    }
    let mut took: Vec<_> = workers.join_all().await.into_iter().flatten().collect();
    let all = since.elapsed();
    took.sort_unstable();
    let at = |percent: usize| took[took.len() * percent / 100].as_secs_f64() * 1e6;
    let rate = took.len() as f64 / all.as_secs_f64();
    println!(
        "{in_flight} in flight: p50 {:.0} us, p99 {:.0} us, {rate:.0} calls/s",
        at(50),
        at(99)
    );
}

#[expect(clippy::print_stdout, reason = "its figures are what it is for")]
async fn casts(links: &Links, to: &NodeIncarnation) {
    let since = Instant::now();
    let payload = Bytes::from(vec![1; PAYLOAD]);
    for _ in 0..CASTS {
        while links.cast(to, ServiceName::RoomHost, payload.clone()) == Err(LinkError::Full) {
            tokio::task::yield_now().await;
        }
    }
    let answered = links.call(to, ServiceName::RoomHost, payload, DEADLINE).await;
    answered.expect("an answer after all casts");
    println!("casts: {:.0} /s", CASTS as f64 / since.elapsed().as_secs_f64());
}

fn identity(issued: Certified, authority: &Certified, list: &str) -> Identity {
    Identity {
        certificate: issued.certificate,
        key: issued.key,
        authority: authority.certificate.clone(),
        revocations: list.to_owned(),
    }
}

fn boot(node: &str) -> NodeIncarnation {
    NodeIncarnation {
        node: node.parse().expect("a name"),
        incarnation: 1,
    }
}

fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = listener.local_addr().expect("it is bound").to_string();
    (listener, address)
}

#[expect(
    clippy::disallowed_methods,
    reason = "certificates are judged by the clock of the system"
)]
fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Timestamp(since.expect("after 1970").as_millis() as u64)
}
