//! Whoever dies, the rooms go on.

use std::time::Instant;

use videorooms_cluster::Place;
use videorooms_domain::ShardId;
use videorooms_rooms::Body;

use super::nodes::Nodes;

fn moved_and_resumed(said: &[Body]) -> bool {
    let moving = said.iter().position(|body| *body == Body::Moving);
    let resumed = said.iter().rposition(|body| matches!(body, Body::Resumed { .. }));
    moving
        .zip(resumed)
        .is_some_and(|(moving, resumed)| moving < resumed)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_is_reached_through_any_node() {
    let nodes = Nodes::new();
    let a = nodes.start("a", 1).await;
    a.until_all_served().await;
    let b = nodes.start("b", 1).await;
    b.until_all_served().await;
    let room = a.room().await;
    a.attach(room, 1).await;
    let attached = b.attach(room, 2).await;
    assert_eq!(
        attached.position.seq.0,
        a.rooms.overview(room).await.unwrap().members as u64 + 2
    );
    a.say(room, 1, "from-a").await.unwrap();
    b.say(room, 2, "from-b").await.unwrap();
    for hub in [&a.hub, &b.hub] {
        hub.until("both lines", |_| hub.chats().len() == 2).await;
        let lines: Vec<_> = hub.chats().into_iter().map(|(_, text)| text).collect();
        assert_eq!(lines, ["from-a", "from-b"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_owner_dies_the_room_goes_on_elsewhere_and_nobody_misses_or_hears_twice() {
    let nodes = Nodes::new();
    let a = nodes.start("a", 1).await;
    a.until_all_served().await;
    let (b, c) = (nodes.start("b", 1).await, nodes.start("c", 1).await);
    b.until_all_served().await;
    c.until_all_served().await;
    let room = a.room().await;
    b.attach(room, 1).await;
    c.attach(room, 2).await;
    b.say(room, 1, "before").await.unwrap();
    a.kill().await;
    let died = Instant::now();
    c.insist(room, 2, "after").await;
    println!(
        "a command was taken {} ms after the owner's death",
        died.elapsed().as_millis()
    );
    b.insist(room, 1, "later").await;
    for hub in [&b.hub, &c.hub] {
        hub.until("all lines", |_| hub.chats().len() >= 3).await;
        hub.until("that the room moved and resumed", moved_and_resumed)
            .await;
        let lines: Vec<_> = hub.chats().into_iter().map(|(_, text)| text).collect();
        assert_eq!(lines, ["before", "after", "later"]);
    }
    let snapshot = b
        .rooms
        .snapshot(room, videorooms_domain::ParticipantId(1))
        .await
        .unwrap()
        .1;
    assert_eq!(
        snapshot.members.len(),
        2,
        "everyone is still there: {:?}",
        snapshot.members
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_shards_go_to_a_newcomer_and_live_rooms_stay() {
    let nodes = Nodes::new();
    let a = nodes.start("a", 1).await;
    a.until_all_served().await;
    let room = a.room().await;
    a.attach(room, 1).await;
    let b = nodes.start("b", 1).await;
    b.until_place("a shard of its own", |_, place| matches!(place, Place::Here(_)))
        .await;
    let place = |shard: ShardId| a.cluster.place(shard);
    assert!(
        matches!(place(room.shard()), Place::Here(_)),
        "a live room does not move"
    );
    a.say(room, 1, "still").await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drained_node_hands_its_rooms_over_and_no_command_fails() {
    let nodes = Nodes::new();
    let a = nodes.start("a", 1).await;
    a.until_all_served().await;
    let b = nodes.start("b", 1).await;
    b.until_place("a shard of its own", |_, place| matches!(place, Place::Here(_)))
        .await;
    let room = a.room().await;
    a.attach(room, 1).await;
    b.attach(room, 2).await;
    let talking = async {
        for line in 0..200 {
            b.say(room, 2, &format!("line-{line}")).await.unwrap();
        }
    };
    let (left, ()) = tokio::join!(a.rooms.hand_over(super::nodes::DEADLINE), talking);
    assert_eq!(left, 0);
    let is_theirs = |shard, place: &Place| shard == room.shard() && matches!(place, Place::Here(_));
    b.until_place("the room", is_theirs).await;
    a.say(room, 1, "from-the-drained").await.unwrap();
    for hub in [&a.hub, &b.hub] {
        hub.until("all lines", |_| hub.chats().len() >= 201).await;
        let mut seqs: Vec<_> = hub.chats().into_iter().map(|(seq, _)| seq).collect();
        let heard = seqs.len();
        assert!(seqs.is_sorted(), "in order");
        seqs.dedup();
        assert_eq!((heard, seqs.len()), (201, 201), "each once");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_that_crashes_is_heard_again_at_every_node() {
    let nodes = Nodes::new();
    let a = nodes.start("a", 1).await;
    a.until_all_served().await;
    let b = nodes.start("b", 1).await;
    b.until_all_served().await;
    let room = a.room().await;
    b.attach(room, 1).await;
    b.say(room, 1, "before").await.unwrap();
    a.rooms.panic_room(room);
    b.insist(room, 1, "after").await;
    b.hub.until("both lines", |_| b.hub.chats().len() == 2).await;
    a.rooms.kill_room(room);
    b.insist(room, 1, "later").await;
    b.hub.until("all lines", |_| b.hub.chats().len() == 3).await;
}
