//! What members say to each other, and what they may not.

use serde_json::{Value, json};

use crate::support::{House, only};

#[tokio::test]
async fn a_broadcast_has_no_refs_and_is_the_same_bytes_for_all() {
    let house = House::open().await;
    let room = house.room().await;
    let mut host = house.host(&room).await;
    let mut guest = house.guest(&room, "Bob").await;
    host.room_so_far().await;
    guest.room_so_far().await;
    host.say(json!([null, "90", room.topic(), "data", {"n": [1, 2.50, "ü"]}]))
        .await;
    let mut texts = Vec::new();
    for member in [&mut host, &mut guest] {
        loop {
            let text = member.text().await;
            if text.contains("\"data\"") {
                break texts.push(text);
            }
        }
    }
    let from = &room.host;
    let topic = room.topic();
    let data = r#"{"n":[1,2.5,"ü"]}"#;
    let expected = format!(r#"[null,null,"{topic}","data",{{"from":"{from}","data":{data}}}]"#);
    assert_eq!(texts, [expected.as_str(); 2]);
}

#[tokio::test]
async fn a_durable_push_is_answered_with_its_place_and_heard_there() {
    let house = House::open().await;
    let room = house.room().await;
    let mut host = house.host(&room).await;
    let mut guest = house.guest(&room, "Bob").await;
    let place = guest
        .done("chat_send", json!({"id": "c-1", "text": "hello"}))
        .await;
    let heard = host.hears("chat_message").await;
    assert_eq!(heard["id"], "c-1");
    assert_eq!(
        (&heard["from"], &heard["name"]),
        (&json!(guest.id()), &json!("Bob"))
    );
    assert_eq!(heard["text"], "hello");
    assert_eq!(place, json!({"epoch": heard["epoch"], "seq": heard["seq"]}));
    assert!(heard["at"].as_u64().unwrap() > 1_600_000_000_000);
}

#[tokio::test]
async fn the_same_id_twice_is_one_line_and_both_get_the_first_answer() {
    let house = House::open().await;
    let room = house.room().await;
    let mut host = house.host(&room).await;
    let mut guest = house.guest(&room, "Bob").await;
    let line = json!({"id": "c-1", "text": "once"});
    let first = guest.done("chat_send", line.clone()).await;
    let second = guest.done("chat_send", line.clone()).await;
    assert_eq!(first, second);
    let hosts = host.done("chat_send", line).await;
    assert_ne!(hosts, first, "another one's id is another id");
    let heard = host.room_so_far().await;
    let lines: Vec<_> = heard
        .iter()
        .filter(|frame| frame[3] == "chat_message")
        .map(|frame| frame[4]["from"].as_str().unwrap())
        .collect();
    assert_eq!(lines, [guest.id(), host.id()]);
}

#[tokio::test]
async fn replies_leave_in_the_order_of_the_pushes() {
    let house = House::open().await;
    let room = house.room().await;
    let mut host = house.host(&room).await;
    host.room_so_far().await;
    for n in 0..20 {
        let (event, payload) = match n % 3 {
            0 => ("chat_send", json!({"text": "slow"})),
            1 => ("data", json!({})),
            _ => ("dance", json!({})),
        };
        host.say(json!([null, format!("r{n}"), room.topic(), event, payload]))
            .await;
    }
    let mut refs = Vec::new();
    while refs.len() < 20 {
        let frame = host.frame().await;
        if frame[3] == "phx_reply" {
            refs.push(frame[1].as_str().unwrap().to_owned());
        }
    }
    let asked: Vec<_> = (0..20).map(|n| format!("r{n}")).collect();
    assert_eq!(refs, asked);
}

#[tokio::test]
async fn data_of_16_kib_passes_and_more_is_too_large() {
    let house = House::open().await;
    let room = house.room().await;
    let mut host = house.host(&room).await;
    let data = |bytes: usize| json!({"x": "y".repeat(bytes - r#"{"x":""}"#.len())});
    assert_eq!(host.done("data", data(16 << 10)).await, json!({}));
    assert_eq!(host.hears("data").await["data"], data(16 << 10));
    let refused = host.refused("data", data((16 << 10) + 1)).await;
    assert_eq!(refused["reason"], "too_large");
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused_with_a_reason_and_the_room_unharmed() {
    let house = House::open().await;
    let room = house.room().await;
    let mut host = house.host(&room).await;
    let before = host.done("snapshot", json!({})).await;
    for (event, payload, reason) in [
        ("dance", json!({}), "unsupported"),
        ("phx_reply", json!({}), "unsupported"),
        ("chat_send", json!({}), "invalid"),
        ("chat_send", json!({"text": ""}), "invalid"),
        ("chat_send", json!({"text": "x".repeat(4001)}), "invalid"),
        ("chat_send", json!({"text": 7}), "invalid"),
        ("chat_send", json!({"text": "x", "id": ""}), "invalid"),
        ("chat_send", json!({"text": "x", "id": "y".repeat(65)}), "invalid"),
        ("rename", json!({"name": " "}), "invalid"),
        ("rename", json!({"name": "x".repeat(65)}), "invalid"),
        ("reaction", json!({"emoji": ""}), "invalid"),
        ("reaction", json!({"emoji": "x".repeat(17)}), "invalid"),
        ("reaction", json!({"emoji": "\n"}), "invalid"),
        ("media", json!({"microphone": true}), "invalid"),
        ("member_kick", json!({"participant_id": "nobody"}), "invalid"),
        (
            "member_kick",
            json!({"participant_id": "0000000000001"}),
            "not_found",
        ),
        (
            "member_role",
            json!({"participant_id": room.host, "role": "king"}),
            "invalid",
        ),
        ("settings", json!({"participant_limit": 0}), "invalid"),
        ("settings", json!({"password": ""}), "invalid"),
        ("settings", json!({"name": "x".repeat(121)}), "invalid"),
    ] {
        let refused = host.refused(event, payload.clone()).await;
        assert_eq!(refused["reason"], reason, "{event} {payload}");
        assert!(
            refused["message"]
                .as_str()
                .is_some_and(|message| !message.is_empty())
        );
    }
    let after = host.done("snapshot", json!({})).await;
    let but_media = |snapshot: &Value| (snapshot["snapshot"].clone(), snapshot["epoch"].clone());
    assert_eq!(but_media(&before), but_media(&after));
}

#[tokio::test]
async fn reactions_and_devices_are_heard_by_all() {
    let house = House::open().await;
    let room = house.room().await;
    let mut host = house.host(&room).await;
    let mut guest = house.guest(&room, "Bob").await;
    let media = json!({"microphone": true, "camera": false, "screen": false});
    assert_eq!(guest.done("reaction", json!({"emoji": "🎉"})).await, json!({}));
    assert_eq!(guest.done("media", media.clone()).await, json!({}));
    assert_eq!(
        host.hears("reaction").await,
        json!({"from": guest.id(), "emoji": "🎉"})
    );
    assert_eq!(
        host.hears("media_changed").await,
        json!({"participant_id": guest.id(), "media": media})
    );
}

#[tokio::test]
async fn who_pushes_too_fast_is_told_how_long_to_wait() {
    let house = House::with(|config| config.limits.pushes = only(3.0)).await;
    let room = house.room().await;
    let mut host = house.host(&room).await;
    for _ in 0..3 {
        host.done("data", json!({})).await;
    }
    let refused = host.refused("data", json!({})).await;
    assert_eq!(refused["reason"], "rate_limited");
    assert!(refused["retry_after_ms"].as_u64().unwrap() > 0);
    assert_eq!(
        host.refused("chat_send", json!({"text": "x"})).await["reason"],
        "rate_limited"
    );
    host.so_far().await;
}

#[tokio::test]
async fn chat_has_a_rate_of_its_own() {
    let house = House::with(|config| config.limits.chat = only(2.0)).await;
    let room = house.room().await;
    let mut host = house.host(&room).await;
    for _ in 0..2 {
        host.done("chat_send", json!({"text": "x"})).await;
    }
    let refused = host.refused("chat_send", json!({"text": "x"})).await;
    assert_eq!(refused["reason"], "rate_limited");
    assert!(refused["retry_after_ms"].as_u64().unwrap() > 0);
    host.done("data", json!({})).await;
}

#[tokio::test]
async fn a_viewer_hears_and_may_not_speak() {
    let house = House::open().await;
    let room = house.room().await;
    let mut host = house.host(&room).await;
    let token = house.token(&room, json!({"name": "Vi", "role": "viewer"})).await;
    let mut viewer = house
        .socket()
        .await
        .enter(&room.topic(), json!({ "token": token }))
        .await;
    let refused = viewer.refused("chat_send", json!({"text": "hi"})).await;
    assert_eq!(refused["reason"], "forbidden");
    let refused = viewer.refused("data", json!({"n": 1})).await;
    assert_eq!(refused["reason"], "forbidden");
    viewer.done("reaction", json!({"emoji": "👏"})).await;
    host.hears("reaction").await;
    assert!(
        host.room_so_far().await.iter().all(|frame| frame[3] != "data"),
        "what a viewer sent as data was heard"
    );
    host.done("chat_send", json!({"text": "welcome"})).await;
    assert_eq!(viewer.hears("chat_message").await["text"], "welcome");
}

#[tokio::test]
async fn who_was_given_a_rank_hears_what_goes_with_it() {
    let house = House::open().await;
    let room = house.room().await;
    let mut host = house.host(&room).await;
    let mut guest = house.guest(&room, "Bob").await;
    let eve = house.guest(&room, "Eve").await;
    let me = guest.id().to_owned();
    let refused = guest
        .refused("member_kick", json!({"participant_id": eve.id()}))
        .await;
    assert_eq!(refused["reason"], "forbidden");
    host.done("member_role", json!({"participant_id": me, "role": "moderator"}))
        .await;
    assert_eq!(guest.hears("role_changed").await["role"], "moderator");
    guest
        .done("member_kick", json!({"participant_id": eve.id(), "ban": true}))
        .await;
    assert_eq!(guest.hears("member_banned").await["name"], "Eve");
}

#[tokio::test]
async fn what_one_may_say_in_passing_changes_with_the_rank() {
    let house = House::open().await;
    let room = house.room().await;
    let mut host = house.host(&room).await;
    let mut guest = house.guest(&room, "Bob").await;
    let me = guest.id().to_owned();
    for (role, may) in [("viewer", false), ("participant", true)] {
        host.done("member_role", json!({"participant_id": me, "role": role}))
            .await;
        assert_eq!(guest.hears("role_changed").await["role"], role);
        let reply = guest.push("data", json!({})).await;
        assert_eq!(reply["status"] == "ok", may, "{role}: {reply}");
    }
}
