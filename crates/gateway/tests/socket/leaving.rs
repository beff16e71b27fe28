//! Leaving, being sent away, and the end of a room.

use serde_json::{Value, json};

use crate::support::{House, Member};

/// The events of one topic, in order.
fn events<'a>(frames: &'a [Value], topic: &str) -> Vec<&'a str> {
    let of_topic = frames.iter().filter(|frame| frame[2] == topic);
    of_topic.map(|frame| frame[3].as_str().unwrap()).collect()
}

/// All that a member hears until its channel is closed.
async fn until_closed(member: &mut Member) -> Vec<Value> {
    let (topic, join_ref) = (member.topic.clone(), member.join_ref.clone());
    let close = member.until("the close", |frame| frame[3] == "phx_close").await;
    assert_eq!(close, json!([join_ref, join_ref, topic, "phx_close", {}]));
    member.so_far().await
}

#[tokio::test]
async fn a_leave_is_answered_and_then_the_channel_is_closed() {
    let house = House::open().await;
    let room = house.room().await;
    let mut host = house.host(&room).await;
    host.room_so_far().await;
    host.say(json!([null, "80", room.topic(), "phx_leave", {}])).await;
    let ok = json!({"status": "ok", "response": {}});
    let mut told = Vec::new();
    while told.len() < 2 {
        let frame = host.frame().await;
        if frame[0] == host.join_ref {
            told.push(frame);
        }
    }
    assert_eq!(
        told,
        [
            json!([host.join_ref, "80", room.topic(), "phx_reply", ok]),
            json!([host.join_ref, host.join_ref, room.topic(), "phx_close", {}]),
        ]
    );
}

#[tokio::test]
async fn a_leave_of_a_topic_that_is_not_joined_is_ok_under_its_own_join_ref() {
    let house = House::open().await;
    let mut socket = house.socket().await;
    for topic in ["room:00000000000000000000000000", "lobby:1"] {
        let reply = socket.ask(json!("5"), topic, "phx_leave", json!({})).await;
        assert_eq!(
            (&reply[0], &reply[4]),
            (&json!("5"), &json!({"status": "ok", "response": {}}))
        );
    }
}

#[tokio::test]
async fn a_leave_with_a_stale_join_ref_does_nothing() {
    let house = House::open().await;
    let room = house.room().await;
    let mut host = house.host(&room).await;
    host.say(json!(["0", "81", room.topic(), "phx_leave", {}])).await;
    let heard = host.room_so_far().await;
    assert!(
        heard
            .iter()
            .all(|frame| frame[1] != "81" && frame[3] != "phx_close")
    );
}

#[tokio::test]
async fn who_leaves_the_topic_is_still_a_member_and_who_pushes_leave_is_none() {
    let house = House::open().await;
    let room = house.room().await;
    let mut host = house.host(&room).await;
    let mut guest = house.guest(&room, "Bob").await;
    let (id, secret) = (guest.id().to_owned(), guest.resume().to_owned());
    guest.push("phx_leave", json!({})).await;
    let changed = host.hears("connection_changed").await;
    assert_eq!(changed, json!({"participant_id": id, "state": "reconnecting"}));
    let mut guest = house
        .socket()
        .await
        .enter(&room.topic(), json!({ "resume": secret }))
        .await;
    assert_eq!(guest.id(), id);
    assert!(guest.done("leave", json!({})).await["seq"].is_u64());
    until_closed(&mut guest).await;
    let left = host.hears("member_left").await;
    assert_eq!(
        (&left["participant_id"], &left["reason"]),
        (&json!(id), &json!("left"))
    );
    let reply = guest.join(&room.topic(), json!({ "resume": secret })).await;
    assert_eq!(reply[4]["response"]["reason"], "not_joined");
}

#[tokio::test]
async fn who_is_kicked_hears_why_then_the_close_and_nothing_later() {
    let house = House::open().await;
    let room = house.room().await;
    let mut host = house.host(&room).await;
    let mut guest = house.guest(&room, "Bob").await;
    host.done("member_kick", json!({"participant_id": guest.id()}))
        .await;
    let heard = until_closed(&mut guest).await;
    let kicked = heard.last().unwrap();
    assert_eq!(
        kicked,
        &json!([guest.join_ref, null, room.topic(), "kicked", {"by": room.host, "banned": false}])
    );
    host.done("chat_send", json!({"text": "at last"})).await;
    host.hears("chat_message").await;
    assert_eq!(events(&guest.so_far().await, &room.topic()), [""; 0]);
    let reply = guest
        .ask(Value::Null, &room.topic(), "chat_send", json!({"text": "hey"}))
        .await;
    assert_eq!(reply[4]["response"]["reason"], "unmatched topic");
    let left = host.hears("member_left").await;
    assert_eq!(left["reason"], "kicked");
}

#[tokio::test]
async fn who_is_banned_does_not_come_back_by_token_or_secret() {
    let house = House::open().await;
    let room = house.room().await;
    let mut host = house.host(&room).await;
    let token = house.token(&room, json!({"name": "Bob"})).await;
    let mut guest = house
        .socket()
        .await
        .enter(&room.topic(), json!({ "token": token }))
        .await;
    let id = guest.id().to_owned();
    host.done("member_kick", json!({"participant_id": id, "ban": true}))
        .await;
    let heard = until_closed(&mut guest).await;
    assert_eq!(heard.last().unwrap()[4], json!({"by": room.host, "banned": true}));
    assert!(
        heard.iter().all(|frame| frame[3] != "member_banned"),
        "bans are hidden from those who may not see them"
    );
    let secret = guest.resume().to_owned();
    for proof in [json!({ "token": token }), json!({ "resume": secret })] {
        let reply = guest.join(&room.topic(), proof).await;
        assert_eq!(reply[4]["response"]["reason"], "banned");
    }
    assert_eq!(host.hears("member_banned").await["participant_id"], id);
    host.done("member_unban", json!({ "participant_id": id })).await;
    let reply = guest.join(&room.topic(), json!({ "token": token })).await;
    assert_eq!(reply[4]["status"], "ok");
}

#[tokio::test]
async fn the_end_of_a_room_is_told_to_all_and_then_closes_their_channels() {
    let house = House::open().await;
    let room = house.room().await;
    let mut host = house.host(&room).await;
    let mut guest = house.guest(&room, "Bob").await;
    assert_eq!(guest.refused("room_end", json!({})).await["reason"], "forbidden");
    let r#ref = host.next_ref();
    host.say(json!([null, r#ref, room.topic(), "room_end", {}])).await;
    let heard = until_closed(&mut host).await;
    let told = events(&heard, &room.topic());
    assert!(told.contains(&"room_ended"), "{told:?}");
    let reply = heard.iter().find(|frame| frame[1] == r#ref).unwrap();
    assert_eq!(reply[4]["status"], "ok", "it is answered before its channel goes");
    let heard = until_closed(&mut guest).await;
    let ended = heard.last().unwrap();
    assert_eq!(
        (&ended[3], &ended[4]["reason"]),
        (&json!("room_ended"), &json!("host"))
    );
    let reply = guest.join(&room.topic(), json!({"token": room.token})).await;
    assert_eq!(reply[4]["response"]["reason"], "ended");
}

#[tokio::test]
async fn a_member_whose_last_socket_ends_is_reconnecting_and_with_another_it_is_not() {
    let house = House::open().await;
    let room = house.room().await;
    let mut host = house.host(&room).await;
    let guest = house.guest(&room, "Bob").await;
    let (id, secret) = (guest.id().to_owned(), guest.resume().to_owned());
    let second = house
        .socket()
        .await
        .enter(&room.topic(), json!({ "resume": secret }))
        .await;
    drop(guest);
    drop(second);
    let state = json!({"participant_id": id, "state": "reconnecting"});
    assert_eq!(host.hears("connection_changed").await, state);
    let changes = host.room_so_far().await;
    assert!(changes.iter().all(|frame| frame[3] != "connection_changed"));
}
