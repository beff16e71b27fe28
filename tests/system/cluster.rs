//! Three nodes, a Redis and certificates: whoever dies, is paused or leaves, the rooms go on.

use serde_json::json;
use videorooms_tests::ClusterProcesses;

use crate::member::Member;

#[tokio::test]
async fn when_the_owner_is_killed_everyone_stays_and_nothing_is_lost() {
    let mut nodes = ClusterProcesses::start(&["a", "b", "c"]).await;
    nodes.until_whole().await;
    let (room, token) = nodes.room_on("a").await;
    let mut host = Member::join(nodes.node("b"), &room, json!({ "token": token })).await;
    let mut guest = Member::newcomer(nodes.node("c"), &room, "Guest").await;
    let lost = Member::newcomer(nodes.node("a"), &room, "Lost").await;
    host.say("before").await;
    assert_eq!(guest.hear(1).await, ["before"]);

    nodes.take("a").kill().await;
    guest.say("after").await;
    for member in [&mut host, &mut guest] {
        member.until("room_moving").await;
        let resumed = member.until("room_resumed").await;
        assert_ne!(resumed["node"], "a");
    }
    assert_eq!(host.hear(2).await, ["before", "after"]);
    assert_eq!(guest.hear(1).await, ["after"]);

    // Whoever was at the dead node comes back at another one, as the same participant.
    let resume = json!({ "resume": lost.joined["resume"] });
    let back = Member::join(nodes.node("b"), &room, resume).await;
    assert_eq!(back.joined["participant_id"], lost.joined["participant_id"]);
    let members = back.joined["snapshot"]["members"].as_array().unwrap();
    assert_eq!(members.len(), 3, "{members:?}");
    assert!(
        members.iter().all(|member| member["state"] == "connected"),
        "{members:?}"
    );
}

#[tokio::test]
async fn a_paused_owner_is_replaced_and_acknowledges_nothing_when_it_wakes() {
    let mut nodes = ClusterProcesses::start(&["a", "b", "c"]).await;
    nodes.until_whole().await;
    let (room, token) = nodes.room_on("a").await;
    let mut host = Member::join(nodes.node("b"), &room, json!({ "token": token })).await;
    let mut sleeper = Member::newcomer(nodes.node("a"), &room, "Sleeper").await;
    nodes.node("a").pause();
    host.say("while-it-sleeps").await;
    host.until("room_resumed").await;
    nodes.node("a").go_on();
    // What is said to the sleeper is said in the room as it is now, or not at all.
    let line = json!({ "id": "awake", "text": "awake" });
    let said = sleeper
        .client
        .push_unless_closed(&sleeper.topic, "chat_send", line)
        .await;
    let resume = json!({ "resume": sleeper.joined["resume"] });
    let back = Member::join(nodes.node("c"), &room, resume).await;
    assert_eq!(back.joined["participant_id"], sleeper.joined["participant_id"]);
    host.say("later").await;
    let mut expected = vec!["while-it-sleeps", "later"];
    if said.is_some_and(|reply| reply.status == "ok") {
        expected.insert(1, "awake");
    }
    let newcomer = Member::newcomer(nodes.node("b"), &room, "Newcomer").await;
    assert_eq!(newcomer.chat(), expected);
    drop(nodes.take("a"));
}

#[tokio::test]
async fn a_node_that_is_asked_to_stop_hands_its_rooms_over_and_no_operation_fails() {
    let mut nodes = ClusterProcesses::start(&["a", "b"]).await;
    nodes.until_whole().await;
    let (room, token) = nodes.room_on("a").await;
    let mut host = Member::join(nodes.node("b"), &room, json!({ "token": token })).await;
    let leaving = nodes.take("a");
    let mut said = 0;
    let stopping = leaving.terminate();
    tokio::pin!(stopping);
    let (code, _) = loop {
        tokio::select! {
            stopped = &mut stopping => break stopped,
            reply = async {
                let line = json!({ "id": format!("line-{said}"), "text": "on and on" });
                host.client.push(&host.topic, "chat_send", line).await
            } => {
                reply.ok();
                said += 1;
            }
        }
    };
    assert_eq!(code, Some(0));
    let resumed = host.until("room_resumed").await;
    assert_eq!(resumed["node"], "b");
    host.say("the-last").await;
}

#[tokio::test]
async fn a_newcomer_takes_shards_and_rooms_without_a_change_to_anyone_else() {
    let mut nodes = ClusterProcesses::start(&["a"]).await;
    let (room, token) = nodes.node("a").create_room().await;
    let mut host = Member::join(nodes.node("a"), &room, json!({ "token": token })).await;
    nodes.add_identity("d").await;
    nodes.start_node("d").await;
    nodes.until_whole().await;
    nodes.room_on("d").await;
    host.say("still-here").await;
    assert_eq!(host.hear(1).await, ["still-here"]);
}

#[tokio::test]
async fn of_two_nodes_of_one_name_the_later_one_stays() {
    let mut nodes = ClusterProcesses::start(&["a", "b"]).await;
    nodes.until_whole().await;
    let later = nodes.spawn("a").await;
    let (code, _) = nodes.take("a").ended().await;
    assert_eq!(code, Some(1));
    let (room, _) = later.create_room().await;
    let answer = videorooms_tests::get(&nodes.node("b").url(&format!("/api/rooms/{room}"))).await;
    assert_eq!(answer.status(), 200);
}
