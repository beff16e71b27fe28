//! Clients on loopback that stand in for browsers.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::net::UdpSocket;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::media::{Direction, MediaKind, Mid};
use str0m::net::{Protocol, Receive};
use str0m::rtp::RtpWrite;
use str0m::{Candidate, Event, Input, Output, Rtc};
use videorooms_domain::Source;
use videorooms_sfu::contract::{Client, Clients};
use videorooms_sfu::{Answer, Offer, PeerId};

/// One look at the network takes no longer.
const LOOK: Duration = Duration::from_millis(2);
/// A VP8 keyframe of one packet, with picture id 0x0101 and layer index 1.
const KEYFRAME: [u8; 10] = [0x90, 0xe0, 0x81, 0x01, 0x01, 0x00, 0x10, 1, 2, 3];

/// Makes them.
pub(crate) struct Browsers;

impl Clients for Browsers {
    fn client(&self) -> Box<dyn Client + '_> {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(LOOK)).unwrap();
        let mut rtc = Rtc::builder()
            .clear_codecs()
            .enable_opus(true, false)
            .enable_vp8(true)
            .set_rtp_mode(true)
            .build(Instant::now());
        rtc.add_local_candidate(Candidate::host(socket.local_addr().unwrap(), "udp").unwrap());
        Box::new(Browser {
            rtc: Box::new(rtc),
            socket,
            pending: None,
            tracks: Vec::new(),
            received: HashMap::new(),
        })
    }
}

struct Browser {
    rtc: Box<Rtc>,
    socket: UdpSocket,
    pending: Option<SdpPendingOffer>,
    /// And how many packets it sent of each.
    tracks: Vec<(Mid, Source, u32)>,
    received: HashMap<String, usize>,
}

#[async_trait]
impl Client for Browser {
    fn offer(&mut self, sources: &[Source], pairs: usize) -> Offer {
        let mut api = self.rtc.sdp_api();
        for source in sources {
            let mid = api.add_media(kind(*source), Direction::SendOnly, None, None, None);
            self.tracks.push((mid, *source, 0));
        }
        for _ in 0..pairs {
            for kind in [MediaKind::Audio, MediaKind::Video] {
                api.add_media(kind, Direction::RecvOnly, None, None, None);
            }
        }
        let (offer, pending) = api.apply().unwrap();
        self.pending = Some(pending);
        let tracks = self
            .tracks
            .iter()
            .map(|(mid, source, _)| (mid.to_string(), *source));
        Offer {
            r#gen: 1,
            sdp: offer.to_sdp_string(),
            tracks: tracks.collect(),
        }
    }

    fn answered(&mut self, _peer: PeerId, answer: Answer) {
        let answer = SdpAnswer::from_sdp_string(&answer.sdp).unwrap();
        let pending = self.pending.take().unwrap();
        self.rtc.sdp_api().accept_answer(pending, answer).unwrap();
    }

    async fn send(&mut self, source: Source) {
        if !self.rtc.is_connected() {
            return;
        }
        let track = self.tracks.iter_mut().find(|(_, own, _)| *own == source);
        let (mid, _, sent) = track.unwrap();
        *sent += 1;
        let (mid, sent) = (*mid, *sent);
        let pt = self.rtc.media(mid).unwrap().remote_pts()[0];
        let (timestamp, payload) = match kind(source) {
            MediaKind::Audio => (sent * 960, vec![1, 2, 3]),
            MediaKind::Video => (sent * 3000, KEYFRAME.to_vec()),
        };
        let seq = u64::from(sent);
        let write = RtpWrite::new(pt, seq.into(), timestamp, Instant::now(), payload).marker(true);
        let mut api = self.rtc.direct_api();
        api.stream_tx_by_mid(mid, None).unwrap().write_rtp(write);
        self.rtc.handle_input(Input::Timeout(Instant::now())).unwrap();
        self.drain();
    }

    async fn received(&mut self, mid: &str) -> usize {
        self.rtc.handle_input(Input::Timeout(Instant::now())).unwrap();
        self.drain();
        while self.read() {}
        self.received.get(mid).copied().unwrap_or_default()
    }
}

impl Browser {
    /// Takes one datagram; false when none came.
    fn read(&mut self) -> bool {
        let mut buffer = [0; 2000];
        match self.socket.recv_from(&mut buffer) {
            Ok((length, from)) => {
                let to = self.socket.local_addr().unwrap();
                let datagram = Receive::new(Protocol::Udp, from, to, &buffer[..length]).unwrap();
                self.rtc
                    .handle_input(Input::Receive(Instant::now(), datagram))
                    .unwrap();
                self.drain();
                true
            }
            Err(error) => {
                assert!(matches!(
                    error.kind(),
                    ErrorKind::WouldBlock | ErrorKind::TimedOut
                ));
                false
            }
        }
    }

    fn drain(&mut self) {
        loop {
            match self.rtc.poll_output().unwrap() {
                Output::Timeout(_) => return,
                Output::Transmit(out) => {
                    self.socket.send_to(&out.contents, out.destination).unwrap();
                }
                Output::Event(Event::RtpPacket(packet)) => {
                    let mut api = self.rtc.direct_api();
                    let mid = api.stream_rx(&packet.header.ssrc).unwrap().mid();
                    *self.received.entry(mid.to_string()).or_default() += 1;
                }
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
