//! A change costs the routes of the peer that it is about, and nobody else's.

use std::time::Duration;

use crate::{PeerEvent, Source, Sources};

use super::world::{ROOM, World};

/// A room of so many, each with microphone and camera, and slots for everybody else's.
fn call_of(people: u64) -> World {
    let mut world = World::new();
    (1..=people).for_each(|who| {
        world.join_with(who, 12);
    });
    world
}

/// Routes looked at when somebody joins, offers again, may not publish, may again, and leaves.
fn steps_in_a_call_of(people: u64) -> [usize; 5] {
    let mut world = call_of(people);
    let peer = world.clients[0].peer;
    let allow = |world: &mut World, allowed| {
        world.route_steps(|world| world.core.set_publishing(world.now, ROOM, 1, allowed).unwrap())
    };
    let (muzzled, freed) = (allow(&mut world, Sources::NONE), allow(&mut world, Sources::ALL));
    [
        world.route_steps(|world| {
            world.join_with(people + 1, 12);
        }),
        world.route_steps(|world| world.offer(0, &[], 1, false)),
        muzzled,
        freed,
        world.route_steps(|world| world.core.leave(world.now, peer).unwrap()),
    ]
}

#[test]
fn a_change_in_a_call_of_ten_looks_at_the_routes_of_one_peer() {
    let others = 10 - 1;
    // Each of them sends it two tracks and gets two from it.
    let own_routes = 2 * others * 2;
    let [joined, offered, muzzled, freed, left] = steps_in_a_call_of(10);
    assert_eq!(joined, 2 * 10 * 2, "both ways");
    assert!(offered <= own_routes, "{offered}");
    assert_eq!([muzzled, freed], [2 * others; 2]);
    assert_eq!(left, 2 * 10 * 2, "both ways");
}

#[test]
fn a_join_is_one_slot_map_for_each_of_the_others() {
    let mut world = call_of(2);
    let maps = |world: &World| {
        let events = world.clients[0].events.lock().unwrap();
        events
            .iter()
            .filter(|event| matches!(event, PeerEvent::Slots { .. }))
            .count()
    };
    let before = maps(&world);
    world.join_with(3, 12);
    assert_eq!(maps(&world), before + 1);
    let peer = world.clients[1].peer;
    world.core.leave(world.now, peer).unwrap();
    assert_eq!(maps(&world), before + 2);
}

#[test]
fn a_freed_slot_goes_to_who_waits_longest_in_the_order_of_the_room() {
    let mut world = World::new();
    let anna = world.join_with(1, 1);
    let ben = world.join_with(2, 2);
    world.join_with(3, 2);
    assert!(world.clients[anna].slot_of(2, Source::Camera).is_some());
    assert!(world.clients[anna].slot_of(3, Source::Camera).is_none());
    let peer = world.clients[ben].peer;
    world.core.leave(world.now, peer).unwrap();
    let slot = world.clients[anna].slot_of(3, Source::Camera).unwrap();
    world.send_video(2, Source::Camera, true);
    world.run(Duration::from_millis(10));
    assert_eq!(world.clients[anna].packets(&slot.mid).len(), 1);
}

#[test]
fn a_track_that_moves_to_another_m_line_keeps_its_slots() {
    let mut world = call_of(2);
    world.send_video(0, Source::Camera, true);
    let before = world.clients[1].slot_of(1, Source::Camera).unwrap();
    world.clients[0]
        .tracks
        .retain(|(_, source)| *source != Source::Camera);
    world.offer(0, &[Source::Camera], 0, false);
    let after = world.clients[1].slot_of(1, Source::Camera).unwrap();
    assert_eq!((&after.mid, after.muted), (&before.mid, true));
    world.send_video(0, Source::Camera, true);
    assert_eq!(world.clients[1].packets(&before.mid).len(), 2);
}
