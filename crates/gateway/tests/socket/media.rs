//! `sfu:<id>` and `debug:logs`: topics that hang on something else than a room.

use std::time::Duration;

use serde_json::{Value, json};
use videorooms_sfu::fake::Call;
use videorooms_sfu::{PeerId, SignalEvent, SpeakerLevels};

use crate::support::{House, Member, Room, Socket};

fn topic(room: &Room) -> String {
    format!("sfu:{}", room.id)
}

async fn signalling(member: &mut Member, room: &Room) -> Value {
    let token = member.joined["media"]["token"].clone();
    member.join(&topic(room), json!({ "token": token })).await
}

#[tokio::test]
async fn without_the_room_on_the_same_socket_there_is_no_signalling() {
    let house = House::open().await;
    let room = house.room().await;
    let host = house.host(&room).await;
    let token = host.joined["media"]["token"].clone();
    let mut other = house.socket().await;
    let reply = other.join(&topic(&room), json!({ "token": token })).await;
    assert_eq!(reply[4]["response"]["reason"], "not_joined");
    let reply = other.join("sfu:nonsense", json!({ "token": token })).await;
    assert_eq!(reply[4]["response"]["reason"], "not_found");
}

#[tokio::test]
async fn a_member_attaches_offers_and_hears_of_its_peer() {
    let house = House::open().await;
    let room = house.room().await;
    let mut host = house.host(&room).await;
    let reply = host.join(&topic(&room), json!({"token": "another"})).await;
    assert_eq!(reply[4]["response"]["reason"], "unauthorized");
    let reply = signalling(&mut host, &room).await;
    let joined = &reply[4]["response"];
    assert_eq!(joined["resumed"], false);
    assert_eq!(joined["ice_servers"], json!([]));
    assert_eq!(joined["slots"], json!({"audio": 8, "video": 8}));
    let peer = PeerId(joined["peer"].as_u64().unwrap());
    let offer = json!({"gen": 1, "sdp": "v=0\r\nm=audio", "tracks": [{"mid": "0", "source": "microphone"}]});
    let answer = host.ask(Value::Null, &topic(&room), "offer", offer).await;
    assert_eq!(answer[0], reply[0], "the channel's join_ref");
    assert_eq!(answer[4]["response"]["gen"], 1);
    for (event, payload) in [
        ("mute", json!({"source": "microphone", "muted": true})),
        ("keyframe", json!({"mid": "0"})),
    ] {
        let answer = host.ask(Value::Null, &topic(&room), event, payload).await;
        assert_eq!(answer[4], json!({"status": "ok", "response": {}}), "{event}");
    }
    for (event, reason) in [("dance", "unsupported"), ("offer", "invalid")] {
        let answer = host.ask(Value::Null, &topic(&room), event, json!({})).await;
        assert_eq!(answer[4]["response"]["reason"], reason);
    }
    let level = (room.host.parse().unwrap(), 7);
    assert!(
        house
            .media
            .emit(peer, SignalEvent::Speakers(SpeakerLevels::new(vec![level])))
    );
    let heard = host.until("speakers", |frame| frame[3] == "speakers").await;
    assert_eq!((&heard[0], &heard[1]), (&reply[0], &Value::Null));
    assert_eq!(
        heard[4],
        json!({"levels": [{"participant_id": room.host, "level": 7}]})
    );
}

#[tokio::test]
async fn the_media_server_is_told_at_which_address_a_client_came_in_unless_a_proxy_took_it() {
    let house = House::open().await;
    let room = house.room().await;
    let here = house.address.ip();
    for (headers, reached) in [(vec![], Some(here)), (vec![("x-forwarded-for", "9.9.9.9")], None)] {
        let socket = Socket::open(house.address, &headers).await.unwrap();
        let mut host = socket.enter(&room.topic(), json!({ "token": room.token })).await;
        signalling(&mut host, &room).await;
        let attach = Call::Attach(room.id.parse().unwrap(), room.host.parse().unwrap(), reached);
        assert!(house.media.calls().contains(&attach), "{reached:?}");
    }
}

#[tokio::test]
async fn signalling_ends_with_the_room_channel() {
    let house = House::open().await;
    let room = house.room().await;
    let mut host = house.host(&room).await;
    let reply = signalling(&mut host, &room).await;
    host.push("phx_leave", json!({})).await;
    let close = host
        .until("its close", |frame| {
            frame[2] == topic(&room) && frame[3] == "phx_close"
        })
        .await;
    assert_eq!(close[0], reply[0]);
    let reply = host.ask(Value::Null, &topic(&room), "leave", json!({})).await;
    assert_eq!(reply[4]["response"]["reason"], "unmatched topic");
}

#[tokio::test]
async fn signalling_ends_with_a_room_channel_that_is_not_joined_again() {
    let house = House::open().await;
    let room = house.room().await;
    let mut host = house.host(&room).await;
    let reply = signalling(&mut host, &room).await;
    let again = host.join(&room.topic(), json!({"token": "nonsense"})).await;
    assert_eq!(again[4]["response"]["reason"], "unauthorized");
    let close = host
        .until("its close", |frame| {
            frame[2] == topic(&room) && frame[3] == "phx_close"
        })
        .await;
    assert_eq!(close[0], reply[0]);
    let reply = host.ask(Value::Null, &topic(&room), "leave", json!({})).await;
    assert_eq!(reply[4]["response"]["reason"], "unmatched topic");
}

#[tokio::test]
async fn signalling_goes_on_when_its_member_joins_again_and_ends_when_another_does() {
    let house = House::open().await;
    let room = house.room().await;
    let token = house.token(&room, json!({"name": "Bob"})).await;
    let mut host = house.host(&room).await;
    signalling(&mut host, &room).await;
    host.join(&room.topic(), json!({"token": room.token})).await;
    let reply = host
        .ask(Value::Null, &topic(&room), "keyframe", json!({"mid": "0"}))
        .await;
    assert_eq!(reply[4]["status"], "ok", "{reply}");
    host.join(&room.topic(), json!({ "token": token })).await;
    let reply = host
        .ask(Value::Null, &topic(&room), "keyframe", json!({"mid": "0"}))
        .await;
    assert_eq!(reply[4]["response"]["reason"], "unmatched topic");
}

#[tokio::test]
async fn a_room_without_its_media_server_is_still_a_room() {
    let house = House::open().await;
    let room = house.room().await;
    house.media.set_down(Some("maintenance"));
    let mut host = house.host(&room).await;
    assert_eq!(host.joined["media"], Value::Null);
    host.done("chat_send", json!({"text": "can you hear me"})).await;
    let reply = host.join(&topic(&room), json!({"token": "x"})).await;
    assert_eq!(reply[4]["response"]["reason"], "unavailable");
    assert!(reply[4]["response"]["retry_after_ms"].is_u64());
    assert!(!reply.to_string().contains("maintenance"));
}

#[tokio::test]
async fn the_log_is_for_operators() {
    let house = House::open().await;
    let mut socket = house.socket().await;
    let token = house.room().await.token;
    for payload in [json!({}), json!({"token": "x"}), json!({ "token": token })] {
        let reply = socket.join("debug:logs", payload).await;
        assert_eq!(reply[4]["response"]["reason"], "unauthorized");
    }
    let operator = house.keys.operator_token(Duration::from_secs(60));
    let reply = socket.join("debug:logs", json!({ "token": operator })).await;
    assert_eq!(reply[4], json!({"status": "ok", "response": {}}));
    let record = json!({"records": [{"level": "info", "message": "hello"}]});
    let posted = house.post("/debug/api/logs", &record).send().await.unwrap();
    assert_eq!(posted.status(), 200);
    let logs = socket.until("the record", |frame| frame[3] == "logs").await;
    assert_eq!((&logs[0], &logs[1]), (&reply[0], &Value::Null));
    assert_eq!(logs[4]["records"][0]["message"], "hello");
    assert_eq!(logs[4]["dropped"], 0);
    let reply = socket.ask(Value::Null, "debug:logs", "clear", json!({})).await;
    assert_eq!(reply[4]["response"]["reason"], "unsupported");
}

#[tokio::test]
async fn whoever_follows_the_log_is_asked_again_when_its_token_has_expired() {
    let house = House::open().await;
    let mut socket = house.socket().await;
    let operator = house.keys.operator_token(Duration::from_secs(2));
    let reply = socket.join("debug:logs", json!({ "token": operator })).await;
    assert_eq!(reply[4]["status"], "ok");
    let over = socket.until("the end", |frame| frame[3] == "phx_error").await;
    assert_eq!((&over[0], &over[2]), (&reply[0], &json!("debug:logs")));
    let late = socket
        .ask(reply[0].clone(), "debug:logs", "clear", json!({}))
        .await;
    assert_eq!(late[4]["response"]["reason"], "unmatched topic");
}

#[tokio::test]
async fn an_open_log_is_open_at_this_machine_only() {
    let house = House::with(|config| config.open_logs = true).await;
    let mut socket = house.socket().await;
    let reply = socket.join("debug:logs", json!({})).await;
    assert_eq!(reply[4]["status"], "ok");
    for (name, value) in [("x-forwarded-for", "9.9.9.9"), ("host", "evil.example")] {
        let mut socket = Socket::open(house.address, &[(name, value)]).await.unwrap();
        let reply = socket.join("debug:logs", json!({})).await;
        assert_eq!(reply[4]["response"]["reason"], "unauthorized", "{name}");
    }
}
