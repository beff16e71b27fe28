//! Peers come, take their places and go.

use std::time::Duration;

use crate::config::Limits;
use crate::{Delivery, MediaError, PeerEvent, Source, Sources};

use super::world::{ROOM, World};

#[test]
fn a_source_is_muted_until_its_first_packet() {
    let mut world = World::new();
    let (anna, ben) = (world.join(1), world.join(2));
    assert!(world.clients[ben].slot_of(1, Source::Camera).unwrap().muted);
    world.send_video(anna, Source::Camera, true);
    assert!(!world.clients[ben].slot_of(1, Source::Camera).unwrap().muted);
}

#[test]
fn who_leaves_frees_the_slots_for_the_next() {
    let mut world = World::new();
    let (anna, ben) = (world.join_with(1, 1), world.join_with(2, 1));
    let mid = world.clients[anna].slot_of(2, Source::Camera).unwrap().mid;
    let peer = world.clients[ben].peer;
    world.core.leave(world.now, peer).unwrap();
    world.run(Duration::from_millis(50));
    assert!(world.clients[anna].slots().is_empty());
    assert_eq!(world.clients[ben].reset_reason(), Some("left"));
    world.join_with(3, 1);
    assert_eq!(world.clients[anna].slot_of(3, Source::Camera).unwrap().mid, mid);
}

#[test]
fn more_slots_are_asked_for_once_and_used_when_they_come() {
    let mut world = World::new();
    let anna = world.join_with(1, 1);
    world.join_with(2, 8);
    world.join_with(3, 8);
    let asked = |world: &World| {
        let events = world.clients[anna].events.lock().unwrap();
        events
            .iter()
            .filter(|event| **event == PeerEvent::NeedSlots { audio: 8, video: 8 })
            .count()
    };
    world.run(Duration::from_secs(1));
    assert_eq!(asked(&world), 1);
    world.offer(anna, &[], 8, false);
    assert_eq!(world.clients[anna].slots().len(), 4);
    assert_eq!(asked(&world), 1);
}

#[test]
fn a_lost_socket_comes_back_to_its_peer_and_hears_the_slots_again() {
    let mut world = World::new();
    let anna = world.join(1);
    world.join(2);
    let peer = world.clients[anna].peer;
    world.core.detach(peer, world.clients[anna].attachment);
    world.run(Duration::from_secs(20));
    let (attached, events) = world.attach(1, Some(peer));
    assert_eq!((attached.peer, attached.resumed), (peer, true));
    assert!(matches!(events.lock().unwrap().as_slice(), [PeerEvent::Slots { map, .. }] if map.len() == 2));
}

#[test]
fn a_late_goodbye_of_the_former_socket_does_not_detach_the_present_one() {
    let mut world = World::new();
    let anna = world.join(1);
    let (peer, former) = (world.clients[anna].peer, world.clients[anna].attachment);
    let (attached, events) = world.attach(1, Some(peer));
    assert_ne!(attached.attachment, former);
    world.core.detach(peer, former);
    world.core.leave(world.now, peer).unwrap();
    assert_eq!(events.lock().unwrap().last(), Some(&PeerEvent::Reset("left")));
}

#[test]
fn a_peer_of_somebody_else_is_not_resumed() {
    let mut world = World::new();
    let anna = world.join(1);
    let (attached, _) = world.attach(2, Some(world.clients[anna].peer));
    assert!(!attached.resumed);
    assert_eq!(world.clients[anna].reset_reason(), None);
}

#[test]
fn rights_hold_for_those_who_are_not_there_yet() {
    let mut world = World::new();
    let anna = world.join(1);
    world
        .core
        .set_publishing(world.now, ROOM, 2, [Source::Microphone].into_iter().collect())
        .unwrap();
    let ben = world.join(2);
    assert!(world.clients[anna].slot_of(2, Source::Camera).is_none());
    assert!(world.clients[anna].slot_of(2, Source::Microphone).is_some());
    world.send_video(ben, Source::Camera, true);
    assert!(world.clients[anna].received.is_empty());
    world
        .core
        .set_publishing(world.now, ROOM, 2, Sources::ALL)
        .unwrap();
    assert!(world.clients[anna].slot_of(2, Source::Camera).is_some());
}

#[test]
fn a_full_room_takes_nobody_more() {
    let mut world = World::with(Limits {
        peers: 1,
        ..Limits::default()
    });
    world.attach(1, None);
    let wish = crate::AttachWish {
        room: ROOM,
        participant: 2,
        publish: Sources::ALL,
        subscribe: true,
        reached: None,
        peer: None,
        sink: Box::new(|_| crate::Delivery::Taken),
    };
    assert_eq!(world.core.attach(world.now, wish), Err(MediaError::Full("peers")));
}

#[test]
fn an_empty_room_expires() {
    let mut world = World::new();
    assert!(world.core.room_members(ROOM).is_ok());
    world.run(Duration::from_secs(61));
    assert_eq!(world.core.room_members(ROOM), Err(MediaError::NoSuchRoom));
    assert_eq!(world.core.next_timeout(), None);
}

#[test]
fn a_vacant_room_gives_way_to_a_new_one_and_an_occupied_one_does_not() {
    let mut world = World::with(Limits {
        rooms: 2,
        ..Limits::default()
    });
    world.join(1);
    let rules = crate::RoomRules {
        max_peers: 2,
        empty_timeout: Duration::from_secs(60),
    };
    world.core.create_room(world.now, 8, rules).unwrap();
    let kept = world.now + Duration::from_secs(600);
    world.core.keep_room(8, kept).unwrap();
    world.core.create_room(world.now, 9, rules).unwrap();
    assert_eq!(world.core.room_members(8), Err(MediaError::NoSuchRoom));
    assert_eq!(world.core.room_members(ROOM).unwrap().len(), 1);
    let mut crowded = World::with(Limits {
        rooms: 1,
        ..Limits::default()
    });
    crowded.join(1);
    assert_eq!(
        crowded.core.create_room(crowded.now, 8, rules),
        Err(MediaError::Full("rooms"))
    );
}

#[test]
fn a_room_is_kept_for_the_holder_of_a_credential() {
    let mut world = World::new();
    world
        .core
        .keep_room(ROOM, world.now + Duration::from_secs(100))
        .unwrap();
    world.run(Duration::from_secs(99));
    assert!(world.core.room_members(ROOM).is_ok());
    world.run(Duration::from_secs(2));
    assert!(world.core.room_members(ROOM).is_err());
}

#[test]
fn a_full_queue_hears_the_newest_map_and_the_wish_for_slots_later() {
    let mut world = World::new();
    let anna = world.join_with(1, 1);
    *world.delivery.lock().unwrap() = Delivery::Full;
    let ben = world.join(2);
    world.join(3);
    world.send_video(ben, Source::Camera, true);
    world.run(Duration::from_secs(1));
    assert!(world.clients[anna].slots().is_empty());
    *world.delivery.lock().unwrap() = Delivery::Taken;
    world.run(Duration::from_millis(200));
    assert!(!world.clients[anna].slot_of(2, Source::Camera).unwrap().muted);
    let events = world.clients[anna].events.lock().unwrap();
    assert!(events.contains(&PeerEvent::NeedSlots { audio: 8, video: 8 }));
}

#[test]
fn who_does_not_listen_counts_as_detached() {
    let mut world = World::new();
    let anna = world.join(1);
    *world.delivery.lock().unwrap() = Delivery::Gone;
    world.join(2);
    *world.delivery.lock().unwrap() = Delivery::Taken;
    let told = world.clients[anna].events.lock().unwrap().len();
    world.join(3);
    assert_eq!(world.clients[anna].events.lock().unwrap().len(), told);
    let (attached, events) = world.attach(1, Some(world.clients[anna].peer));
    assert!(attached.resumed);
    assert_eq!(events.lock().unwrap().len(), 1);
}

#[test]
fn who_may_not_receive_gets_no_slots() {
    let mut world = World::new();
    let anna = world.join(1);
    let wish = crate::AttachWish {
        room: ROOM,
        participant: 1,
        publish: Sources::ALL,
        subscribe: false,
        reached: None,
        peer: Some(world.clients[anna].peer),
        sink: Box::new(|_| Delivery::Taken),
    };
    world.core.attach(world.now, wish).unwrap();
    let ben = world.join(2);
    world.send_video(ben, Source::Camera, true);
    world.send_audio(ben, -20);
    assert!(world.clients[anna].received.is_empty());
    assert!(world.clients[ben].slot_of(1, Source::Camera).is_some());
}

#[test]
fn growing_leaves_lines_for_what_the_client_may_publish() {
    let mut world = World::with(Limits {
        media_lines: 16,
        slots: 4,
        ..Limits::default()
    });
    let anna = world.join_with(1, 2);
    for other in 2..10 {
        world.join_with(other, 0);
    }
    let asked = world.clients[anna]
        .events
        .lock()
        .unwrap()
        .iter()
        .find_map(|event| match event {
            PeerEvent::NeedSlots { audio, video } => Some((*audio, *video)),
            PeerEvent::Slots { .. } | PeerEvent::Speakers(_) | PeerEvent::Reset(_) => None,
        });
    assert_eq!(asked, Some((4, 4)));
    world.offer(anna, &[], 4, false);
    world.offer(anna, &[Source::Screen, Source::ScreenAudio], 0, false);
}
