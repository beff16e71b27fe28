//! Clients that take nothing.

use serde_json::json;
use videorooms_gateway::metrics::DROPPED;
use videorooms_store::Fault;

use crate::support::{Counters, House, within};

const RESTART: u16 = 1012;

#[tokio::test]
async fn a_slow_client_loses_passing_frames_first_and_then_its_socket() {
    let counters = Counters::new();
    let _counting = counters.count();
    let house = House::with(|config| {
        config.socket.outbox_frames = 16;
        config.socket.ping_after = std::time::Duration::from_secs(60);
    })
    .await;
    let room = house.room().await;
    let mut host = house.host(&room).await;
    let mut guest = house.guest(&room, "Bob").await;
    guest.room_so_far().await;
    let data = json!({"x": "y".repeat(16_000)});
    let mut sent = 0;
    let dropping = async {
        while counters.value(DROPPED) == 0.0 {
            host.done("data", data.clone()).await;
            host.hears("data").await;
            sent += 1;
        }
    };
    within("a frame to be dropped", dropping).await;
    assert_eq!(
        house.door.connections(),
        2,
        "what is lost in passing costs nobody the socket"
    );
    for n in 0..20 {
        host.done("chat_send", json!({"text": n.to_string()})).await;
    }
    assert_eq!(guest.closed().await, RESTART);
    let heard = guest.heard();
    let passed = heard.iter().filter(|frame| frame[3] == "data").count();
    assert!(passed < sent, "{passed} of {sent}");
    let seqs: Vec<_> = heard
        .iter()
        .filter(|frame| frame[3] == "chat_message")
        .map(|frame| frame[4]["text"].as_str().unwrap().parse::<usize>().unwrap())
        .collect();
    assert_eq!(seqs, (0..seqs.len()).collect::<Vec<_>>(), "no gap goes unseen");
    assert!(seqs.len() < 20);
    assert_eq!(
        counters.value(r#"videorooms_gateway_sockets_closed_total{why="slow"}"#),
        1.0
    );
    host.done("chat_send", json!({"text": "and on"})).await;
}

#[tokio::test]
async fn a_client_that_takes_nothing_for_the_deadline_is_closed() {
    let house = House::with(|config| {
        config.socket.write_deadline = std::time::Duration::from_millis(200);
        config.socket.ping_after = std::time::Duration::from_secs(60);
    })
    .await;
    let room = house.room().await;
    let mut host = house.host(&room).await;
    let mut guest = house.guest(&room, "Bob").await;
    let data = json!({"x": "y".repeat(16_000)});
    let filling = async {
        while !host.has_heard("connection_changed") {
            host.done("data", data.clone()).await;
        }
    };
    within("the slow one to be sent away", filling).await;
    let changed = host.hears("connection_changed").await;
    let state = json!({"participant_id": guest.id(), "state": "reconnecting"});
    assert_eq!(changed, state);
    assert_eq!(guest.closed().await, RESTART);
}

#[tokio::test]
async fn what_waits_behind_a_slow_answer_is_bounded_and_answered_in_order() {
    const MANY: usize = 600;
    let house = House::open().await;
    let room = house.room().await;
    let mut host = house.host(&room).await;
    host.done("chat_send", json!({"text": "first"})).await;
    house.faults.script([Fault::Hold]);
    host.say(json!([null, "slow", room.topic(), "chat_send", {"text": "slow"}]))
        .await;
    house.faults.held(1).await;
    for n in 0..MANY {
        host.say(json!([null, format!("r{n}"), room.topic(), "dance", {}]))
            .await;
    }
    // The house has as much time to read on as another one's questions take.
    let mut guest = house.socket().await;
    for _ in 0..MANY {
        guest.so_far().await;
    }
    house.faults.release();
    let mut refs = Vec::new();
    while refs.len() <= MANY {
        let frame = host.frame().await;
        if frame[3] == "phx_reply" {
            refs.push(frame[1].as_str().unwrap().to_owned());
        }
    }
    let asked = (0..MANY).map(|n| format!("r{n}"));
    let asked: Vec<_> = std::iter::once("slow".to_owned()).chain(asked).collect();
    assert_eq!(refs, asked);
}
