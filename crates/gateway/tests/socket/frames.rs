//! Frames as such: refs, arity, sizes, and what ends a socket.

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::support::House;

/// As Phoenix ends a socket on a frame that it crashes on.
const MALFORMED: u16 = 1011;
const TOO_LARGE: u16 = 1009;
const KIB: usize = 1 << 10;

#[tokio::test]
async fn a_heartbeat_is_answered_with_exactly_its_ref() {
    let house = House::open().await;
    let mut socket = house.socket().await;
    for r#ref in [json!("7"), json!("007"), json!("a ref"), json!(12), Value::Null] {
        socket.say(json!([null, r#ref, "phoenix", "heartbeat", {}])).await;
        let expected = json!([null, r#ref, "phoenix", "phx_reply", {"status": "ok", "response": {}}]);
        assert_eq!(socket.frame().await, expected);
    }
}

#[tokio::test]
async fn refs_of_a_channel_are_echoed_with_their_type() {
    let house = House::open().await;
    let room = house.room().await;
    for (join_ref, r#ref) in [
        (json!("1"), json!("1")),
        (json!(3), json!(4)),
        (json!("x"), Value::Null),
    ] {
        let mut socket = house.socket().await;
        let payload = json!({"token": room.token});
        socket
            .say(json!([join_ref, r#ref, room.topic(), "phx_join", payload]))
            .await;
        let reply = socket.until("the reply", |frame| frame[3] == "phx_reply").await;
        assert_eq!((&reply[0], &reply[1]), (&join_ref, &r#ref));
        assert_eq!(reply.as_array().unwrap().len(), 5);
        let presence = socket
            .until("presence", |frame| frame[3] == "presence_state")
            .await;
        assert_eq!((&presence[0], &presence[1]), (&join_ref, &Value::Null));
    }
}

#[tokio::test]
async fn a_join_without_join_ref_goes_by_its_ref() {
    let house = House::open().await;
    let room = house.room().await;
    let mut socket = house.socket().await;
    let reply = socket
        .ask(
            Value::Null,
            &room.topic(),
            "phx_join",
            json!({"token": room.token}),
        )
        .await;
    assert_eq!((&reply[0], &reply[1]), (&json!("1"), &json!("1")));
}

#[tokio::test]
async fn the_reply_to_a_push_without_join_ref_carries_the_channels() {
    let house = House::open().await;
    let room = house.room().await;
    let mut host = house.host(&room).await;
    let reply = host
        .ask(Value::Null, &room.topic(), "chat_send", json!({"text": "hi"}))
        .await;
    assert_eq!(
        (&reply[0], &reply[4]["status"]),
        (&host.join_ref.clone(), &json!("ok"))
    );
}

#[tokio::test]
async fn a_topic_that_is_unknown_or_not_joined_is_unmatched_and_has_no_join_ref() {
    let house = House::open().await;
    let room = house.room().await;
    let mut socket = house.socket().await;
    for (topic, event) in [
        ("lobby:1", "phx_join"),
        ("room:", "phx_join"),
        ("phoenix", "phx_join"),
        ("phoenix", "dance"),
        ("lobby:1", "dance"),
        (&room.topic(), "chat_send"),
    ] {
        let reply = socket.ask(json!("9"), topic, event, json!({})).await;
        assert_eq!(reply[0], Value::Null, "{topic} {event}");
        assert_eq!(reply[2], topic);
        assert_eq!(reply[4]["status"], "error");
        assert_eq!(reply[4]["response"]["reason"], "unmatched topic");
    }
}

#[tokio::test]
async fn what_is_no_frame_ends_the_socket_with_1011() {
    let house = House::open().await;
    for text in [
        "",
        "hello",
        "{}",
        r#"[null,"1","phoenix","heartbeat"]"#,
        r#"[null,"1","phoenix","heartbeat",{}"#,
        r#"[null,"1",null,"heartbeat",{}]"#,
        r#"[{},"1","phoenix","heartbeat",{}]"#,
        r#"[null,-1,"phoenix","heartbeat",{}]"#,
        r#"{"topic":"phoenix","event":"heartbeat","payload":{},"ref":"1"}"#,
    ] {
        let mut socket = house.socket().await;
        socket.send(Message::text(text)).await;
        assert_eq!(socket.closed().await, MALFORMED, "{text}");
    }
}

#[tokio::test]
async fn a_payload_that_is_no_object_ends_the_socket_with_1011() {
    let house = House::open().await;
    for payload in [json!([]), json!("x"), json!(1), Value::Null] {
        let mut socket = house.socket().await;
        socket
            .say(json!([null, "1", "phoenix", "heartbeat", payload]))
            .await;
        assert_eq!(socket.closed().await, MALFORMED, "{payload}");
    }
}

#[tokio::test]
async fn more_than_five_elements_are_ignored() {
    let house = House::open().await;
    let mut socket = house.socket().await;
    socket
        .say(json!([null, "1", "phoenix", "heartbeat", {}, {"more": [1]}, null]))
        .await;
    let reply = socket.frame().await;
    assert_eq!((&reply[1], reply.as_array().unwrap().len()), (&json!("1"), 5));
}

/// A client's binary push.
fn binary(kind: u8, join_ref: &str, r#ref: &str, topic: &str, data: &[u8]) -> Message {
    let event = "bytes";
    let fields = [join_ref, r#ref, topic, event];
    let mut frame = vec![kind];
    frame.extend(fields.iter().map(|field| field.len() as u8));
    fields
        .iter()
        .for_each(|field| frame.extend_from_slice(field.as_bytes()));
    frame.extend_from_slice(data);
    Message::binary(frame)
}

#[tokio::test]
async fn a_binary_push_is_refused_with_a_reason_and_the_socket_lives_on() {
    let house = House::open().await;
    let room = house.room().await;
    let mut host = house.host(&room).await;
    let join_ref = host.join_ref.as_str().unwrap().to_owned();
    for (given, expected) in [(join_ref.as_str(), &join_ref), ("", &join_ref)] {
        host.send(binary(0, given, "70", &room.topic(), &[0, 1, 0xff]))
            .await;
        let reply = host.until("the refusal", |frame| frame[1] == "70").await;
        assert_eq!((&reply[0], &reply[3]), (&json!(expected), &json!("phx_reply")));
        assert_eq!(reply[4]["response"]["reason"], "unsupported");
    }
    host.send(binary(0, "stale", "71", &room.topic(), &[])).await;
    host.send(binary(0, "", "72", "room:other", &[])).await;
    let reply = host.until("the second refusal", |frame| frame[1] == "72").await;
    assert_eq!(
        (&reply[0], &reply[4]["response"]["reason"]),
        (&Value::Null, &json!("unmatched topic"))
    );
    assert!(host.so_far().await.iter().all(|frame| frame[1] != "71"));
}

#[tokio::test]
async fn a_binary_frame_of_any_other_kind_or_cut_short_ends_the_socket_with_1011() {
    let house = House::open().await;
    let frames = [
        binary(1, "1", "2", "room:x", &[]),
        binary(2, "1", "2", "room:x", &[]),
        binary(0xff, "1", "2", "room:x", &[]),
        Message::binary(Vec::new()),
        Message::binary(vec![0, 9, 9]),
        Message::binary(vec![0, 1, 0, 0, 0, 0xff]),
    ];
    for frame in frames {
        let mut socket = house.socket().await;
        socket.send(frame.clone()).await;
        assert_eq!(socket.closed().await, MALFORMED, "{frame:?}");
    }
}

/// A frame of exactly so many bytes.
fn sized(topic: &str, event: &str, bytes: usize) -> Message {
    let bare = json!([null, "90", topic, event, {"text": ""}]).to_string();
    let text = "x".repeat(bytes - bare.len());
    Message::text(json!([null, "90", topic, event, {"text": text}]).to_string())
}

#[tokio::test]
async fn a_frame_of_64_kib_is_read_and_a_longer_one_ends_the_socket_with_1009() {
    let house = House::open().await;
    let room = house.room().await;
    let mut host = house.host(&room).await;
    host.send(sized(&room.topic(), "chat_send", 64 * KIB)).await;
    let reply = host.until("a reply", |frame| frame[1] == "90").await;
    assert_eq!(
        reply[4]["response"]["reason"], "invalid",
        "read, and too long for a line of chat"
    );
    host.send(sized(&room.topic(), "chat_send", 64 * KIB + 1)).await;
    assert_eq!(host.closed().await, TOO_LARGE);
}

#[tokio::test]
async fn a_binary_frame_of_more_than_64_kib_ends_the_socket_with_1009() {
    let house = House::open().await;
    let mut socket = house.socket().await;
    let header = 5 + "70".len() + "room:x".len() + "bytes".len();
    socket
        .send(binary(0, "", "70", "room:x", &vec![0; 64 * KIB - header]))
        .await;
    let reply = socket.until("a reply", |frame| frame[1] == "70").await;
    assert_eq!(reply[4]["response"]["reason"], "unmatched topic");
    socket
        .send(binary(0, "", "70", "room:x", &vec![0; 64 * KIB - header + 1]))
        .await;
    assert_eq!(socket.closed().await, TOO_LARGE);
}

#[tokio::test]
async fn signalling_may_be_512_kib_long_and_no_longer() {
    let house = House::open().await;
    let room = house.room().await;
    let topic = format!("sfu:{}", room.id);
    let mut host = house.host(&room).await;
    let token = host.joined["media"]["token"].clone();
    let reply = host.join(&topic, json!({ "token": token })).await;
    assert_eq!(reply[4]["status"], "ok", "{reply}");
    host.send(sized(&topic, "dance", 512 * KIB)).await;
    let reply = host.until("a reply", |frame| frame[1] == "90").await;
    assert_eq!(reply[4]["response"]["reason"], "unsupported");
    host.send(sized(&topic, "dance", 512 * KIB + 1)).await;
    assert_eq!(host.closed().await, TOO_LARGE);
}

#[tokio::test]
async fn a_socket_that_is_flooded_is_still_told_why_it_ends() {
    let house = House::open().await;
    let mut socket = house.socket().await;
    socket.send(sized("phoenix", "heartbeat", 2048 * KIB)).await;
    assert_eq!(socket.closed().await, TOO_LARGE);
}
