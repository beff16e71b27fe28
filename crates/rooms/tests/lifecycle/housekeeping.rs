//! Time passes for rooms that are not in memory, whatever goes wrong at the moment they are woken.

use std::time::Duration;

use tokio::task::JoinHandle;
use videorooms_domain::{EndReason, Event, LeaveReason, ParticipantId, RoomId};
use videorooms_rooms::{Body, RoomsConfig, RoomsError};
use videorooms_store::{MemoryStore, RoomStore};

use crate::support::Node;

fn keep_house(node: &Node) -> JoinHandle<()> {
    let rooms = node.rooms.clone();
    tokio::spawn(async move { rooms.keep_house().await })
}

async fn until_ended(node: &Node, room: RoomId) {
    let ended = |body: &Body| matches!(body, Body::Durable(f) if f.event == Event::Ended { reason: EndReason::Empty });
    node.hub.until_times(room, 1, "the room's end", ended).await;
}

async fn until_forgotten(node: &Node, room: RoomId) {
    for _ in 0..1200 {
        if node.store.load(room).await.unwrap().is_none() {
            return;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    panic!("the room is still stored");
}

#[tokio::test(start_paused = true)]
async fn a_room_whose_time_comes_while_the_store_is_away_is_woken_when_it_is_back() {
    let node = Node::start().await;
    let house = keep_house(&node);
    let room = node.room().await;
    // Past the sweep after the start, and out of memory.
    tokio::time::sleep(RoomsConfig::default().idle_unload * 2).await;
    node.faults.down("the store is away");
    tokio::time::sleep(RoomsConfig::default().grace.empty * 2).await;
    node.faults.up();
    until_ended(&node, room).await;
    house.abort();
}

#[tokio::test(start_paused = true)]
async fn a_room_whose_time_comes_while_there_is_no_place_is_woken_when_there_is() {
    let mut config = RoomsConfig {
        max_live_rooms: 1,
        ..RoomsConfig::default()
    };
    config.grace.empty = Duration::from_secs(30);
    let node = Node::over(MemoryStore::new(), 1, config.clone()).await;
    let house = keep_house(&node);
    let (busy, empty) = (node.room().await, node.room().await);
    node.attach(busy, 1, None).await.unwrap();
    tokio::time::sleep(config.grace.empty * 2).await;
    node.detach(busy, 1);
    // The member's grace, the room's own end and its leaving of memory come first.
    let patience = config.grace.reconnect + config.grace.empty + config.idle_unload;
    tokio::time::sleep(patience).await;
    until_ended(&node, empty).await;
    house.abort();
}

#[tokio::test(start_paused = true)]
async fn a_room_that_dies_with_nobody_attached_still_lets_its_members_go() {
    let node = Node::start().await;
    let house = keep_house(&node);
    let room = node.room().await;
    node.attach(room, 1, None).await.unwrap();
    node.hub.lost(room, 1);
    node.rooms.kill_room(room);
    let gone = Event::MemberLeft {
        participant: ParticipantId(1),
        reason: LeaveReason::Timeout,
    };
    let is_gone = |body: &Body| matches!(body, Body::Durable(f) if f.event == gone);
    node.hub.until_times(room, 1, "that it left", is_gone).await;
    house.abort();
}

#[tokio::test(start_paused = true)]
async fn an_ended_room_is_forgotten_after_its_retention() {
    let node = Node::start().await;
    let house = keep_house(&node);
    let room = node.room().await;
    let config = RoomsConfig::default();
    tokio::time::sleep(config.grace.empty).await;
    until_ended(&node, room).await;
    tokio::time::sleep(config.ended_retention - Duration::from_secs(60)).await;
    assert!(node.rooms.overview(room).await.unwrap().ended);
    until_forgotten(&node, room).await;
    assert_eq!(node.rooms.overview(room).await, Err(RoomsError::NoSuchRoom));
    assert_eq!((node.rooms.live_rooms(), node.rooms.doors()), (0, 0));
    house.abort();
}

#[tokio::test(start_paused = true)]
async fn what_ended_long_before_a_start_is_forgotten_by_it() {
    let config = RoomsConfig {
        ended_retention: Duration::ZERO,
        ..RoomsConfig::default()
    };
    let store = MemoryStore::new();
    let first = Node::over(store.clone(), 1, RoomsConfig::default()).await;
    let house = keep_house(&first);
    let room = first.room().await;
    tokio::time::sleep(config.grace.empty).await;
    until_ended(&first, room).await;
    house.abort();
    first.supervisor.kill();

    let second = Node::over(store, 2, config).await;
    let house = keep_house(&second);
    until_forgotten(&second, room).await;
    house.abort();
}
