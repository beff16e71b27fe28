//! One str0m session, and what the engine remembers of its client.
//!
//! Keeps str0m's contract: each mutation is followed by a drain to `Timeout`. Keeps panics in: str0m fails fast on internal bugs,
//! so every call into it runs under `catch_unwind`, and a peer that failed is never called again.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use str0m::change::SdpOffer;
use str0m::ice::{IceCreds, StunMessage};
use str0m::media::{Direction, KeyframeRequestKind, MediaKind, Mid, Pt, Rid};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{ExtensionValues, RtpPacket, RtpWrite, Ssrc};
use str0m::{Event, Input, Output, Rtc, RtcError};

use crate::budget::Budget;
use crate::event::{Delivery, Sink};
use crate::forwarder::Incoming;
use crate::guard::guarded;
use crate::slots::Slots;
use crate::{Kind, ParticipantKey, PeerEvent, PeerKey, RoomKey, Source, metrics};

/// Resends are kept for 256 packets or 1 s: the cache is most of a peer's memory.
const RTX_PACKETS: usize = 256;
const RTX_AGE: Duration = Duration::from_secs(1);
/// Share of resent bytes in all bytes of a stream's last second past which str0m drops every resend that waits. Its default of 0.15 is six
/// resends among thirty packets, which a slow stream reaches by chance at a loss of 5 %: what is dropped then is missing for good, since
/// receivers soon stop asking. Half is far from chance, and keeps a client from drawing more than twice the media.
const RTX_RATIO_CAP: Option<f32> = Some(0.5);
/// Streams of one peer whose m-line is remembered; more is no browser.
const MAX_STREAMS: usize = 64;

/// A datagram to send.
#[derive(Debug)]
pub(crate) struct Datagram {
    /// Our address that its receiver knows, where the core found it.
    pub(crate) local: Option<IpAddr>,
    pub(crate) destination: SocketAddr,
    pub(crate) contents: Vec<u8>,
}

/// What a session reported, for the core.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every notice is a packet; boxing each would allocate"
)]
pub(crate) enum Notice {
    Connected,
    Closed,
    Packet(RtpPacket),
    KeyframeWanted(Mid),
}

/// Where drained output goes.
#[derive(Default)]
pub(crate) struct Outbox {
    pub(crate) datagrams: Vec<Datagram>,
    pub(crate) notices: VecDeque<(PeerKey, Notice)>,
}

/// The session is of no more use.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("the session panicked")]
    Panicked,
    #[error(transparent)]
    Rtc(#[from] RtcError),
}

/// A track that the peer publishes.
#[derive(Debug)]
pub(crate) struct Track {
    pub(crate) mid: Mid,
    pub(crate) source: Source,
    /// The client said so.
    pub(crate) muted: bool,
    /// Packets have come: clients offer m-lines for sources that are off.
    pub(crate) live: bool,
    /// One layer is forwarded: the first that came.
    pub(crate) rid: Option<Rid>,
    pub(crate) keyframe_asked: Option<Instant>,
    pub(crate) keyframe_wanted: bool,
    /// Loudest level since the last speakers' list.
    pub(crate) level: Option<u8>,
    /// Subscribers and the index of their slot.
    pub(crate) subscribers: Vec<(PeerKey, usize)>,
}

impl Track {
    pub(crate) fn new(mid: Mid, source: Source) -> Self {
        Self {
            mid,
            source,
            muted: false,
            live: false,
            rid: None,
            keyframe_asked: None,
            keyframe_wanted: false,
            level: None,
            subscribers: Vec::new(),
        }
    }

    /// Is there anything to forward.
    pub(crate) fn flows(&self) -> bool {
        self.live && !self.muted
    }
}

/// An m-line after an accepted offer, from our side.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line {
    pub(crate) mid: Mid,
    pub(crate) kind: Kind,
    pub(crate) pt: Pt,
    pub(crate) sends: bool,
    pub(crate) receives: bool,
}

/// One peer.
pub(crate) struct Peer {
    pub(crate) key: PeerKey,
    pub(crate) room: RoomKey,
    pub(crate) participant: ParticipantKey,
    pub(crate) subscribe: bool,
    pub(crate) tracks: Vec<Track>,
    pub(crate) slots: Slots,
    /// Our addresses as its client was told them.
    pub(crate) candidates: Vec<SocketAddr>,
    /// Addresses that reach this peer in the core's table.
    pub(crate) addresses: Vec<SocketAddr>,
    /// Ours, with which its client's checks are named and signed.
    pub(crate) credentials: IceCreds,
    pub(crate) connected: bool,
    pub(crate) last_received: Instant,
    pub(crate) offered_at: Option<Instant>,
    pub(crate) last_gen: Option<u32>,
    pub(crate) offers: Budget,
    /// What the client said of its sources, indexed by source.
    pub(crate) muted: [bool; Source::ALL.len()],
    /// Growth already asked for since the last offer.
    pub(crate) slots_asked: bool,
    /// When str0m wants a timeout, and when the core's table says so.
    pub(crate) deadline: Option<Instant>,
    pub(crate) armed: Option<Instant>,
    rtc: Rtc,
    failed: bool,
    streams: HashMap<Ssrc, (Mid, Option<Rid>)>,
    sink: Option<Sink>,
    attachment: u64,
    slots_due: bool,
    /// Where the client last said that it wants to be sent to.
    path: Option<SocketAddr>,
    #[cfg(test)]
    pub(crate) panic_next: bool,
}

impl Peer {
    pub(crate) fn new(
        now: Instant,
        key: PeerKey,
        room: RoomKey,
        participant: ParticipantKey,
        mut rtc: Rtc,
    ) -> Self {
        Self {
            key,
            room,
            participant,
            subscribe: true,
            tracks: Vec::new(),
            slots: Slots::default(),
            candidates: Vec::new(),
            addresses: Vec::new(),
            credentials: rtc.direct_api().local_ice_credentials(),
            connected: false,
            last_received: now,
            offered_at: None,
            last_gen: None,
            offers: Budget::new(now, 2.0, 8.0),
            muted: [false; Source::ALL.len()],
            slots_asked: false,
            deadline: None,
            armed: None,
            rtc,
            failed: false,
            streams: HashMap::new(),
            sink: None,
            attachment: 0,
            slots_due: false,
            path: None,
            #[cfg(test)]
            panic_next: false,
        }
    }

    /// Did this peer's client make that check: is its integrity right (RFC 8445 section 7.3).
    pub(crate) fn is_from_client(&self, check: &StunMessage<'_>) -> bool {
        let sha1 = str0m::crypto::from_feature_flags().sha1_hmac_provider;
        let verdict = guarded(|| {
            check.verify(self.credentials.pass.as_bytes(), |key, parts| {
                sha1.sha1_hmac(key, parts)
            })
        });
        verdict.unwrap_or(false)
    }

    /// Sends media to that address from now on: a check with USE-CANDIDATE came from there.
    ///
    /// str0m weighs nominations by priority, and a client that a NAT gave another address checks from there with the priority it always had:
    /// str0m would go on sending to the dead address until that fell silent for 15 s. The latest nomination is what a client means.
    pub(crate) fn follow(&mut self, source: SocketAddr) {
        let former = self.path.replace(source);
        if former.is_some_and(|former| former != source) {
            tracing::debug!(peer.id = self.key.0, "media peer has another address");
            metrics::path_changed();
        }
    }

    pub(crate) fn receive(
        &mut self,
        now: Instant,
        source: SocketAddr,
        to: SocketAddr,
        bytes: &[u8],
        outbox: &mut Outbox,
    ) -> Result<(), Failure> {
        self.last_received = now;
        self.guard(|rtc| match Receive::new(Protocol::Udp, source, to, bytes) {
            Ok(datagram) => rtc.handle_input(Input::Receive(now, datagram)),
            // What does not parse is noise, not a failure of the session.
            Err(_) => Ok(()),
        })?;
        self.drain(outbox)
    }

    pub(crate) fn timeout(&mut self, now: Instant, outbox: &mut Outbox) -> Result<(), Failure> {
        self.guard(|rtc| rtc.handle_input(Input::Timeout(now)))?;
        self.drain(outbox)
    }

    /// Accepts an offer; gives the answer and every usable m-line among `mids`.
    pub(crate) fn accept_offer(
        &mut self,
        now: Instant,
        sdp: &str,
        mids: &[Mid],
        outbox: &mut Outbox,
    ) -> Result<(String, Vec<Line>), Failure> {
        let answer = self.guard(|rtc| {
            let offer =
                SdpOffer::from_sdp_string(sdp).map_err(|error| RtcError::RemoteSdp(error.to_string()))?;
            Ok(rtc.sdp_api().accept_offer(offer)?.to_sdp_string())
        })?;
        self.timeout(now, outbox)?;
        self.streams.clear();
        let known: Vec<Mid> = self.slots.all.iter().map(|slot| slot.mid).collect();
        let (lines, credentials) = self.guard(|rtc| {
            let lines: Vec<Line> = mids.iter().filter_map(|mid| line(rtc, *mid)).collect();
            for new in lines
                .iter()
                .filter(|line| line.sends && !known.contains(&line.mid))
            {
                if let Some(stream) = rtc.direct_api().stream_tx_by_mid(new.mid, None) {
                    stream.set_rtx_cache(RTX_PACKETS, RTX_AGE, RTX_RATIO_CAP);
                }
            }
            Ok((lines, rtc.direct_api().local_ice_credentials()))
        })?;
        self.credentials = credentials;
        self.timeout(now, outbox)?;
        Ok((answer, lines))
    }

    /// Index of the track that a received stream belongs to, if that layer is forwarded.
    pub(crate) fn track_of(&mut self, ssrc: Ssrc) -> Option<usize> {
        let (mid, rid) = match self.streams.get(&ssrc) {
            Some(known) => *known,
            None => {
                let found = self.guard(|rtc| {
                    Ok(rtc
                        .direct_api()
                        .stream_rx(&ssrc)
                        .map(|stream| (stream.mid(), stream.rid())))
                });
                let found = found.ok().flatten()?;
                if self.streams.len() >= MAX_STREAMS {
                    self.streams.clear();
                }
                self.streams.insert(ssrc, found);
                found
            }
        };
        let index = self.tracks.iter().position(|track| track.mid == mid)?;
        let track = &mut self.tracks[index];
        track.rid = track.rid.or(rid);
        (track.rid == rid).then_some(index)
    }

    /// Sends a publisher's packet on one of this peer's slots, if it is its turn.
    pub(crate) fn forward(
        &mut self,
        now: Instant,
        slot: usize,
        incoming: &Incoming<'_>,
        outbox: &mut Outbox,
    ) -> Result<bool, Failure> {
        if !self.connected {
            return Ok(false);
        }
        let Some(slot) = self.slots.all.get_mut(slot) else {
            return Ok(false);
        };
        let Some(out) = slot.forwarder.forward(now, incoming) else {
            return Ok(false);
        };
        let (mid, pt, nackable) = (slot.mid, slot.pt, slot.kind == Kind::Video);
        let packet = incoming.packet;
        let mut write = RtpWrite::new(
            pt,
            out.seq.into(),
            out.timestamp,
            packet.timestamp,
            packet.payload.clone(),
        )
        .marker(packet.header.marker)
        .nackable(nackable)
        .ext_vals(carried(&packet.header.ext_vals));
        if let Some(patch) = out.patch {
            write = write.vp8_patch(patch);
        }
        let written = self.guard(|rtc| {
            let mut api = rtc.direct_api();
            let stream = api.stream_tx_by_mid(mid, None);
            Ok(stream.map(|stream| stream.write_rtp(write)).is_some())
        })?;
        // str0m sends what was written when time moves.
        self.timeout(now, outbox)?;
        Ok(written)
    }

    /// Sends a PLI for a track. Nothing to do before its first packet: streams start with a keyframe.
    pub(crate) fn request_keyframe(
        &mut self,
        now: Instant,
        track: usize,
        outbox: &mut Outbox,
    ) -> Result<(), Failure> {
        let (mid, rid) = (self.tracks[track].mid, self.tracks[track].rid);
        self.guard(|rtc| {
            if let Some(stream) = rtc.direct_api().stream_rx_by_mid(mid, rid) {
                stream.request_keyframe(KeyframeRequestKind::Pli);
            }
            Ok(())
        })?;
        self.timeout(now, outbox)
    }

    /// Says goodbye (RTCP BYE, DTLS close_notify), then tells the client.
    pub(crate) fn close(&mut self, now: Instant, reason: &'static str, outbox: &mut Outbox) {
        if self.guard(Rtc::close).is_ok() && self.drain(outbox).is_ok() {
            // A failure on the way out changes nothing.
            let _ = self.timeout(now, outbox);
        }
        self.tell(PeerEvent::Reset(reason));
        self.sink = None;
    }

    /// Drops the session, whose destructor may find itself as broken as it was.
    pub(crate) fn discard(self) {
        let rtc = self.rtc;
        let _ = catch_unwind(AssertUnwindSafe(move || drop(rtc)));
    }

    pub(crate) fn attach(&mut self, attachment: u64, sink: Sink) {
        self.attachment = attachment;
        self.sink = Some(sink);
        self.slots_due = true;
    }

    /// Nothing to do when another socket was attached meanwhile.
    pub(crate) fn detach(&mut self, attachment: u64) {
        if self.attachment == attachment {
            self.sink = None;
        }
    }

    /// May it receive, and did it offer to.
    pub(crate) fn receives(&self) -> bool {
        self.subscribe && self.offered_at.is_some()
    }

    pub(crate) fn is_attached(&self) -> bool {
        self.sink.is_some()
    }

    /// Hands an event to the client; false when its queue is full.
    pub(crate) fn tell(&mut self, event: PeerEvent) -> bool {
        let Some(sink) = &mut self.sink else { return false };
        match sink(event) {
            Delivery::Taken => true,
            Delivery::Full => false,
            Delivery::Gone => {
                self.sink = None;
                false
            }
        }
    }

    pub(crate) fn slots_changed(&mut self) {
        self.slots_due = true;
    }

    /// Offers the newest slot map until the client's queue took it.
    pub(crate) fn tell_slots(&mut self) {
        if self.slots_due && self.sink.is_some() {
            let map = self.slots.view();
            self.slots_due = !self.tell(PeerEvent::Slots {
                rev: self.slots.rev,
                map,
            });
        }
    }

    fn drain(&mut self, outbox: &mut Outbox) -> Result<(), Failure> {
        let (key, path) = (self.key, self.path);
        let deadline = self.guard(|rtc| {
            loop {
                match rtc.poll_output()? {
                    Output::Timeout(at) => return Ok(rtc.is_alive().then_some(at)),
                    Output::Transmit(datagram) => {
                        // An answer to a check goes back to where that came from.
                        let path = path.filter(|_| !is_stun(&datagram.contents));
                        outbox.datagrams.push(Datagram {
                            local: None,
                            destination: path.unwrap_or(datagram.destination),
                            contents: datagram.contents.into(),
                        });
                    }
                    Output::Event(event) => {
                        outbox.notices.extend(notice(event).map(|notice| (key, notice)));
                    }
                }
            }
        })?;
        self.deadline = deadline;
        Ok(())
    }

    /// Runs something on the session; after a failure nothing more.
    fn guard<T>(&mut self, run: impl FnOnce(&mut Rtc) -> Result<T, RtcError>) -> Result<T, Failure> {
        if self.failed {
            return Err(Failure::Panicked);
        }
        let rtc = &mut self.rtc;
        #[cfg(test)]
        let panic_next = std::mem::take(&mut self.panic_next);
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            #[cfg(test)]
            assert!(!panic_next, "injected");
            run(rtc)
        }));
        match outcome {
            Ok(result) => Ok(result?),
            Err(_) => {
                self.failed = true;
                Err(Failure::Panicked)
            }
        }
    }
}

/// STUN and nothing else starts with 0 or 1 (RFC 7983, with the method that ICE uses).
pub(crate) fn is_stun(datagram: &[u8]) -> bool {
    datagram.first().is_some_and(|first| *first <= 1)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "str0m's enum is not exhaustive")]
fn notice(event: Event) -> Option<Notice> {
    match event {
        Event::Connected => Some(Notice::Connected),
        Event::Closed => Some(Notice::Closed),
        Event::RtpPacket(packet) => Some(Notice::Packet(packet)),
        Event::KeyframeRequest(request) => Some(Notice::KeyframeWanted(request.mid)),
        // The rest is statistics, data channels and what an offer already told us.
        _ => None,
    }
}

fn line(rtc: &Rtc, mid: Mid) -> Option<Line> {
    let media = rtc.media(mid)?;
    let kind = match media.kind() {
        MediaKind::Audio => Kind::Audio,
        MediaKind::Video => Kind::Video,
    };
    // The session knows Opus and VP8 only, and one of them per kind.
    let codecs = rtc.codec_config();
    let pt = *media
        .remote_pts()
        .iter()
        .find(|pt| codecs.find(|params| params.pt() == **pt).is_some())?;
    let (sends, receives) = match media.direction() {
        Direction::SendOnly => (true, false),
        Direction::RecvOnly => (false, true),
        Direction::SendRecv => (true, true),
        Direction::Inactive => (false, false),
    };
    Some(Line {
        mid,
        kind,
        pt,
        sends,
        receives,
    })
}

/// Header extensions that mean the same in every session; ids of m-lines and layers must not leak into another's.
fn carried(values: &ExtensionValues) -> ExtensionValues {
    ExtensionValues {
        audio_level: values.audio_level,
        voice_activity: values.voice_activity,
        video_orientation: values.video_orientation,
        ..ExtensionValues::default()
    }
}
