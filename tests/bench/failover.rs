//! How long rooms take to go on when their owner is killed or paused: `make bench-failover`.
//!
//! Each round is a cluster of its own. Node a makes the rooms and owns them; then b and c join, and members come in through these two, whose
//! sockets stay. Then a dies, and in each room someone says something until it is acknowledged. All in one process and on one machine, so the
//! nodes share their cores with the members.
//!
//! `failover [--rounds 10] [--rooms 1000] [--members 6] [--pause]`

#![expect(clippy::print_stdout, reason = "figures for people")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::stream::SplitSink;
use futures_util::{SinkExt as _, StreamExt as _, stream};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use videorooms_tests::{ClusterProcesses, DEADLINE, http};

/// Requests and joins under way at once while a round is set up.
const AT_ONCE: usize = 64;
/// Before something is said again that was refused.
const AGAIN: Duration = Duration::from_millis(10);

struct Options {
    rounds: usize,
    rooms: usize,
    members: usize,
    pause: bool,
}

/// Times since the owner's end, in milliseconds.
#[derive(Default)]
struct Times {
    moving: Vec<f64>,
    resumed: Vec<f64>,
    accepted: Vec<f64>,
    refused: usize,
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Someone in a room.
struct Member {
    topic: String,
    socket: Socket,
}

#[tokio::main]
async fn main() {
    let options = options();
    let mut all = Times::default();
    for round in 1..=options.rounds {
        let times = run(&options).await;
        println!("round {round}: accepted {}", shown(&times.accepted));
        all.moving.extend(times.moving);
        all.resumed.extend(times.resumed);
        all.accepted.extend(times.accepted);
        all.refused += times.refused;
    }
    let what = if options.pause { "pauses" } else { "kills" };
    println!(
        "{} {what} of a node with {} rooms of {}, ms since then:",
        options.rounds, options.rooms, options.members
    );
    println!("  told that the room moves   {}", shown(&all.moving));
    println!("  told that it has resumed   {}", shown(&all.resumed));
    println!("  durable command taken      {}", shown(&all.accepted));
    println!("  refused and said again     {}", all.refused);
}

fn options() -> Options {
    let mut options = Options {
        rounds: 10,
        rooms: 1000,
        members: 6,
        pause: false,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let mut number = || {
            arguments
                .next()
                .and_then(|text| text.parse().ok())
                .expect("a number")
        };
        match name.as_str() {
            "--rounds" => options.rounds = number(),
            "--rooms" => options.rooms = number(),
            "--members" => options.members = number(),
            "--pause" => options.pause = true,
            _ => panic!("{name} is not known"),
        }
    }
    options
}

async fn run(options: &Options) -> Times {
    let mut nodes = ClusterProcesses::prepare(&["a", "b", "c"]).await;
    nodes.start_node("a").await;
    let owner = nodes.node("a").address.clone();
    let rooms: Vec<String> = stream::iter(0..options.rooms)
        .map(|_| create(&owner))
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let first = join(&owner, &rooms, 1).await;
    for name in ["b", "c"] {
        nodes.start_node(name).await;
    }
    nodes.until_linked().await;
    let others = [nodes.node("b").address.clone(), nodes.node("c").address.clone()];
    let mut members = Vec::new();
    for seat in 0..options.members {
        members.extend(join(&others[seat % 2], &rooms, 1).await);
    }
    // Those kept the rooms in the owner's memory until the others were there.
    drop(first);

    let times = Arc::new(Mutex::new(Times::default()));
    let (done, mut all_done) = mpsc::channel::<()>(1);
    let node = nodes.take("a");
    let since = if options.pause {
        let since = Instant::now();
        node.pause();
        since
    } else {
        node.kill_now();
        Instant::now()
    };
    // Their sockets stay open until the round is over, and no longer.
    let mut watching = JoinSet::new();
    for (at, member) in members.into_iter().enumerate() {
        let says = at < options.rooms;
        watching.spawn(watch(member, since, says, Arc::clone(&times), done.clone()));
    }
    drop(done);
    let _ = timeout(DEADLINE, all_done.recv()).await;
    watching.shutdown().await;
    drop(node);
    std::mem::take(&mut *times.lock())
}

async fn create(address: &str) -> String {
    let made: Value = http()
        .post(format!("http://{address}/api/rooms"))
        .json(&json!({}))
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    made["id"].as_str().expect("an id").to_owned()
}

/// So many members more in each room, at this node.
async fn join(address: &str, rooms: &[String], each: usize) -> Vec<Member> {
    stream::iter(rooms.iter().flat_map(|room| std::iter::repeat_n(room, each)))
        .map(|room| come_in(address, room))
        .buffer_unordered(AT_ONCE)
        .collect()
        .await
}

async fn come_in(address: &str, room: &str) -> Member {
    let answer: Value = http()
        .post(format!("http://{address}/api/rooms/{room}/join"))
        .json(&json!({ "name": "Someone" }))
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    let url = format!("ws://{address}/ws/websocket?vsn=2.0.0");
    let (mut socket, _) = connect_async(url).await.expect("the upgrade");
    let topic = format!("room:{room}");
    let payload = json!({ "token": answer["token"] });
    let frame = json!(["1", "1", topic, "phx_join", payload]).to_string();
    socket.send(Message::text(frame)).await.expect("it is open");
    loop {
        let frame = frame_of(socket.next().await);
        if frame[3] == "phx_reply" && frame[1] == "1" {
            assert_eq!(frame[4]["status"], "ok", "{frame}");
            return Member { topic, socket };
        }
    }
}

fn frame_of(message: Option<Result<Message, tokio_tungstenite::tungstenite::Error>>) -> Value {
    match message.expect("the socket is open").expect("a whole message") {
        Message::Text(text) => serde_json::from_str(&text).expect("a frame is JSON"),
        Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_) => {
            Value::Null
        }
    }
}

/// Notes what a member hears; one that `says` something goes on until that was acknowledged.
async fn watch(member: Member, since: Instant, says: bool, times: Arc<Mutex<Times>>, done: mpsc::Sender<()>) {
    let Member { topic, socket } = member;
    let (mut to, mut from) = socket.split();
    let ms = || since.elapsed().as_secs_f64() * 1000.0;
    if says {
        say(&mut to, &topic).await;
    }
    let (mut is_accepted, mut is_resumed) = (!says, false);
    while !(is_accepted && is_resumed) {
        let Ok(message) = timeout(DEADLINE, from.next()).await else {
            break;
        };
        let frame = frame_of(message);
        match frame[3].as_str() {
            Some("room_moving") => times.lock().moving.push(ms()),
            Some("room_resumed") => {
                is_resumed = true;
                times.lock().resumed.push(ms());
            }
            Some("phx_reply") if frame[1] == "2" && frame[4]["status"] == "ok" => {
                is_accepted = true;
                times.lock().accepted.push(ms());
            }
            Some("phx_reply") if frame[1] == "2" => {
                times.lock().refused += 1;
                tokio::time::sleep(AGAIN).await;
                say(&mut to, &topic).await;
            }
            Some(_) | None => {}
        }
    }
    drop(done);
    std::future::pending().await
}

async fn say(to: &mut SplitSink<Socket, Message>, topic: &str) {
    let line = json!({ "id": "after", "text": "after" });
    let frame = json!(["1", "2", topic, "chat_send", line]).to_string();
    to.send(Message::text(frame)).await.expect("the socket is open");
}

fn shown(times: &[f64]) -> String {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let place = (share * sorted.len() as f64).ceil() as usize;
        sorted.get(place.saturating_sub(1)).copied().unwrap_or(f64::NAN)
    };
    format!(
        "p50 {:.0}  p90 {:.0}  p99 {:.0}  max {:.0}  of {}",
        at(0.5),
        at(0.9),
        at(0.99),
        at(1.0),
        sorted.len()
    )
}
