//! How much one socket, one address, one member and one room may ask for.

use serde_json::{Value, json};

use crate::support::{Counters, House, only, plenty};

/// The reason of a refusal that says when to come again.
fn limited(reply: &Value) -> bool {
    let response = &reply[4]["response"];
    reply[4]["status"] == "error"
        && response["reason"] == "rate_limited"
        && response["retry_after_ms"].as_u64().is_some_and(|wait| wait > 0)
}

fn counted(counters: &Counters, of: &str) -> f64 {
    counters.value(&format!("videorooms_gateway_rate_limited_total{{of=\"{of}\"}}"))
}

#[tokio::test]
async fn frames_of_a_socket_have_a_rate_whatever_they_say() {
    let counters = Counters::new();
    let _counting = counters.count();
    let house = House::with(|config| config.limits.frames = only(3.0)).await;
    let room = house.room().await;
    let mut socket = house.socket().await;
    for event in ["heartbeat", "dance", "heartbeat"] {
        let reply = socket.ask(Value::Null, "phoenix", event, json!({})).await;
        assert!(!limited(&reply), "{reply}");
    }
    let reply = socket.ask(Value::Null, "phoenix", "heartbeat", json!({})).await;
    assert!(limited(&reply), "{reply}");
    let topic = room.topic();
    let reply = socket
        .ask(Value::Null, &topic, "phx_join", json!({"token": room.token}))
        .await;
    assert!(
        limited(&reply) && reply[0] == reply[1],
        "a join goes by its ref: {reply}"
    );
    let bytes = tokio_tungstenite::tungstenite::Message::binary(b"\0\0\x02\x01\x01xyte".as_slice());
    socket.send(bytes).await;
    let reply = socket.until("the refusal", |frame| frame[1] == "xy").await;
    assert!(limited(&reply), "binary frames count, too: {reply}");
    assert_eq!(counted(&counters, "frames"), 3.0);
    house.host(&room).await;
}

#[tokio::test]
async fn joins_of_a_socket_have_a_rate_whatever_they_name() {
    let counters = Counters::new();
    let _counting = counters.count();
    let house = House::with(|config| config.limits.joins = only(3.0)).await;
    let mut socket = house.socket().await;
    let strangers = json!({"resume": format!("0000000000001.{}", "A".repeat(43))});
    let room = "room:00000000000000000000000001";
    for topic in [room, "lobby:1", "debug:logs"] {
        let reply = socket.join(topic, strangers.clone()).await;
        assert!(!limited(&reply), "{reply}");
    }
    let reply = socket.join(room, strangers.clone()).await;
    assert!(limited(&reply), "{reply}");
    assert_eq!(counted(&counters, "joins"), 1.0);
    let mut other = house.socket().await;
    assert!(
        !limited(&other.join(room, strangers).await),
        "another socket has its own"
    );
}

#[tokio::test]
async fn joins_of_an_address_have_a_rate_over_all_its_sockets() {
    let counters = Counters::new();
    let _counting = counters.count();
    let house = House::with(|config| config.limits.address_joins = only(2.0)).await;
    for _ in 0..2 {
        let reply = house.socket().await.join("lobby:1", json!({})).await;
        assert!(!limited(&reply), "{reply}");
    }
    let reply = house.socket().await.join("lobby:1", json!({})).await;
    assert!(limited(&reply), "{reply}");
    assert_eq!(counted(&counters, "address_joins"), 1.0);
}

#[tokio::test]
async fn signalling_has_a_rate_that_a_new_channel_does_not_refill() {
    let counters = Counters::new();
    let _counting = counters.count();
    let house = House::with(|config| config.limits.signalling = only(2.0)).await;
    let room = house.room().await;
    let topic = format!("sfu:{}", room.id);
    let mut host = house.host(&room).await;
    let token = json!({"token": host.joined["media"]["token"]});
    host.join(&topic, token.clone()).await;
    for _ in 0..2 {
        let reply = host.ask(Value::Null, &topic, "dance", json!({})).await;
        assert_eq!(reply[4]["response"]["reason"], "unsupported");
    }
    assert!(limited(&host.ask(Value::Null, &topic, "dance", json!({})).await));
    let reply = host.join(&topic, token).await;
    assert_eq!(reply[4]["status"], "ok");
    let offer = json!({"gen": 1, "sdp": "v=0", "tracks": []});
    assert!(limited(&host.ask(Value::Null, &topic, "offer", offer).await));
    assert_eq!(counted(&counters, "signalling"), 2.0);
    host.done("chat_send", json!({"text": "others are not concerned"}))
        .await;
}

#[tokio::test]
async fn a_members_pushes_are_counted_over_its_joins_and_sockets() {
    let house = House::with(|config| config.limits.pushes = only(3.0)).await;
    let room = house.room().await;
    let mut host = house.host(&room).await;
    host.done("data", json!({})).await;
    let reply = host.join(&room.topic(), json!({"token": room.token})).await;
    host.join_ref = reply[0].clone();
    host.done("data", json!({})).await;
    let mut second = house.host(&room).await;
    second.done("data", json!({})).await;
    for member in [&mut host, &mut second] {
        assert_eq!(member.refused("data", json!({})).await["reason"], "rate_limited");
    }
    let mut guest = house.guest(&room, "Bob").await;
    guest.done("data", json!({})).await;
}

#[tokio::test]
async fn a_rooms_pushes_have_a_rate_over_all_its_members() {
    let counters = Counters::new();
    let _counting = counters.count();
    let house = House::with(|config| {
        config.limits.pushes = plenty();
        config.limits.room_pushes = only(4.0);
    })
    .await;
    let (room, other) = (house.room().await, house.room().await);
    let mut host = house.host(&room).await;
    let mut guest = house.guest(&room, "Bob").await;
    for _ in 0..2 {
        host.done("data", json!({})).await;
        guest.done("data", json!({})).await;
    }
    for member in [&mut host, &mut guest] {
        let refused = member.refused("data", json!({})).await;
        assert_eq!(refused["reason"], "rate_limited");
        assert!(refused["retry_after_ms"].as_u64().unwrap() > 0);
    }
    assert_eq!(counted(&counters, "room"), 2.0);
    house.host(&other).await.done("data", json!({})).await;
}
