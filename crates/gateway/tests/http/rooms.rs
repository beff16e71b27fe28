//! `/api/rooms`.

use reqwest::{Method, Response};
use serde_json::{Value, json};
use videorooms_gateway::metrics::WRONG_PASSWORDS;

use super::problem;
use crate::support::{Counters, House, Room, only};

async fn create(house: &House, wish: &Value) -> Response {
    house.post("/api/rooms", wish).send().await.unwrap()
}

async fn show(house: &House, room: &Room) -> Value {
    let answer = house
        .get(&format!("/api/rooms/{}", room.id))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    answer.json().await.unwrap()
}

async fn join(house: &House, room: &Room, wish: &Value) -> Response {
    house
        .post(&format!("/api/rooms/{}/join", room.id), wish)
        .send()
        .await
        .unwrap()
}

/// Changes or ends a room by a bearer, if any.
async fn as_bearer(
    house: &House,
    method: Method,
    room: &Room,
    bearer: Option<&str>,
    wish: &Value,
) -> Response {
    let mut request = house
        .request(method, &format!("/api/rooms/{}", room.id))
        .json(wish);
    if let Some(bearer) = bearer {
        request = request.bearer_auth(bearer);
    }
    request.send().await.unwrap()
}

async fn change(house: &House, room: &Room, bearer: &str, wish: Value) -> Response {
    as_bearer(house, Method::PATCH, room, Some(bearer), &wish).await
}

async fn end(house: &House, room: &Room, bearer: &str) -> Response {
    as_bearer(house, Method::DELETE, room, Some(bearer), &json!({})).await
}

#[tokio::test]
async fn a_room_begins_with_defaults() {
    let house = House::open().await;
    let room = house.room().await;
    assert_eq!((room.id.len(), room.host.len()), (26, 13));
    assert_eq!(
        show(&house, &room).await,
        json!({
            "id": room.id, "name": "", "locked": false, "lobby": false, "has_password": false,
            "participant_limit": 1000, "members": 0, "ended": false,
        })
    );
    let no_body = house.request(Method::POST, "/api/rooms").send().await.unwrap();
    assert_eq!(no_body.status(), 201, "everything has a default");
}

#[tokio::test]
async fn a_room_begins_as_was_wished_and_counts_who_is_in() {
    let house = House::open().await;
    let wish = json!({
        "name": "Tea", "host_name": " Ada ", "password": "open sesame", "locked": true, "lobby": true,
        "participant_limit": 7,
    });
    let room = house.create(wish).await;
    let host = house.host(&room).await;
    assert_eq!(host.joined["snapshot"]["members"][0]["name"], "Ada");
    assert_eq!(
        show(&house, &room).await,
        json!({
            "id": room.id, "name": "Tea", "locked": true, "lobby": true, "has_password": true,
            "participant_limit": 7, "members": 1, "ended": false,
        })
    );
}

#[tokio::test]
async fn a_wish_out_of_bounds_is_invalid() {
    let house = House::open().await;
    for wish in [
        json!({"name": "x".repeat(121)}),
        json!({"name": "a\u{7}b"}),
        json!({"name": 7}),
        json!({"host_name": ""}),
        json!({"host_name": "x".repeat(65)}),
        json!({"password": ""}),
        json!({"password": "x".repeat(257)}),
        json!({"participant_limit": 0}),
        json!({"participant_limit": 100_001}),
        json!({"participant_limit": -1}),
        json!({"participant_limit": 1.5}),
        json!({"locked": "yes"}),
        json!({"colour": "red"}),
        json!([]),
        json!("x"),
    ] {
        let answer = create(&house, &wish).await;
        assert_eq!(answer.status(), 400, "{wish}");
        problem(answer, 400, "invalid").await;
    }
    for wish in [
        json!({"name": "ü".repeat(120)}),
        json!({"participant_limit": 1}),
        json!({"participant_limit": 100_000}),
        json!({"password": "x".repeat(256)}),
    ] {
        assert_eq!(create(&house, &wish).await.status(), 201, "{wish}");
    }
}

#[tokio::test]
async fn a_body_must_be_json_say_so_and_be_short() {
    let house = House::open().await;
    let post = |kind: &'static str, body: String| {
        house
            .request(Method::POST, "/api/rooms")
            .header("content-type", kind)
            .body(body)
            .send()
    };
    let json = "application/json; charset=utf-8";
    assert_eq!(post(json, "{}".into()).await.unwrap().status(), 201);
    for text in ["{", "nonsense", "{\"name\":\"\u{0}\"}", "{} {}", "\u{feff}{}"] {
        let answer = post("application/json", text.into()).await.unwrap();
        problem(answer, 400, "invalid").await;
    }
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/problem+json",
    ] {
        problem(post(kind, "{}".into()).await.unwrap(), 415, "unsupported").await;
    }
    let untyped = house.request(Method::POST, "/api/rooms").body("{}");
    problem(untyped.send().await.unwrap(), 415, "unsupported").await;
    let padded = |bytes: usize| format!("{{}}{}", " ".repeat(bytes - 2));
    let fits = post("application/json", padded(64 << 10)).await.unwrap();
    assert_eq!(fits.status(), 201);
    let long = post("application/json", padded((64 << 10) + 1)).await.unwrap();
    problem(long, 413, "too_large").await;
}

#[tokio::test]
async fn a_room_that_is_none_is_not_found() {
    let house = House::open().await;
    for id in ["00000000000000000000000000", "nonsense", "%FF", "x%2Fy"] {
        let path = format!("/api/rooms/{id}");
        problem(house.get(&path).send().await.unwrap(), 404, "not_found").await;
        let join = house.post(&format!("{path}/join"), &json!({"name": "Bob"}));
        problem(join.send().await.unwrap(), 404, "not_found").await;
        let token = house.room().await.token;
        let delete = house.request(Method::DELETE, &path).bearer_auth(token);
        let refused = delete.send().await.unwrap();
        assert!([401, 404].contains(&refused.status().as_u16()));
    }
}

#[tokio::test]
async fn a_newcomer_gets_a_token_of_its_own() {
    let house = House::open().await;
    let room = house.room().await;
    let _host = house.host(&room).await;
    let mut ids = Vec::new();
    for wish in [
        json!({"name": "Bob"}),
        json!({"name": "Bob", "role": "participant"}),
        json!({"name": "Vi", "role": "viewer"}),
    ] {
        let answer = join(&house, &room, &wish).await;
        assert_eq!(answer.status(), 200);
        let granted: Value = answer.json().await.unwrap();
        let token = json!({"token": granted["token"]});
        let member = house.socket().await.enter(&room.topic(), token).await;
        assert_eq!(member.joined["participant_id"], granted["participant_id"]);
        let members = member.joined["snapshot"]["members"].as_array().unwrap();
        let me = members.last().unwrap();
        assert_eq!(me["role"], *wish.get("role").unwrap_or(&json!("participant")));
        ids.push(granted["participant_id"].as_str().unwrap().to_owned());
    }
    ids.dedup();
    assert_eq!(ids.len(), 3);
    for wish in [
        json!({}),
        json!({"name": ""}),
        json!({"name": "x".repeat(65)}),
        json!({"name": "Eve", "role": "host"}),
        json!({"name": "Eve", "role": "moderator"}),
        json!({"name": "Eve", "participant_id": room.host}),
    ] {
        problem(join(&house, &room, &wish).await, 400, "invalid").await;
    }
}

#[tokio::test]
async fn a_locked_or_ended_room_gives_no_token() {
    let house = House::open().await;
    let room = house.create(json!({"locked": true})).await;
    let wish = json!({"name": "Bob"});
    problem(join(&house, &room, &wish).await, 403, "locked").await;
    assert_eq!(end(&house, &room, &room.token).await.status(), 204);
    problem(join(&house, &room, &wish).await, 410, "ended").await;
    assert_eq!(show(&house, &room).await["ended"], true);
}

#[tokio::test]
async fn a_password_is_asked_for_and_guessing_is_counted_and_limited() {
    let counters = Counters::new();
    let _counting = counters.count();
    let house = House::with(|config| config.limits.passwords = only(3.0)).await;
    let room = house.create(json!({"password": "open sesame"})).await;
    let other = house.create(json!({"password": "open sesame"})).await;
    let wish = |password: &str| json!({"name": "Bob", "password": password});
    for _ in 0..4 {
        // No guess at all.
        let answer = join(&house, &room, &json!({"name": "Bob"})).await;
        problem(answer, 403, "wrong_password").await;
    }
    for _ in 0..4 {
        // An office behind one address.
        let right = join(&house, &room, &wish("open sesame")).await;
        assert_eq!(right.status(), 200);
    }
    for guess in ["sesame", &"x".repeat(300), "open"] {
        problem(join(&house, &room, &wish(guess)).await, 403, "wrong_password").await;
    }
    assert_eq!(counters.value(WRONG_PASSWORDS), 3.0);
    let limited = join(&house, &room, &wish("open sesame")).await;
    assert!(limited.headers().contains_key("retry-after"));
    let limited = problem(limited, 429, "rate_limited").await;
    assert!(limited["retry_after_ms"].as_u64().unwrap() > 0);
    let elsewhere = join(&house, &other, &wish("open sesame")).await;
    assert_eq!(elsewhere.status(), 200, "each room is guessed for itself");
}

#[tokio::test]
async fn before_anyone_came_the_room_is_its_creators() {
    let house = House::open().await;
    let room = house.room().await;
    let guest = house.token(&room, json!({"name": "Bob"})).await;
    problem(
        change(&house, &room, &guest, json!({"name": "mine"})).await,
        403,
        "not_joined",
    )
    .await;
    problem(end(&house, &room, &guest).await, 403, "not_joined").await;
    let changed = change(
        &house,
        &room,
        &room.token,
        json!({"name": "Tea", "password": "x"}),
    )
    .await;
    assert_eq!(changed.status(), 200);
    let changed: Value = changed.json().await.unwrap();
    assert_eq!(
        (&changed["name"], &changed["has_password"]),
        (&json!("Tea"), &json!(true))
    );
    assert_eq!(end(&house, &room, &room.token).await.status(), 204);
    assert_eq!(show(&house, &room).await["ended"], true);
}

#[tokio::test]
async fn once_someone_is_in_the_creator_who_is_not_has_no_say() {
    let house = House::open().await;
    let room = house.room().await;
    let _guest = house.guest(&room, "Bob").await;
    problem(end(&house, &room, &room.token).await, 403, "not_joined").await;
}

#[tokio::test]
async fn a_host_changes_and_ends_its_room_by_token_or_resume_secret() {
    let house = House::open().await;
    let room = house.room().await;
    let mut host = house.host(&room).await;
    let secret = host.resume().to_owned();
    for (bearer, name) in [(&room.token, "One"), (&secret, "Two")] {
        let wish = json!({"name": name, "lobby": true, "participant_limit": 5});
        let changed = change(&house, &room, bearer, wish).await;
        assert_eq!(changed.status(), 200);
        let changed: Value = changed.json().await.unwrap();
        assert_eq!(changed, show(&house, &room).await);
        assert_eq!(changed["name"], name);
        let heard = host
            .until("the change", |frame| {
                frame[3] == "settings_changed" && frame[4]["room"]["name"] == name
            })
            .await;
        assert_eq!(heard[4]["by"], room.host);
    }
    let set = change(&house, &room, &secret, json!({"password": "x"})).await;
    assert_eq!(set.json::<Value>().await.unwrap()["has_password"], true);
    let kept = change(&house, &room, &secret, json!({"name": "Three"})).await;
    assert_eq!(kept.json::<Value>().await.unwrap()["has_password"], true);
    let gone = change(&house, &room, &secret, json!({"password": null})).await;
    assert_eq!(gone.json::<Value>().await.unwrap()["has_password"], false);
    for wish in [
        json!({"participant_limit": 0}),
        json!({"colour": 1}),
        json!({"password": ""}),
    ] {
        problem(change(&house, &room, &secret, wish).await, 400, "invalid").await;
    }
    assert_eq!(end(&house, &room, &secret).await.status(), 204);
    assert_eq!(host.hears("room_ended").await["reason"], "host");
    problem(end(&house, &room, &secret).await, 410, "ended").await;
}

#[tokio::test]
async fn a_participant_may_not_and_a_stranger_is_nobody() {
    let house = House::open().await;
    let room = house.room().await;
    let other = house.room().await;
    let _host = house.host(&room).await;
    let guest = house.guest(&room, "Bob").await;
    let secret = guest.resume().to_owned();
    for method in [Method::PATCH, Method::DELETE] {
        let ask =
            async |bearer| as_bearer(&house, method.clone(), &room, bearer, &json!({"name": "x"})).await;
        problem(ask(Some(&secret)).await, 403, "forbidden").await;
        let operator = house.keys.operator_token(videorooms_gateway::auth::JOIN_TTL);
        let forged = format!("{}.{}", room.host, secret.split_once('.').unwrap().1);
        for bearer in ["", "nonsense", &other.token, &operator, &forged] {
            problem(ask(Some(bearer)).await, 401, "unauthorized").await;
        }
        let nobody = ask(None).await;
        assert_eq!(nobody.headers()["www-authenticate"], "Bearer");
        problem(nobody, 401, "unauthorized").await;
    }
    assert_eq!(show(&house, &room).await["ended"], false);
}

#[tokio::test]
async fn a_room_whose_store_is_away_is_told_to_be_unavailable() {
    let house = House::open().await;
    house.faults.down("no disk");
    let refused = create(&house, &json!({})).await;
    assert!(refused.headers().contains_key("retry-after"));
    let refused = problem(refused, 503, "unavailable").await;
    assert!(!refused.to_string().contains("no disk"));
}
