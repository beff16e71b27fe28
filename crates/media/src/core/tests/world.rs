//! Clients, a network and a clock for the tests of the core.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use str0m::change::SdpAnswer;
use str0m::media::{Direction, KeyframeRequestKind, MediaKind, Mid};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{ExtensionValues, RtpPacket, RtpWrite};
use str0m::{Candidate, Event, Input, Output, Rtc};

use crate::candidates::Candidates;
use crate::command::{AttachWish, Attached, OfferWish, RoomRules};
use crate::config::Limits;
use crate::core::Core;
use crate::{Delivery, PeerEvent, PeerKey, SlotView, Source, Sources};

pub(super) const ROOM: u128 = 7;
pub(super) const SERVER: &str = "10.0.0.1:50000";
const SENT_KEPT: usize = 64;
const STEP: Duration = Duration::from_millis(5);

/// The core and its clients.
pub(super) struct World {
    pub(super) now: Instant,
    pub(super) core: Core,
    pub(super) clients: Vec<Client>,
    /// What every sink says; events are heard only when it takes them.
    pub(super) delivery: Arc<Mutex<Delivery>>,
    /// Video frames sent, over all clients.
    frames: u64,
    loss: u32,
    /// Datagrams that the weather took.
    pub(super) lost: usize,
    chance: u64,
}

/// A browser's stand-in.
pub(super) struct Client {
    pub(super) rtc: Rtc,
    pub(super) address: SocketAddr,
    pub(super) peer: PeerKey,
    pub(super) attachment: u64,
    pub(super) tracks: Vec<(Mid, Source)>,
    pub(super) events: Arc<Mutex<Vec<PeerEvent>>>,
    pub(super) received: Vec<(Mid, RtpPacket)>,
    pub(super) keyframes_asked: usize,
    pub(super) frozen: bool,
    /// The address that a NAT gives it, which it does not know of.
    pub(super) seen_as: Option<SocketAddr>,
    /// The server said goodbye.
    pub(super) closed: bool,
    /// The first datagrams that it sent.
    pub(super) sent: Vec<Vec<u8>>,
    outgoing: Vec<Vec<u8>>,
    r#gen: u32,
    seq: u64,
    picture: u16,
}

impl World {
    pub(super) fn new() -> Self {
        Self::with(Limits::default())
    }

    pub(super) fn with(limits: Limits) -> Self {
        let now = Instant::now();
        let mut core = Core::new(now, Candidates::of(SERVER.parse().unwrap(), &[]), 1, limits).unwrap();
        let rules = RoomRules {
            max_peers: 100,
            empty_timeout: Duration::from_secs(60),
        };
        core.create_room(now, ROOM, rules).unwrap();
        Self {
            now,
            core,
            clients: Vec::new(),
            delivery: Arc::new(Mutex::new(Delivery::Taken)),
            frames: 0,
            loss: 0,
            lost: 0,
            chance: 1,
        }
    }

    /// How many routes are looked at while something happens.
    pub(super) fn route_steps(&mut self, happen: impl FnOnce(&mut Self)) -> usize {
        let before = self.core.route_steps;
        happen(self);
        self.core.route_steps - before
    }

    pub(super) fn attach(
        &mut self,
        participant: u64,
        peer: Option<PeerKey>,
    ) -> (Attached, Arc<Mutex<Vec<PeerEvent>>>) {
        let events = Arc::new(Mutex::new(Vec::new()));
        let (into, delivery) = (events.clone(), self.delivery.clone());
        let sink = Box::new(move |event| {
            let delivery = *delivery.lock().unwrap();
            if delivery == Delivery::Taken {
                into.lock().unwrap().push(event);
            }
            delivery
        });
        let wish = AttachWish {
            room: ROOM,
            participant,
            publish: Sources::ALL,
            subscribe: true,
            reached: None,
            peer,
            sink,
        };
        (self.core.attach(self.now, wish).unwrap(), events)
    }

    /// A client with microphone, camera and `slots` pairs, connected; gives its index.
    pub(super) fn join_with(&mut self, participant: u64, slots: usize) -> usize {
        let (attached, events) = self.attach(participant, None);
        let address = SocketAddr::from(([10, 0, 1, participant as u8], 40_000));
        let mut rtc = Rtc::builder()
            .clear_codecs()
            .enable_opus(true, false)
            .enable_vp8(true)
            .set_rtp_mode(true)
            .build(self.now);
        rtc.add_local_candidate(Candidate::host(address, "udp").unwrap());
        self.clients.push(Client {
            rtc,
            address,
            peer: attached.peer,
            attachment: attached.attachment,
            tracks: Vec::new(),
            events,
            received: Vec::new(),
            keyframes_asked: 0,
            frozen: false,
            seen_as: None,
            closed: false,
            sent: Vec::new(),
            outgoing: Vec::new(),
            r#gen: 0,
            seq: 1000 * participant,
            picture: 100 * participant as u16,
        });
        let index = self.clients.len() - 1;
        self.offer(index, &[Source::Microphone, Source::Camera], slots, false);
        self.until(|world| world.clients[index].rtc.is_connected());
        self.run(Duration::from_millis(100));
        index
    }

    pub(super) fn join(&mut self, participant: u64) -> usize {
        self.join_with(participant, 8)
    }

    /// Adds m-lines for sources and slots, and has the offer answered.
    pub(super) fn offer(&mut self, index: usize, sources: &[Source], slots: usize, restart: bool) {
        let client = &mut self.clients[index];
        let mut api = client.rtc.sdp_api();
        for source in sources {
            let mid = api.add_media(kind(*source), Direction::SendOnly, None, None, None);
            client.tracks.push((mid, *source));
        }
        for _ in 0..slots {
            api.add_media(MediaKind::Audio, Direction::RecvOnly, None, None, None);
            api.add_media(MediaKind::Video, Direction::RecvOnly, None, None, None);
        }
        if restart {
            api.ice_restart(true);
        }
        let (offer, pending) = api.apply().expect("something changed");
        client.r#gen += 1;
        let tracks = client
            .tracks
            .iter()
            .map(|(mid, source)| (mid.to_string(), *source))
            .collect();
        let wish = OfferWish {
            r#gen: client.r#gen,
            sdp: offer.to_sdp_string(),
            tracks,
        };
        let answer = self.core.offer(self.now, client.peer, &wish).unwrap();
        let answer = SdpAnswer::from_sdp_string(&answer).unwrap();
        let client = &mut self.clients[index];
        client.rtc.sdp_api().accept_answer(pending, answer).unwrap();
        for (mid, _) in client.tracks.iter().rev().take(sources.len()) {
            let mut api = client.rtc.direct_api();
            let stream = api.stream_tx_by_mid(*mid, None).unwrap();
            // A browser resends whatever it is asked for; str0m would stop at a share of what it sent.
            stream.set_rtx_cache(1024, Duration::from_secs(3), None);
        }
    }

    /// An offer as a client without a peer makes it: microphone, camera, and two pairs to receive on.
    pub(super) fn sample_offer(&self) -> String {
        let builder = Rtc::builder()
            .clear_codecs()
            .enable_opus(true, false)
            .enable_vp8(true);
        let mut rtc = builder.build(self.now);
        let mut api = rtc.sdp_api();
        for direction in [Direction::SendOnly, Direction::RecvOnly, Direction::RecvOnly] {
            api.add_media(MediaKind::Audio, direction, None, None, None);
            api.add_media(MediaKind::Video, direction, None, None, None);
        }
        api.apply().expect("something changed").0.to_sdp_string()
    }

    /// Sends one video frame of one packet.
    pub(super) fn send_video(&mut self, index: usize, source: Source, keyframe: bool) {
        self.frames += 1;
        let client = &mut self.clients[index];
        let (now, millis) = (self.now, self.frames as u32 * 33);
        client.picture = client.picture.wrapping_add(1) & 0x7fff;
        let [high, low] = client.picture.to_be_bytes();
        let frame = if keyframe { 0x10 } else { 0x11 };
        let payload = vec![
            0x90,
            0xe0,
            0x80 | high,
            low,
            client.picture as u8,
            0x00,
            frame,
            1,
            2,
            3,
        ];
        client.send(now, source, millis * 90, payload, None);
        self.flush();
    }

    pub(super) fn send_audio(&mut self, index: usize, level: i8) {
        let now = self.now;
        self.clients[index].send(now, Source::Microphone, 960, vec![1, 2, 3, 4], Some(level));
        self.flush();
    }

    /// Lets time pass.
    pub(super) fn run(&mut self, span: Duration) {
        let end = self.now + span;
        while self.now < end {
            self.step();
        }
    }

    /// Lets time pass until it holds; ten virtual seconds at most.
    pub(super) fn until(&mut self, mut holds: impl FnMut(&mut Self) -> bool) {
        let end = self.now + Duration::from_secs(10);
        while !holds(self) {
            assert!(self.now < end, "did not come about in ten seconds");
            self.step();
        }
    }

    /// A video packet stream that runs until the other end decodes: frames at 30/s, keyframes when asked.
    pub(super) fn stream_video(&mut self, index: usize, source: Source, span: Duration) {
        let end = self.now + span;
        let mut answered = self.clients[index].keyframes_asked;
        while self.now < end {
            let asked = self.clients[index].keyframes_asked;
            self.send_video(index, source, asked > answered);
            answered = asked;
            self.run(Duration::from_millis(33));
        }
    }

    fn step(&mut self) {
        self.now += STEP;
        for client in &mut self.clients {
            if !client.frozen {
                client.rtc.handle_input(Input::Timeout(self.now)).unwrap();
            }
        }
        if self.core.next_timeout().is_some_and(|at| at <= self.now) {
            self.core.handle_timeout(self.now);
        }
        self.flush();
    }

    /// Changes the weather: of a hundred datagrams so many are lost, each way; which ones, `weather` decides.
    pub(super) fn lose(&mut self, percent: u32, weather: u64) {
        self.loss = percent;
        self.chance = weather;
    }

    fn is_lost(&mut self) -> bool {
        self.chance = self
            .chance
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let lost = (self.chance >> 33) % 100 < u64::from(self.loss);
        self.lost += usize::from(lost);
        lost
    }

    /// Carries datagrams until nobody has any.
    pub(super) fn flush(&mut self) {
        loop {
            let mut quiet = true;
            for index in 0..self.clients.len() {
                let address = self.clients[index].outside();
                for datagram in self.clients[index].take_datagrams() {
                    quiet = false;
                    if !self.is_lost() {
                        self.core
                            .handle_datagram(self.now, address, SERVER.parse().unwrap(), &datagram);
                    }
                }
            }
            for datagram in self.core.take_datagrams() {
                quiet = false;
                if self.is_lost() {
                    continue;
                }
                let to = self
                    .clients
                    .iter_mut()
                    .rev()
                    .find(|client| client.outside() == datagram.destination);
                if let Some(client) = to.filter(|client| !client.frozen) {
                    client.receive(self.now, &datagram.contents);
                }
            }
            if quiet {
                return;
            }
        }
    }
}

impl Client {
    /// Where its datagrams come from.
    fn outside(&self) -> SocketAddr {
        self.seen_as.unwrap_or(self.address)
    }

    /// The newest slot map.
    pub(super) fn slots(&self) -> Vec<SlotView> {
        let events = self.events.lock().unwrap();
        let maps = events.iter().rev().find_map(|event| match event {
            PeerEvent::Slots { map, .. } => Some(map.clone()),
            PeerEvent::NeedSlots { .. } | PeerEvent::Speakers(_) | PeerEvent::Reset(_) => None,
        });
        maps.unwrap_or_default()
    }

    pub(super) fn slot_of(&self, participant: u64, source: Source) -> Option<SlotView> {
        self.slots()
            .into_iter()
            .find(|slot| slot.participant == participant && slot.source == source)
    }

    pub(super) fn reset_reason(&self) -> Option<&'static str> {
        let events = self.events.lock().unwrap();
        events.iter().find_map(|event| match event {
            PeerEvent::Reset(reason) => Some(*reason),
            PeerEvent::Slots { .. } | PeerEvent::NeedSlots { .. } | PeerEvent::Speakers(_) => None,
        })
    }

    /// Packets received on the m-line of that name.
    pub(super) fn packets(&self, mid: &str) -> Vec<&RtpPacket> {
        self.received
            .iter()
            .filter(|(on, _)| on.to_string() == mid)
            .map(|(_, packet)| packet)
            .collect()
    }

    /// Publishes that source as another stream from now on, as a browser does that replaced its encoder.
    pub(super) fn change_stream(&mut self, source: Source) {
        let (mid, _) = *self
            .tracks
            .iter()
            .find(|(_, own)| *own == source)
            .expect("has such a track");
        let mut api = self.rtc.direct_api();
        let former = api.stream_tx_by_mid(mid, None).unwrap().ssrc();
        api.remove_stream_tx(former);
        let (ssrc, rtx) = (api.new_ssrc(), api.new_ssrc());
        api.declare_stream_tx(ssrc, Some(rtx), mid, None);
        self.seq = 7;
    }

    /// The decoder of that m-line asks for a keyframe.
    pub(super) fn lose_the_picture(&mut self, mid: &str) {
        let mut api = self.rtc.direct_api();
        let stream = api.stream_rx_by_mid(Mid::from(mid), None).unwrap();
        stream.request_keyframe(KeyframeRequestKind::Pli);
    }

    fn send(&mut self, now: Instant, source: Source, timestamp: u32, payload: Vec<u8>, level: Option<i8>) {
        let (mid, _) = *self
            .tracks
            .iter()
            .find(|(_, own)| *own == source)
            .expect("has such a track");
        let pt = self.rtc.media(mid).unwrap().remote_pts()[0];
        self.seq += 1;
        let values = ExtensionValues {
            audio_level: level,
            voice_activity: level.map(|_| true),
            ..Default::default()
        };
        let write = RtpWrite::new(pt, self.seq.into(), timestamp, now, payload)
            .marker(true)
            .nackable(level.is_none())
            .ext_vals(values);
        self.rtc
            .direct_api()
            .stream_tx_by_mid(mid, None)
            .unwrap()
            .write_rtp(write);
        self.rtc.handle_input(Input::Timeout(now)).unwrap();
    }

    fn receive(&mut self, now: Instant, bytes: &[u8]) {
        let datagram = Receive::new(Protocol::Udp, SERVER.parse().unwrap(), self.address, bytes).unwrap();
        self.rtc.handle_input(Input::Receive(now, datagram)).unwrap();
        // str0m keeps one received packet: the next would take its place.
        self.drain();
    }

    /// Everything that it wants to send.
    fn take_datagrams(&mut self) -> Vec<Vec<u8>> {
        if self.frozen {
            return Vec::new();
        }
        self.drain();
        std::mem::take(&mut self.outgoing)
    }

    fn drain(&mut self) {
        loop {
            match self.rtc.poll_output().unwrap() {
                Output::Timeout(_) => return,
                Output::Transmit(datagram) => {
                    if self.sent.len() < SENT_KEPT {
                        self.sent.push(datagram.contents.to_vec());
                    }
                    self.outgoing.push(datagram.contents.to_vec());
                }
                Output::Event(Event::RtpPacket(packet)) => {
                    let mid = self
                        .rtc
                        .direct_api()
                        .stream_rx(&packet.header.ssrc)
                        .unwrap()
                        .mid();
                    self.received.push((mid, packet));
                }
                Output::Event(Event::KeyframeRequest(_)) => self.keyframes_asked += 1,
                Output::Event(Event::Closed) => self.closed = true,
                Output::Event(_) => {}
            }
        }
    }
}

fn kind(source: Source) -> MediaKind {
    match source {
        Source::Microphone | Source::ScreenAudio => MediaKind::Audio,
        Source::Camera | Source::Screen => MediaKind::Video,
    }
}
