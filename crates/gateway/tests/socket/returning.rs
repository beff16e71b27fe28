//! Coming back: by resume secret, with what was missed.

use serde_json::{Value, json};

use crate::support::{House, Member, Room};

async fn back(house: &House, room: &Room, secret: &str, since: Value) -> Member {
    let payload = json!({"resume": secret, "since": since});
    house.socket().await.enter(&room.topic(), payload).await
}

/// Where a member stands.
fn place(answer: &Value) -> Value {
    json!({"epoch": answer["epoch"], "seq": answer["seq"]})
}

#[tokio::test]
async fn a_resume_secret_brings_one_back_as_the_same_participant() {
    let house = House::open().await;
    let room = house.room().await;
    let mut host = house.host(&room).await;
    let guest = house.guest(&room, "Bob").await;
    let (id, secret) = (guest.id().to_owned(), guest.resume().to_owned());
    drop(guest);
    host.hears("connection_changed").await;
    let mut guest = house
        .socket()
        .await
        .enter(&room.topic(), json!({ "resume": secret }))
        .await;
    assert_eq!(guest.id(), id);
    assert_eq!(guest.joined["resume"], Value::Null, "it comes when it is durable");
    assert!(guest.joined["snapshot"].is_object());
    let changed = host.hears("connection_changed").await;
    assert_eq!(changed, json!({"participant_id": id, "state": "connected"}));
    guest.done("chat_send", json!({"text": "back"})).await;
    let heard = host.hears("chat_message").await;
    assert_eq!(heard["from"], id);
    let joined = host.room_so_far().await;
    let joined = joined.iter().filter(|frame| frame[3] == "member_joined");
    assert_eq!(joined.count(), 1, "he joined once");
}

#[tokio::test]
async fn each_return_brings_a_fresh_secret_and_the_one_before_is_good_until_that_was_used() {
    let house = House::open().await;
    let room = house.room().await;
    let mut host = house.host(&room).await;
    let first = host.resume().to_owned();
    let mut secrets = vec![first.clone()];
    for secret in [0, 0, 2] {
        drop(host);
        host = back(&house, &room, &secrets[secret], Value::Null).await;
        let fresh = host.hears("resume").await["resume"].as_str().unwrap().to_owned();
        assert!(!secrets.contains(&fresh));
        secrets.push(fresh);
    }
    let refused = house
        .socket()
        .await
        .join(&room.topic(), json!({ "resume": first }))
        .await;
    assert_eq!(refused[4]["response"]["reason"], "unauthorized", "{refused}");
}

#[tokio::test]
async fn who_was_kicked_and_shows_its_secret_is_told_so() {
    let house = House::open().await;
    let room = house.room().await;
    let mut host = house.host(&room).await;
    let mut guest = house.guest(&room, "Bob").await;
    let secret = guest.resume().to_owned();
    host.done("member_kick", json!({"participant_id": guest.id()}))
        .await;
    guest.hears("kicked").await;
    let refused = house
        .socket()
        .await
        .join(&room.topic(), json!({ "resume": secret }))
        .await;
    assert_eq!(refused[4]["response"]["reason"], "kicked", "{refused}");
}

#[tokio::test]
async fn a_token_used_again_is_the_same_participant_with_a_new_secret() {
    let house = House::open().await;
    let room = house.room().await;
    let first = house.host(&room).await;
    let second = house.host(&room).await;
    assert_eq!(first.id(), second.id());
    assert_ne!(first.resume(), second.resume());
    assert_eq!(second.joined["snapshot"]["members"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn since_answers_the_missed_events_and_no_snapshot() {
    let house = House::open().await;
    let room = house.room().await;
    let mut host = house.host(&room).await;
    let mut guest = house.guest(&room, "Bob").await;
    let secret = guest.resume().to_owned();
    let since = place(&guest.done("snapshot", json!({})).await);
    drop(guest);
    for text in ["one", "two"] {
        host.done("chat_send", json!({ "text": text })).await;
    }
    let mut guest = back(&house, &room, &secret, since.clone()).await;
    assert_eq!(guest.joined["snapshot"], Value::Null);
    let missed = guest.joined["events"].as_array().unwrap().clone();
    let texts: Vec<_> = missed
        .iter()
        .filter(|missed| missed["event"] == "chat_message")
        .map(|missed| missed["payload"]["text"].as_str().unwrap())
        .collect();
    assert_eq!(texts, ["one", "two"]);
    let seqs: Vec<_> = missed
        .iter()
        .map(|missed| missed["payload"]["seq"].as_u64().unwrap())
        .collect();
    let first = since["seq"].as_u64().unwrap() + 1;
    let last = guest.joined["seq"].as_u64().unwrap();
    assert_eq!(seqs, (first..=last).collect::<Vec<_>>(), "without a gap");
    host.done("chat_send", json!({"text": "three"})).await;
    let next = guest.hears("chat_message").await;
    let after_the_rotation = json!(last + 2);
    assert_eq!(
        (&next["text"], &next["seq"]),
        (&json!("three"), &after_the_rotation)
    );
}

#[tokio::test]
async fn beside_the_missed_events_stands_what_is_in_none_of_them() {
    let house = House::open().await;
    let room = house.room().await;
    let mut host = house.host(&room).await;
    let mut guest = house.guest(&room, "Bob").await;
    let (id, secret) = (guest.id().to_owned(), guest.resume().to_owned());
    let since = place(&guest.done("snapshot", json!({})).await);
    drop(guest);
    let on = json!({"microphone": true, "camera": false, "screen": false});
    let off = json!({"microphone": false, "camera": false, "screen": false});
    host.done("media", on.clone()).await;
    host.hears("media_changed").await;
    let guest = back(&house, &room, &secret, since).await;
    let live = json!([
        {"participant_id": host.id(), "state": "connected", "media": on},
        {"participant_id": id, "state": "connected", "media": off},
    ]);
    assert_eq!(guest.joined["live"], live);
    let newcomer = house.guest(&room, "Cid").await;
    assert_eq!(newcomer.joined["live"], Value::Null, "a snapshot says it itself");
}

#[tokio::test]
async fn since_of_one_who_missed_nothing_answers_no_events() {
    let house = House::open().await;
    let room = house.room().await;
    let mut host = house.host(&room).await;
    let since = place(&host.done("snapshot", json!({})).await);
    let secret = host.resume().to_owned();
    let host = back(&house, &room, &secret, since.clone()).await;
    assert_eq!(host.joined["events"], json!([]));
    assert_eq!(place(&host.joined), since);
}

#[tokio::test]
async fn since_that_is_too_old_or_yet_to_come_answers_a_snapshot() {
    let house = House::open().await;
    let room = house.room().await;
    let mut host = house.host(&room).await;
    let old = place(&host.done("snapshot", json!({})).await);
    let secret = host.resume().to_owned();
    for n in 0..300 {
        host.done("chat_send", json!({"text": n.to_string()})).await;
    }
    let now = place(&host.done("snapshot", json!({})).await);
    let future = json!({"epoch": now["epoch"], "seq": now["seq"].as_u64().unwrap() + 1000});
    for since in [old, future] {
        let joined = back(&house, &room, &secret, since.clone()).await.joined.clone();
        assert!(joined["snapshot"].is_object(), "{since}");
        assert_eq!(joined["events"], Value::Null, "{since}");
    }
}

#[tokio::test]
async fn since_of_a_reign_that_never_was_answers_a_snapshot() {
    let house = House::open().await;
    let room = house.room().await;
    let mut host = house.host(&room).await;
    let now = place(&host.done("snapshot", json!({})).await);
    let secret = host.resume().to_owned();
    let since = json!({"epoch": now["epoch"].as_u64().unwrap() + 1, "seq": now["seq"]});
    let joined = back(&house, &room, &secret, since).await.joined;
    assert!(joined["snapshot"].is_object());
    assert_eq!(joined["events"], Value::Null);
}

#[tokio::test]
async fn who_may_not_see_the_lobby_does_not_see_it_in_what_it_missed() {
    let house = House::open().await;
    let room = house.room().await;
    let mut host = house.host(&room).await;
    let mut guest = house.guest(&room, "Bob").await;
    let secret = guest.resume().to_owned();
    let since = place(&guest.done("snapshot", json!({})).await);
    drop(guest);
    host.done("settings", json!({"lobby": true})).await;
    let token = house.token(&room, json!({"name": "Eve"})).await;
    let _eve = house
        .socket()
        .await
        .enter(&room.topic(), json!({ "token": token }))
        .await;
    host.hears("lobby_knocked").await;
    let guest = back(&house, &room, &secret, since).await;
    let missed = guest.joined["events"].as_array().unwrap();
    let events: Vec<_> = missed
        .iter()
        .map(|missed| missed["event"].as_str().unwrap())
        .collect();
    assert_eq!(events, ["settings_changed", "hidden"]);
}
