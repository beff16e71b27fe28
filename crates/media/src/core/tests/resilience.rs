//! Silence, noise, restarts and broken sessions.

use std::net::SocketAddr;
use std::time::Duration;

use str0m::ice::StunMessage;

use crate::command::OfferWish;
use crate::config::Limits;
use crate::{MediaError, Source};

use super::world::{SERVER, World};

#[test]
fn a_silent_peer_is_closed_after_eight_seconds() {
    let mut world = World::new();
    let (anna, ben) = (world.join(1), world.join(2));
    world.clients[ben].frozen = true;
    world.run(Duration::from_millis(7500));
    assert_eq!(world.clients[ben].reset_reason(), None);
    world.run(Duration::from_secs(1));
    assert_eq!(world.clients[ben].reset_reason(), Some("idle"));
    assert!(world.clients[anna].slots().is_empty());
}

#[test]
fn an_ice_restart_keeps_the_media() {
    let mut world = World::new();
    let (anna, ben) = (world.join(1), world.join(2));
    world.send_video(anna, Source::Camera, true);
    world.offer(anna, &[], 0, true);
    world.run(Duration::from_secs(12));
    assert_eq!(world.clients[anna].reset_reason(), None);
    world.send_video(anna, Source::Camera, true);
    assert_eq!(world.clients[ben].received.len(), 2);
}

#[test]
fn after_an_ice_restart_the_new_name_leads_to_the_peer_and_the_old_one_does_not() {
    let mut world = World::new();
    let anna = world.join(1);
    let peer = world.clients[anna].peer;
    let former = world.core.peers[&peer].credentials.ufrag.clone();
    world.offer(anna, &[], 0, true);
    let present = world.core.peers[&peer].credentials.ufrag.clone();
    assert_ne!(former, present);
    assert_eq!(world.core.demux.named(&present), Some(peer));
    assert_eq!(world.core.demux.named(&former), None);
}

#[test]
fn a_client_that_a_nat_gave_another_address_is_heard_and_hears_again_after_its_next_check() {
    let mut world = World::new();
    let (anna, ben) = (world.join(1), world.join(2));
    for (round, port) in [999, 998, 997].into_iter().enumerate() {
        world.clients[anna].seen_as = Some(SocketAddr::from(([203, 0, 113, 9], port)));
        // It checks its connection every three seconds and knows of no change.
        world.run(Duration::from_millis(3100));
        world.send_video(anna, Source::Camera, true);
        world.send_video(ben, Source::Camera, true);
        assert_eq!(world.clients[ben].received.len(), round + 1);
        assert_eq!(world.clients[anna].received.len(), round + 1);
    }
    world.run(Duration::from_secs(30));
    assert_eq!(world.clients[anna].reset_reason(), None);
    world.send_video(ben, Source::Camera, true);
    assert_eq!(world.clients[anna].received.len(), 4);
}

#[test]
fn a_check_that_its_client_did_not_sign_moves_no_media() {
    let mut world = World::new();
    let (anna, ben) = (world.join(1), world.join(2));
    let (former, present) = (world.clients[anna].address, "203.0.113.9:999".parse().unwrap());
    let nominates =
        |datagram: &&Vec<u8>| StunMessage::parse(datagram).is_ok_and(|check| check.use_candidate());
    let signed = world.clients[anna].sent.iter().find(nominates).unwrap().clone();
    let mut forged = signed.clone();
    // A fingerprint of 8 bytes comes last, before it the 20 bytes of the signature.
    let signature = forged.len() - 8 - 20;
    forged[signature] ^= 1;
    world.clients[anna].seen_as = Some(present);
    world.run(Duration::from_millis(3100));
    for source in [former, "198.51.100.1:1".parse().unwrap()] {
        world
            .core
            .handle_datagram(world.now, source, SERVER.parse().unwrap(), &forged);
    }
    world.send_video(ben, Source::Camera, true);
    assert_eq!(world.clients[anna].received.len(), 1);
    world
        .core
        .handle_datagram(world.now, former, SERVER.parse().unwrap(), &signed);
    world.send_video(ben, Source::Camera, false);
    assert_eq!(
        world.clients[anna].received.len(),
        1,
        "the signed one would have moved it"
    );
}

#[test]
fn a_client_may_change_its_address() {
    let mut world = World::new();
    let (anna, ben) = (world.join(1), world.join(2));
    let moved: SocketAddr = "10.9.9.9:1234".parse().unwrap();
    world.clients[anna]
        .rtc
        .add_local_candidate(str0m::Candidate::host(moved, "udp").unwrap());
    world.clients[anna].address = moved;
    world.offer(anna, &[], 0, true);
    world.run(Duration::from_secs(3));
    world.send_video(anna, Source::Camera, true);
    assert_eq!(world.clients[ben].received.len(), 1);
}

#[test]
fn a_panic_costs_one_peer_and_not_the_room() {
    let mut world = World::new();
    let (anna, ben, carl) = (world.join(1), world.join(2), world.join(3));
    let peer = world.clients[ben].peer;
    world.core.peers.get_mut(&peer).unwrap().panic_next = true;
    world.send_video(anna, Source::Camera, true);
    world.run(Duration::from_millis(100));
    assert_eq!(world.clients[ben].reset_reason(), Some("failed"));
    assert!(world.clients[carl].slot_of(2, Source::Camera).is_none());
    world.send_video(anna, Source::Camera, false);
    let mid = world.clients[carl].slot_of(1, Source::Camera).unwrap().mid;
    assert_eq!(world.clients[carl].packets(&mid).len(), 2);
}

#[test]
fn a_thousand_datagrams_of_noise_change_nothing() {
    let mut world = World::new();
    let (anna, ben) = (world.join(1), world.join(2));
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for round in 0..1000 {
        let mut bytes: Vec<u8> = (0..random() % 200).map(|_| random() as u8).collect();
        if let Some(first) = bytes.first_mut() {
            // STUN, DTLS, RTP and anything, from a stranger and from a client's own address.
            *first = [0, 22, 128, *first][round % 4];
        }
        let stranger = SocketAddr::from(([10, 0, 7, 7], 1000 + round as u16));
        let known = world.clients[anna].address;
        // Unauthenticated handshake records after the handshake are ignored as well.
        let source = if round % 3 == 0 { known } else { stranger };
        world
            .core
            .handle_datagram(world.now, source, SERVER.parse().unwrap(), &bytes);
    }
    world.run(Duration::from_millis(500));
    world.send_video(anna, Source::Camera, true);
    assert_eq!(world.clients[ben].received.len(), 1);
}

#[test]
fn an_offer_that_makes_no_sense_is_refused() {
    let mut world = World::new();
    let (attached, _) = world.attach(1, None);
    let wish = OfferWish {
        r#gen: 1,
        sdp: "v=0\r\nnonsense".into(),
        tracks: vec![],
    };
    assert!(matches!(
        world.core.offer(world.now, attached.peer, &wish),
        Err(MediaError::Invalid(_))
    ));
}

#[test]
fn a_stale_offer_is_refused_and_so_are_too_many() {
    let mut world = World::new();
    let anna = world.join(1);
    let peer = world.clients[anna].peer;
    let wish = OfferWish {
        r#gen: 1,
        sdp: String::new(),
        tracks: vec![],
    };
    assert_eq!(
        world.core.offer(world.now, peer, &wish),
        Err(MediaError::Invalid("stale gen".into()))
    );
    let refusals: Vec<_> = (0..10)
        .map(|_| world.core.offer(world.now, peer, &wish).unwrap_err())
        .collect();
    let soon = |error: &MediaError| matches!(error, MediaError::TooFast(wait) if *wait <= Duration::from_millis(500));
    assert!(refusals.last().is_some_and(soon), "{refusals:?}");
}

#[test]
fn a_peer_that_offered_and_never_connected_is_closed() {
    let mut world = World::with(Limits {
        connect: Duration::from_secs(2),
        ..Limits::default()
    });
    let anna = world.join(1);
    let sdp = {
        let mut api = world.clients[anna].rtc.sdp_api();
        api.add_media(
            str0m::media::MediaKind::Audio,
            str0m::media::Direction::RecvOnly,
            None,
            None,
            None,
        );
        api.apply().unwrap().0.to_sdp_string()
    };
    let (attached, events) = world.attach(2, None);
    world
        .core
        .offer(
            world.now,
            attached.peer,
            &OfferWish {
                r#gen: 1,
                sdp,
                tracks: vec![],
            },
        )
        .unwrap();
    world.run(Duration::from_secs(3));
    assert_eq!(
        events.lock().unwrap().last(),
        Some(&crate::PeerEvent::Reset("not connected"))
    );
}
