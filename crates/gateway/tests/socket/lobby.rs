//! In front of the door.

use serde_json::{Value, json};

use crate::support::{House, Member, Room};

/// A room with a lobby, its host, and someone who knocks with a token.
async fn knocked(house: &House) -> (Room, Member, Member, String) {
    let room = house.create(json!({"lobby": true})).await;
    let mut host = house.host(&room).await;
    let token = house.token(&room, json!({"name": "Bob"})).await;
    let guest = house
        .socket()
        .await
        .enter(&room.topic(), json!({ "token": token }))
        .await;
    let knock = host.hears("lobby_knocked").await;
    assert_eq!(
        (&knock["participant_id"], &knock["name"]),
        (&json!(guest.id()), &json!("Bob"))
    );
    (room, host, guest, token)
}

#[tokio::test]
async fn a_newcomer_waits_hears_nothing_and_may_say_nothing() {
    let house = House::open().await;
    let (room, mut host, mut guest, _) = knocked(&house).await;
    assert_eq!(guest.joined["waiting"], true);
    assert!(guest.joined["epoch"].is_u64() && guest.joined["seq"].is_u64());
    for secret in ["resume", "snapshot", "media"] {
        assert_eq!(guest.joined[secret], Value::Null, "{secret}");
    }
    host.done("chat_send", json!({"text": "who is it"})).await;
    host.done("data", json!({"n": 1})).await;
    host.room_so_far().await;
    for (event, payload) in [
        ("chat_send", json!({"text": "me"})),
        ("data", json!({})),
        ("snapshot", json!({})),
    ] {
        assert_eq!(guest.refused(event, payload).await["reason"], "not_joined");
    }
    let sfu = format!("sfu:{}", room.id);
    let reply = guest.join(&sfu, json!({"token": "x"})).await;
    assert_eq!(reply[4]["response"]["reason"], "not_joined");
    assert_eq!(guest.so_far().await, [Value::Null; 0]);
}

#[tokio::test]
async fn who_is_admitted_is_told_and_joins_with_the_same_token() {
    let house = House::open().await;
    let (room, mut host, mut guest, token) = knocked(&house).await;
    host.done("lobby_admit", json!({"participant_id": guest.id()}))
        .await;
    let admitted = guest
        .until("the admission", |frame| frame[3] == "lobby_admitted")
        .await;
    assert_eq!(
        admitted,
        json!([guest.join_ref, null, room.topic(), "lobby_admitted", {}])
    );
    let reply = guest.join(&room.topic(), json!({ "token": token })).await;
    let joined = &reply[4]["response"];
    assert_eq!(joined["participant_id"], guest.id());
    assert!(joined["resume"].is_string() && joined["snapshot"].is_object());
    let close = guest.until("the close", |frame| frame[3] == "phx_close").await;
    assert_eq!(close[0], guest.join_ref);
    let decided = host.hears("lobby_decided").await;
    assert_eq!(
        (&decided["admitted"], &decided["by"]),
        (&json!(true), &json!(room.host))
    );
    assert_eq!(host.hears("member_joined").await["member"]["name"], "Bob");
}

#[tokio::test]
async fn who_is_refused_is_told_and_its_channel_is_closed() {
    let house = House::open().await;
    let (room, mut host, mut guest, _) = knocked(&house).await;
    host.done("lobby_refuse", json!({"participant_id": guest.id()}))
        .await;
    let close = guest.until("the close", |frame| frame[3] == "phx_close").await;
    assert_eq!(close[0], guest.join_ref);
    assert_eq!(
        guest.so_far().await,
        [json!([guest.join_ref, null, room.topic(), "lobby_refused", {"reason": "refused"}])]
    );
}

#[tokio::test]
async fn who_waits_when_the_room_ends_is_turned_away() {
    let house = House::open().await;
    let (_, mut host, mut guest, _) = knocked(&house).await;
    host.done("room_end", json!({})).await;
    guest.until("the close", |frame| frame[3] == "phx_close").await;
    let heard = guest.so_far().await;
    assert_eq!(heard.last().unwrap()[3], "lobby_refused");
    assert_eq!(heard.last().unwrap()[4], json!({"reason": "ended"}));
}

#[tokio::test]
async fn a_participant_hears_hidden_where_a_moderator_hears_of_the_lobby() {
    let house = House::open().await;
    let room = house.room().await;
    let mut host = house.host(&room).await;
    let mut guest = house.guest(&room, "Bob").await;
    host.done("settings", json!({"lobby": true})).await;
    guest.hears("settings_changed").await;
    guest.room_so_far().await;
    let token = house.token(&room, json!({"name": "Eve"})).await;
    let eve = house
        .socket()
        .await
        .enter(&room.topic(), json!({ "token": token }))
        .await;
    let knock = host.hears("lobby_knocked").await;
    assert_eq!(knock["participant_id"], eve.id());
    let hidden = guest.hears("hidden").await;
    assert_eq!(hidden["seq"], knock["seq"]);
    assert_eq!(hidden.as_object().unwrap().len(), 3, "{hidden}");
    let snapshot = guest.done("snapshot", json!({})).await;
    assert_eq!(snapshot["snapshot"]["lobby"], json!([]));
    let snapshot = host.done("snapshot", json!({})).await;
    assert_eq!(snapshot["snapshot"]["lobby"][0]["name"], "Eve");
}
