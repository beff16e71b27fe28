//! Whoever supervises rooms dies, too: the rooms come back, their members attached as they were.

use ractor::Actor;
use videorooms_domain::{ConnectionState, ParticipantId};
use videorooms_rooms::{Body, RoomsSupervisor};

use crate::crashes::resumed;
use crate::support::Node;

#[tokio::test(start_paused = true)]
async fn dead_supervisors_of_rooms_are_replaced_and_their_rooms_come_back() {
    let node = Node::start().await;
    let mut rooms = Vec::new();
    for who in 1..=20 {
        let room = node.room().await;
        node.attach(room, who, None).await.unwrap();
        rooms.push((room, who));
    }
    kill_children(&node);
    for (room, who) in &rooms {
        node.hub
            .until_times(*room, 1, "that the room is back", resumed)
            .await;
        node.say(*room, *who, "a", "back").await.unwrap();
        let (_, snapshot) = node.rooms.snapshot(*room, ParticipantId(*who)).await.unwrap();
        assert_eq!(snapshot.members[0].state, ConnectionState::Connected);
    }
    assert_eq!(node.rooms.live_rooms(), rooms.len());
}

#[tokio::test(start_paused = true)]
async fn a_new_parent_takes_over_the_rooms_of_a_dead_one() {
    let node = Node::start().await;
    let room = node.room().await;
    node.attach(room, 1, None).await.unwrap();
    node.supervisor.kill();
    node.supervisor.wait(None).await.unwrap();
    let (parent, _) = Actor::spawn(None, RoomsSupervisor, node.rooms.clone())
        .await
        .unwrap();
    node.hub
        .until_times(room, 1, "that the room is back", resumed)
        .await;
    node.say(room, 1, "a", "back").await.unwrap();
    assert_eq!(node.rooms.live_rooms(), 1);

    node.rooms.panic_room(room);
    node.hub
        .until_times(room, 2, "that the new parent's room is back", resumed)
        .await;
    parent.stop(None);
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_that_ends_again_and_again_is_its_parents_end() {
    let node = Node::start().await;
    let room = node.room().await;
    node.attach(room, 1, None).await.unwrap();
    for back in 1..=4 {
        kill_children(&node);
        node.hub
            .until_times(room, back, "that the room is back", resumed)
            .await;
    }
    kill_children(&node);
    // Its own supervisor, the node's, starts it again at its own pace.
    node.supervisor.wait(None).await.unwrap();
    let moving = node
        .hub
        .said(room)
        .iter()
        .filter(|body| **body == Body::Moving)
        .count();
    assert_eq!(moving, 4, "nobody was left to see the fifth end");
    Actor::spawn(None, RoomsSupervisor, node.rooms.clone())
        .await
        .unwrap();
    node.hub
        .until_times(room, 5, "that the room is back after its rest", resumed)
        .await;
}

fn kill_children(node: &Node) {
    for child in node.supervisor.get_children() {
        child.kill();
    }
}
