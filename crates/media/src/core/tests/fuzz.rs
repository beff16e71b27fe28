//! Offers and datagrams made of real ones by hostile hands. Bytes become edits through `arbitrary`, so a fuzzer can drive the same two
//! functions for longer than a test does.

use std::net::SocketAddr;
use std::time::Duration;

use arbitrary::{Arbitrary, Unstructured};

use crate::command::OfferWish;
use crate::{MediaError, Source};

use super::world::{SERVER, World};

/// A change to a text of lines.
#[derive(Debug, Arbitrary)]
enum Edit {
    Drop(u16),
    Repeat { line: u16, times: u8 },
    Swap(u16, u16),
    Cut { line: u16, at: u8 },
    Splice { line: u16, at: u8, text: Piece },
}

/// Things that mean something somewhere in a session description.
#[derive(Debug, Clone, Copy, Arbitrary)]
enum Piece {
    Huge,
    Negative,
    Empty,
    Mid,
    Ssrc,
    Media,
    Unicode,
    Colon,
}

impl Piece {
    fn text(self) -> &'static str {
        match self {
            Self::Huge => "99999999999999999999",
            Self::Negative => "-1",
            Self::Empty => "",
            Self::Mid => "a=mid:0",
            Self::Ssrc => "a=ssrc:1 cname:x",
            Self::Media => "m=video 9 UDP/TLS/RTP/SAVPF 96 97",
            Self::Unicode => "\u{fe}\u{1f600}",
            Self::Colon => ":",
        }
    }
}

fn edited(sdp: &str, edits: &[Edit]) -> String {
    let mut lines: Vec<String> = sdp.lines().map(str::to_owned).collect();
    for edit in edits {
        let count = lines.len().max(1);
        let at = |line: u16| usize::from(line) % count;
        let (Edit::Drop(line)
        | Edit::Repeat { line, .. }
        | Edit::Swap(line, _)
        | Edit::Cut { line, .. }
        | Edit::Splice { line, .. }) = edit;
        let Some(line) = lines.get(at(*line)).map(|_| at(*line)) else {
            continue;
        };
        let boundary = |text: &str, at: u8| {
            let at = usize::from(at) % (text.len() + 1);
            (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
        };
        match edit {
            Edit::Drop(_) => drop(lines.remove(line)),
            Edit::Repeat { times, .. } => {
                let copies = vec![lines[line].clone(); usize::from(*times)];
                lines.splice(line..line, copies);
            }
            Edit::Swap(_, other) => lines.swap(line, at(*other)),
            Edit::Cut { at, .. } => {
                let at = boundary(&lines[line], *at);
                lines[line].truncate(at);
            }
            Edit::Splice { at, text, .. } => {
                let at = boundary(&lines[line], *at);
                lines[line].insert_str(at, text.text());
            }
        }
    }
    lines.iter().flat_map(|line| [line, "\r\n"]).collect()
}

/// One edited offer to a fresh peer: answered or refused, and the core goes on.
fn try_offer(world: &mut World, sdp: &str, bytes: &[u8]) {
    let edits: Vec<Edit> = Unstructured::new(bytes).arbitrary().unwrap_or_default();
    let (attached, _) = world.attach(9, None);
    let wish = OfferWish {
        r#gen: 1,
        sdp: edited(sdp, &edits),
        tracks: vec![("0".into(), Source::Microphone), ("1".into(), Source::Camera)],
    };
    match world.core.offer(world.now, attached.peer, &wish) {
        Ok(answer) => assert!(answer.starts_with("v=0")),
        Err(error) => assert!(matches!(error, MediaError::Invalid(_)), "{error}"),
    }
    world.core.handle_timeout(world.now);
}

/// A datagram that a client sent, with some bytes changed, from its address or from another.
fn try_datagram(world: &mut World, real: &[u8], bytes: &[u8]) {
    let mut input = Unstructured::new(bytes);
    let mut datagram = real.to_vec();
    let changes: Vec<(u16, u8)> = input.arbitrary().unwrap_or_default();
    for (at, value) in changes {
        let count = datagram.len().max(1);
        if let Some(byte) = datagram.get_mut(usize::from(at) % count) {
            *byte = value;
        }
    }
    let length = input.int_in_range(0..=datagram.len()).unwrap_or(0);
    datagram.truncate(length.max(datagram.len() / 2));
    let stranger = SocketAddr::from(([10, 0, 7, 7], 1000));
    let source = if input.arbitrary().unwrap_or(true) {
        world.clients[0].address
    } else {
        stranger
    };
    world
        .core
        .handle_datagram(world.now, source, SERVER.parse().unwrap(), &datagram);
}

/// Bytes without end, the same each time.
fn noise(seed: u64) -> impl FnMut(usize) -> Vec<u8> {
    let mut state = seed | 1;
    move |length| {
        let next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as u8
        };
        std::iter::repeat_with(next).take(length).collect()
    }
}

#[test]
fn edited_offers_are_answered_or_refused() {
    let mut world = World::new();
    let (anna, ben) = (world.join(1), world.join(2));
    let sdp = world.sample_offer();
    let mut noise = noise(0x5eed);
    for round in 0..300 {
        try_offer(&mut world, &sdp, &noise(8 + round % 120));
    }
    world.send_video(anna, Source::Camera, true);
    assert_eq!(world.clients[ben].received.len(), 1);
}

#[test]
fn edited_datagrams_change_nothing() {
    let mut world = World::new();
    let (anna, ben) = (world.join(1), world.join(2));
    for _ in 0..20 {
        world.send_video(anna, Source::Camera, true);
        world.run(Duration::from_millis(33));
    }
    let corpus = world.clients[anna].sent.clone();
    assert!(corpus.len() > 10, "handshake, checks and media");
    let mut noise = noise(0xda7a);
    for round in 0..3000 {
        try_datagram(&mut world, &corpus[round % corpus.len()], &noise(4 + round % 60));
    }
    world.run(Duration::from_millis(500));
    let before = world.clients[ben].received.len();
    world.send_video(anna, Source::Camera, true);
    assert_eq!(world.clients[ben].received.len(), before + 1);
}
