//! Presence as the stock client wants it.

use serde_json::{Value, json};

use crate::support::{House, Member};

/// Reads diffs until `wanted` holds of one.
async fn diff(member: &mut Member, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let frame = member
        .until(what, |frame| frame[3] == "presence_diff" && wanted(&frame[4]))
        .await;
    assert_eq!(
        (&frame[0], &frame[1]),
        (&Value::Null, &Value::Null),
        "a diff is a broadcast"
    );
    let keys: Vec<_> = frame[4].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["joins", "leaves"], "both keys, always");
    frame[4].clone()
}

#[tokio::test]
async fn the_state_comes_after_the_join_with_the_channels_join_ref() {
    let house = House::open().await;
    let room = house.room().await;
    let mut host = house.host(&room).await;
    let id = room.host.as_str();
    let diff = diff(&mut host, "oneself", |diff| diff["joins"][id].is_object()).await;
    let token = house.token(&room, json!({"name": "Bob"})).await;
    let mut socket = house.socket().await;
    socket
        .say(json!(["4", "4", room.topic(), "phx_join", {"token": token}]))
        .await;
    let mut order = Vec::new();
    let state = loop {
        let frame = socket.frame().await;
        order.push(frame[3].as_str().unwrap().to_owned());
        if frame[3] == "presence_state" {
            break frame;
        }
    };
    assert!(order.contains(&"phx_reply".to_owned()), "{order:?}");
    assert_eq!((&state[0], &state[1]), (&json!("4"), &Value::Null));
    let meta = &state[4][id]["metas"][0];
    assert_eq!(meta, &diff["joins"][id]["metas"][0]);
    assert_eq!(
        (&meta["name"], &meta["role"], &meta["state"]),
        (&json!("Host"), &json!("host"), &json!("connected"))
    );
    assert!(meta["phx_ref"].is_string());
}

#[tokio::test]
async fn each_join_brings_the_state_anew() {
    let house = House::open().await;
    let room = house.room().await;
    let mut host = house.host(&room).await;
    host.until("the first state", |frame| frame[3] == "presence_state")
        .await;
    let reply = host.join(&room.topic(), json!({"token": room.token})).await;
    let state = host
        .until("the second state", |frame| frame[3] == "presence_state")
        .await;
    assert_eq!(state[0], reply[0]);
}

#[tokio::test]
async fn joining_changing_and_leaving_are_diffs() {
    let house = House::open().await;
    let room = house.room().await;
    let mut host = house.host(&room).await;
    let mut guest = house.guest(&room, "Bob").await;
    let id = guest.id().to_owned();
    let id = id.as_str();
    let came = diff(&mut host, "Bob", |diff| diff["joins"][id].is_object()).await;
    assert_eq!(came["leaves"], json!({}));
    let former = came["joins"][id]["metas"][0]["phx_ref"].clone();
    guest.done("rename", json!({"name": "Rob"})).await;
    let changed = diff(&mut host, "Rob", |diff| {
        diff["joins"][id]["metas"][0]["name"] == "Rob"
    })
    .await;
    assert_eq!(changed["leaves"][id]["metas"][0]["phx_ref"], former);
    let present = changed["joins"][id]["metas"][0]["phx_ref"].clone();
    assert_ne!(present, former);
    guest.done("leave", json!({})).await;
    let gone = diff(&mut host, "his leave", |diff| diff["leaves"][id].is_object()).await;
    assert_eq!(gone["joins"], json!({}));
    assert_eq!(gone["leaves"][id]["metas"][0]["phx_ref"], present);
}

#[tokio::test]
async fn who_loses_its_socket_is_shown_as_reconnecting() {
    let house = House::open().await;
    let room = house.room().await;
    let mut host = house.host(&room).await;
    let guest = house.guest(&room, "Bob").await;
    let id = guest.id().to_owned();
    diff(&mut host, "Bob", |diff| diff["joins"][&id].is_object()).await;
    drop(guest);
    let lost = diff(&mut host, "the loss", |diff| diff["leaves"][&id].is_object()).await;
    assert_eq!(lost["joins"][&id]["metas"][0]["state"], "reconnecting");
}

#[tokio::test]
async fn viewers_are_not_shown() {
    let house = House::open().await;
    let room = house.room().await;
    let mut host = house.host(&room).await;
    let wish = json!({"name": "Vi", "role": "viewer"});
    let token = house.token(&room, wish).await;
    let viewer = house
        .socket()
        .await
        .enter(&room.topic(), json!({ "token": token }))
        .await;
    let guest = house.guest(&room, "Bob").await;
    let id = guest.id();
    diff(&mut host, "Bob", |diff| diff["joins"][id].is_object()).await;
    let heard = host.so_far().await;
    let diffs = heard.iter().filter(|frame| frame[3] == "presence_diff");
    assert!(
        diffs
            .clone()
            .all(|frame| frame[4]["joins"][viewer.id()] == Value::Null)
    );
    assert_eq!(
        guest.joined["snapshot"]["members"].as_array().unwrap().len(),
        3,
        "but counted"
    );
}
