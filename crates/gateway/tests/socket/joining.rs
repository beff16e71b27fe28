//! Joining a room: by which proof, twice, too often, and what is stale.

use std::time::{SystemTime, UNIX_EPOCH};

use hkdf::Hkdf;
use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};
use sha2::Sha256;
use videorooms_store::Fault;

use crate::support::{BASE, House, Room};

fn reason(reply: &Value) -> &str {
    assert_eq!(reply[4]["status"], "error", "{reply}");
    reply[4]["response"]["reason"].as_str().unwrap()
}

#[tokio::test]
async fn a_join_answers_who_one_is_and_the_whole_room() {
    let house = House::open().await;
    let room = house.create(json!({"name": "Tea"})).await;
    let host = house.host(&room).await;
    let joined = &host.joined;
    assert_eq!(joined["participant_id"], room.host);
    assert_eq!(joined["node"], "a");
    assert_eq!(joined["media"]["provider"], "fake");
    assert!(joined["epoch"].is_u64() && joined["seq"].is_u64());
    let secret = host.resume().split_once('.').unwrap();
    assert_eq!((secret.0, secret.1.len()), (room.host.as_str(), 43));
    let snapshot = &joined["snapshot"];
    assert_eq!(snapshot["room"]["id"], room.id);
    assert_eq!(snapshot["room"]["name"], "Tea");
    assert_eq!(snapshot["members"][0]["participant_id"], room.host);
    assert_eq!(snapshot["members"][0]["role"], "host");
    assert_eq!(snapshot["members"][0]["state"], "connected");
    for list in ["hands", "chat", "lobby", "banned"] {
        assert_eq!(snapshot[list], json!([]), "{list}");
    }
}

/// A join token that the house has signed itself, long ago.
#[expect(clippy::disallowed_methods, reason = "a token's expiry is wall time")]
fn expired(room: &Room) -> String {
    let mut key = [0; 32];
    Hkdf::<Sha256>::new(None, BASE)
        .expand(b"videorooms join token v1", &mut key)
        .unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let sign = |exp: u64| {
        let claims = json!({
            "aud": "videorooms:join", "exp": exp, "room": room.id, "sub": room.host, "role": "host", "name": "Ada",
        });
        jsonwebtoken::encode(&Header::default(), &claims, &EncodingKey::from_secret(&key)).unwrap()
    };
    assert_eq!(sign(now + 60).split('.').count(), 3);
    sign(now - 60)
}

#[tokio::test]
async fn whoever_has_no_good_proof_is_unauthorized() {
    let house = House::open().await;
    let (room, other) = (house.room().await, house.room().await);
    let secret = house.host(&other).await.resume().to_owned();
    let operator = house.keys.operator_token(videorooms_gateway::auth::JOIN_TTL);
    let mut socket = house.socket().await;
    for payload in [
        json!({}),
        json!({"token": ""}),
        json!({"token": "nonsense"}),
        json!({"token": other.token}),
        json!({"token": expired(&room)}),
        json!({"token": operator}),
        json!({"token": room.token.replace('.', "")}),
        json!({"resume": "nonsense"}),
        json!({"resume": room.token}),
        json!({"token": secret}),
    ] {
        let reply = socket.join(&room.topic(), payload.clone()).await;
        assert_eq!(reason(&reply), "unauthorized", "{payload}");
    }
}

#[tokio::test]
async fn another_ones_secret_or_a_strangers_opens_nothing() {
    let house = House::open().await;
    let room = house.room().await;
    let secret = house.host(&room).await.resume().to_owned();
    let guest = house.guest(&room, "Bob").await;
    let (_, hers) = secret.split_once('.').unwrap();
    let forged = format!("{}.{hers}", guest.id());
    let mut socket = house.socket().await;
    let reply = socket.join(&room.topic(), json!({ "resume": forged })).await;
    assert_eq!(reason(&reply), "unauthorized");
    let strangers = format!("0000000000001.{hers}");
    let reply = socket.join(&room.topic(), json!({ "resume": strangers })).await;
    assert_eq!(reason(&reply), "not_joined");
}

#[tokio::test]
async fn a_payload_of_the_wrong_shape_is_invalid_and_a_room_that_is_none_not_found() {
    let house = House::open().await;
    let room = house.room().await;
    let mut socket = house.socket().await;
    let reply = socket.join(&room.topic(), json!({"token": 7})).await;
    assert_eq!(reason(&reply), "invalid");
    let reply = socket
        .join(&room.topic(), json!({"token": room.token, "since": {"seq": "x"}}))
        .await;
    assert_eq!(reason(&reply), "invalid");
    let reply = socket.join("room:nonsense", json!({"token": room.token})).await;
    assert_eq!(reason(&reply), "not_found");
}

#[tokio::test]
async fn a_second_join_is_answered_before_the_first_channel_is_closed_under_its_own_ref() {
    let house = House::open().await;
    let room = house.room().await;
    let mut host = house.host(&room).await;
    host.so_far().await;
    let payload = json!({"token": room.token});
    host.say(json!(["50", "50", room.topic(), "phx_join", payload]))
        .await;
    let close = host.until("the close", |frame| frame[3] == "phx_close").await;
    assert_eq!(
        close,
        json!([host.join_ref, host.join_ref, room.topic(), "phx_close", {}])
    );
    let before = host.so_far().await;
    let at = |event: &str| {
        before
            .iter()
            .position(|frame| frame[3] == event && frame[0] == "50")
            .unwrap()
    };
    assert!(
        at("phx_reply") < at("presence_state"),
        "what came before the close: {before:#?}"
    );
}

#[tokio::test]
async fn after_a_second_join_one_channel_lives_and_hears_everything_once() {
    let house = House::open().await;
    let room = house.room().await;
    let mut host = house.host(&room).await;
    let mut guest = house.guest(&room, "Bob").await;
    let reply = host.join(&room.topic(), json!({"token": room.token})).await;
    assert_eq!(reply[4]["status"], "ok");
    let stale = std::mem::replace(&mut host.join_ref, reply[0].clone());
    host.until("the close", |frame| frame[3] == "phx_close").await;
    host.room_so_far().await;
    guest.done("data", json!({"n": 1})).await;
    guest.done("chat_send", json!({"text": "once"})).await;
    host.hears("chat_message").await;
    let heard = host.room_so_far().await;
    let heard = |event: &str| heard.iter().filter(|frame| frame[3] == event).count();
    assert_eq!((heard("data"), heard("chat_message")), (1, 0));
    host.say(json!([stale, "60", room.topic(), "chat_send", {"text": "stale"}]))
        .await;
    assert!(host.room_so_far().await.iter().all(|frame| frame[1] != "60"));
    assert!(
        guest
            .room_so_far()
            .await
            .iter()
            .all(|frame| frame[4]["text"] != "stale")
    );
    assert!(
        guest
            .room_so_far()
            .await
            .iter()
            .all(|frame| frame[3] != "connection_changed"),
        "nobody saw the host vanish"
    );
}

#[tokio::test]
async fn a_second_join_that_is_refused_closes_the_first_channel_too() {
    let house = House::open().await;
    let room = house.room().await;
    let mut host = house.host(&room).await;
    let reply = host.join(&room.topic(), json!({"token": "nonsense"})).await;
    assert_eq!(reason(&reply), "unauthorized");
    let close = host.until("the close", |frame| frame[3] == "phx_close").await;
    assert_eq!(close[0], host.join_ref);
    let reply = host.ask(Value::Null, &room.topic(), "snapshot", json!({})).await;
    assert_eq!(reason(&reply), "unmatched topic");
}

#[tokio::test]
async fn a_message_with_a_stale_join_ref_is_ignored_and_one_without_is_for_the_channel() {
    let house = House::open().await;
    let room = house.room().await;
    let mut host = house.host(&room).await;
    let stale = json!(["0", "70", room.topic(), "chat_send", {"text": "stale"}]);
    host.say(stale).await;
    let present = json!([null, "71", room.topic(), "chat_send", {"text": "present"}]);
    host.say(present).await;
    host.until("the reply", |frame| frame[1] == "71").await;
    let snapshot = host.done("snapshot", json!({})).await;
    let chat = snapshot["snapshot"]["chat"].as_array().unwrap();
    assert_eq!(chat.len(), 1);
    assert_eq!(chat[0]["text"], "present");
    assert!(host.so_far().await.iter().all(|frame| frame[1] != "70"));
}

#[tokio::test]
async fn a_socket_has_no_more_channels_than_it_may() {
    let house = House::with(|config| config.socket.max_channels = 2).await;
    let rooms = [house.room().await, house.room().await, house.room().await];
    let mut socket = house.socket().await;
    for room in &rooms[..2] {
        let reply = socket.join(&room.topic(), json!({"token": room.token})).await;
        assert_eq!(reply[4]["status"], "ok");
    }
    let reply = socket
        .join(&rooms[2].topic(), json!({"token": rooms[2].token}))
        .await;
    assert_eq!(reason(&reply), "too many channels joined");
    let again = socket
        .join(&rooms[0].topic(), json!({"token": rooms[0].token}))
        .await;
    assert_eq!(again[4]["status"], "ok", "a channel that is there is replaced");
    socket
        .ask(Value::Null, &rooms[1].topic(), "phx_leave", json!({}))
        .await;
    let reply = socket
        .join(&rooms[2].topic(), json!({"token": rooms[2].token}))
        .await;
    assert_eq!(reply[4]["status"], "ok", "one that was left makes room");
}

#[tokio::test]
async fn what_is_pushed_before_the_join_is_answered_waits_for_it() {
    let house = House::open().await;
    let room = house.room().await;
    let mut socket = house.socket().await;
    house.faults.script([Fault::Hold]);
    let token = json!({"token": room.token});
    socket
        .say(json!(["1", "1", room.topic(), "phx_join", token]))
        .await;
    for r#ref in 2..=40 {
        socket
            .say(json!(["1", r#ref.to_string(), room.topic(), "media", {"microphone": true, "camera": false, "screen": false}]))
            .await;
    }
    house.faults.held(1).await;
    let early = socket.so_far().await;
    assert!(!early.is_empty() && early.iter().all(|frame| reason(frame) == "rate_limited"));
    house.faults.release();
    let refs = 2..=40 - early.len();
    let reply = socket.until("the join's reply", |frame| frame[1] == "1").await;
    assert_eq!(reply[4]["status"], "ok");
    for r#ref in refs.map(|n| json!(n.to_string())) {
        let reply = socket.until("a reply", |frame| frame[1] == r#ref).await;
        assert_eq!(reply[4]["status"], "ok");
    }
}

#[tokio::test]
async fn what_waited_for_a_join_that_is_refused_late_is_answered_on_its_topic() {
    let house = House::open().await;
    let room = house.room().await;
    let token = house.token(&room, json!({"name": "Bob"})).await;
    let mut host = house.host(&room).await;
    host.done("chat_send", json!({"text": "first"})).await;
    house.faults.script([Fault::Hold]);
    host.say(json!([null, "90", room.topic(), "settings", {"locked": true}]))
        .await;
    house.faults.held(1).await;
    let mut socket = house.socket().await;
    for (join_ref, r#ref, event) in [
        ("1", "1", "phx_join"),
        ("1", "2", "chat_send"),
        ("1", "3", "phx_leave"),
        ("4", "4", "phx_join"),
    ] {
        let payload = json!({"token": token});
        socket
            .say(json!([join_ref, r#ref, room.topic(), event, payload]))
            .await;
    }
    assert_eq!(
        socket.so_far().await,
        [Value::Null; 0],
        "all wait for the first join"
    );
    house.faults.release();
    let mut replies = Vec::new();
    for r#ref in ["1", "2", "3", "4"] {
        let reply = socket.until("a reply", |frame| frame[1] == r#ref).await;
        assert_eq!(reply[2], room.topic(), "{reply}");
        replies.push(reply);
    }
    assert_eq!([reason(&replies[0]), reason(&replies[3])], ["locked"; 2]);
    assert_eq!(reason(&replies[1]), "unmatched topic");
    assert_eq!(
        (&replies[2][0], &replies[2][4]["status"]),
        (&json!("1"), &json!("ok"))
    );
}

#[tokio::test]
async fn what_is_said_while_one_joins_again_is_heard_once() {
    let house = House::open().await;
    let room = house.room().await;
    let mut host = house.host(&room).await;
    let mut guest = house.guest(&room, "Bob").await;
    host.room_so_far().await;
    guest.room_so_far().await;
    house.faults.script([Fault::Hold]);
    host.say(json!(["50", "50", room.topic(), "phx_join", {"token": room.token}]))
        .await;
    house.faults.held(1).await;
    guest.done("data", json!({"n": 1})).await;
    house.faults.release();
    let reply = host
        .until("the answer", |frame| frame[1] == "50" && frame[3] == "phx_reply")
        .await;
    assert_eq!(reply[4]["status"], "ok", "{reply}");
    host.join_ref = json!("50");
    guest.done("data", json!({"n": 2})).await;
    let heard = host.room_so_far().await;
    let data: Vec<_> = heard.iter().filter(|frame| frame[3] == "data").collect();
    let numbers: Vec<_> = data.iter().map(|frame| frame[4]["data"]["n"].clone()).collect();
    assert_eq!(numbers, [1, 2]);
}
