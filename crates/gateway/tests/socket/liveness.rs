//! Heartbeats, silence, and what dies behind a socket without its client noticing more than a pause.

use std::time::Duration;

use serde_json::{Value, json};
use videorooms_store::Fault;

use crate::support::{House, Member};

const GOING_AWAY: u16 = 1001;
const PROTOCOL_ERROR: u16 = 1002;
const RESTART: u16 = 1012;

#[tokio::test]
async fn heartbeats_are_answered_while_a_room_is_slow() {
    let house = House::open().await;
    let room = house.room().await;
    let mut host = house.host(&room).await;
    host.room_so_far().await;
    house.faults.script([Fault::Hold]);
    host.say(json!([null, "90", room.topic(), "chat_send", {"text": "slow"}]))
        .await;
    house.faults.held(1).await;
    let early = host.so_far().await;
    assert!(early.iter().all(|frame| frame[1] != "90"), "{early:#?}");
    house.faults.release();
    let reply = host.until("the reply", |frame| frame[1] == "90").await;
    assert_eq!(reply[4]["status"], "ok");
}

#[tokio::test]
async fn heartbeats_and_other_rooms_are_answered_while_a_join_is_slow() {
    let house = House::open().await;
    let (slow, quick) = (house.room().await, house.room().await);
    let mut host = house.host(&quick).await;
    // Its first members' commits are done.
    host.room_so_far().await;
    host.done("chat_send", json!({"text": "x"})).await;
    house.faults.script([Fault::Hold]);
    host.say(json!(["90", "90", slow.topic(), "phx_join", {"token": slow.token}]))
        .await;
    house.faults.held(1).await;
    host.done("chat_send", json!({"text": "meanwhile"})).await;
    let early = host.so_far().await;
    assert!(early.iter().all(|frame| frame[1] != "90"));
    house.faults.release();
    let reply = host.until("the reply", |frame| frame[1] == "90").await;
    assert_eq!(reply[4]["status"], "ok");
}

#[tokio::test]
async fn while_the_store_is_away_a_push_is_told_to_try_again() {
    let house = House::open().await;
    let room = house.room().await;
    let mut host = house.host(&room).await;
    host.room_so_far().await;
    host.done("chat_send", json!({"text": "before"})).await;
    house.faults.down("no disk");
    let topic = room.topic();
    host.say(json!([null, "90", topic, "chat_send", {"id": "a", "text": "during"}]))
        .await;
    let refused = loop {
        let refused = host.push("chat_send", json!({"text": "x"})).await;
        if refused["response"]["reason"] == "unavailable" {
            break refused;
        }
    };
    assert!(refused["response"]["retry_after_ms"].as_u64().unwrap() > 0);
    house.faults.up();
    while host.push("chat_send", json!({"id": "a", "text": "during"})).await["status"] != "ok" {}
    let snapshot = host.done("snapshot", json!({})).await;
    let chat = snapshot["snapshot"]["chat"].as_array().unwrap();
    assert_eq!(chat.iter().filter(|line| line["id"] == "a").count(), 1);
}

#[tokio::test]
async fn a_client_that_answers_pings_and_says_nothing_is_closed_with_1002() {
    let house = House::with(|config| {
        config.socket.ping_after = Duration::from_millis(50);
        config.socket.missed_pings = 1000;
        config.socket.idle = Duration::from_millis(300);
    })
    .await;
    let mut socket = house.socket().await;
    assert_eq!(socket.closed().await, PROTOCOL_ERROR);
}

#[tokio::test]
async fn a_client_that_misses_pings_is_gone_and_its_member_reconnecting() {
    let house = House::with(|config| {
        config.socket.ping_after = Duration::from_millis(150);
        config.socket.missed_pings = 2;
    })
    .await;
    let room = house.room().await;
    let mut host = house.host(&room).await;
    // It does not read any more, and so it answers no ping.
    let mut guest = house.guest(&room, "Bob").await;
    let started = std::time::Instant::now();
    let changed = host.hears("connection_changed").await;
    let state = json!({"participant_id": guest.id(), "state": "reconnecting"});
    assert_eq!(changed, state);
    assert!(started.elapsed() >= Duration::from_millis(300), "it had its time");
    assert_eq!(guest.closed().await, GOING_AWAY);
}

#[tokio::test]
async fn a_drain_closes_sockets_with_1012_and_refuses_new_ones() {
    let house = House::open().await;
    let room = house.room().await;
    let mut host = house.host(&room).await;
    let door = house.door.clone();
    let drain = tokio::spawn(async move { door.drain().await });
    assert_eq!(host.closed().await, RESTART);
    let refused = crate::support::Socket::open(house.address, &[])
        .await
        .err()
        .unwrap();
    let tokio_tungstenite::tungstenite::Error::Http(refused) = refused else {
        panic!("not refused: {refused}");
    };
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("retry-after"));
    let created = house.post("/api/rooms", &json!({})).send().await.unwrap();
    assert_eq!(created.status(), 503);
    drain.await.unwrap();
    assert_eq!(house.door.connections(), 0);
}

#[tokio::test]
async fn what_is_under_way_when_a_drain_begins_is_answered_before_the_goodbye() {
    let house = House::open().await;
    let room = house.room().await;
    let mut host = house.host(&room).await;
    host.room_so_far().await;
    house.faults.script([Fault::Hold]);
    host.say(json!([null, "90", room.topic(), "chat_send", {"text": "last words"}]))
        .await;
    house.faults.held(1).await;
    let door = house.door.clone();
    let drain = tokio::spawn(async move { door.drain().await });
    while !house.door.is_draining() {
        tokio::task::yield_now().await;
    }
    house.faults.release();
    let reply = host.until("the reply", |frame| frame[1] == "90").await;
    assert_eq!(reply[4]["status"], "ok");
    assert_eq!(host.closed().await, RESTART);
    drain.await.unwrap();
}

#[tokio::test]
async fn a_goodbye_comes_after_what_was_said_before() {
    let house = House::open().await;
    let room = house.room().await;
    let mut host = house.host(&room).await;
    host.room_so_far().await;
    host.done("chat_send", json!({"text": "last words"})).await;
    house.door.drain().await;
    assert_eq!(host.closed().await, RESTART);
    // The close frame has been read already: what is set aside is all there was.
    assert_eq!(host.hears("chat_message").await["text"], "last words");
}

#[tokio::test]
async fn a_gateway_that_is_killed_takes_no_socket_with_it_and_serves_again() {
    let mut house = House::open().await;
    let room = house.room().await;
    let mut host = house.host(&room).await;
    let mut guest = house.guest(&room, "Bob").await;
    for n in 0..3 {
        house.gateway.kill().await;
        host.done("chat_send", json!({"text": n.to_string()})).await;
        assert_eq!(guest.hears("chat_message").await["text"], n.to_string());
        let newcomer = house.guest(&room, "Eve").await;
        assert_eq!(
            guest.hears("member_joined").await["member"]["participant_id"],
            newcomer.id()
        );
    }
}

/// Every seq that a member heard, in order.
fn seqs(frames: &[Value]) -> Vec<u64> {
    frames
        .iter()
        .filter(|frame| frame[0] == Value::Null && frame[4]["at"].is_u64())
        .map(|frame| frame[4]["seq"].as_u64().unwrap())
        .collect()
}

fn without_a_gap(host: &Member, frames: &[Value]) {
    let seqs = seqs(frames);
    let first = host.joined["seq"].as_u64().unwrap() + 1;
    let expected: Vec<u64> = (first..first + seqs.len() as u64).collect();
    assert_eq!(seqs, expected);
}

#[tokio::test]
async fn a_room_that_dies_comes_back_behind_its_sockets_and_no_seq_is_missing() {
    let house = House::open().await;
    let room = house.room().await;
    let id = room.id.parse().unwrap();
    let mut host = house.host(&room).await;
    let mut guest = house.guest(&room, "Bob").await;
    for n in 0..3 {
        match n {
            1 => house.rooms.panic_room(id),
            _ => house.rooms.kill_room(id),
        }
        let text = n.to_string();
        host.done("chat_send", json!({"id": text, "text": text})).await;
        let resumed = guest
            .until("the return", |frame| frame[3] == "room_resumed")
            .await;
        assert_eq!(resumed[4]["node"], "a");
        guest
            .until("the line", |frame| {
                frame[3] == "chat_message" && frame[4]["id"] == text
            })
            .await;
        host.room_so_far().await;
    }
    guest.done("chat_send", json!({"text": "all well"})).await;
    host.hears("chat_message").await;
}

#[tokio::test]
async fn a_dying_room_says_no_more_than_that_it_moved() {
    let house = House::open().await;
    let room = house.room().await;
    let id = room.id.parse().unwrap();
    let mut host = house.host(&room).await;
    let mut guest = house.guest(&room, "Bob").await;
    for n in 0..10 {
        if n == 4 {
            house.rooms.kill_room(id);
        }
        guest.done("chat_send", json!({"text": n.to_string()})).await;
    }
    host.until("the return", |frame| frame[3] == "room_resumed").await;
    let heard = host.room_so_far().await;
    without_a_gap(&host, &heard);
    let known = [
        "chat_message",
        "hidden",
        "member_joined",
        "presence_diff",
        "presence_state",
        "room_moving",
        "connection_changed",
        "phx_reply",
    ];
    let unknown: Vec<_> = heard
        .iter()
        .filter(|frame| !known.contains(&frame[3].as_str().unwrap()))
        .collect();
    assert!(unknown.is_empty(), "{unknown:#?}");
    let lines = heard.iter().filter(|frame| frame[3] == "chat_message");
    let lines: Vec<_> = lines.map(|frame| frame[4]["text"].as_str().unwrap()).collect();
    assert_eq!(lines, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    let lost = heard
        .iter()
        .filter(|frame| frame[3] == "connection_changed" && frame[4]["state"] == "reconnecting");
    assert_eq!(lost.count(), 0, "nobody was taken for lost");
}
