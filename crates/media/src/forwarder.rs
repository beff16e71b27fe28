//! Decides, for one slot, which packets of its source go out, and how they are rewritten.
//!
//! Video starts with a keyframe after each bind, each pause and each change of its stream; audio starts at once. Pure.

use std::time::{Duration, Instant};

use str0m::rtp::{RtpPacket, Vp8Descriptor, Vp8Patch};

use crate::Kind;
use crate::munger::{Fields, Munger};

/// Packets of a stream that was replaced may come for so long.
const STRAGGLERS: Duration = Duration::from_secs(2);

/// A packet of a publisher, looked into once for all its subscribers.
pub(crate) struct Incoming<'a> {
    pub(crate) packet: &'a RtpPacket,
    vp8: Option<Vp8Descriptor>,
    keyframe: bool,
}

impl<'a> Incoming<'a> {
    /// `None` for video that is no VP8: no decoder could use it.
    pub(crate) fn parse(kind: Kind, packet: &'a RtpPacket) -> Option<Self> {
        if kind == Kind::Audio || packet.payload.is_empty() {
            return Some(Self {
                packet,
                vp8: None,
                keyframe: false,
            });
        }
        let vp8 = Vp8Descriptor::parse(&packet.payload).ok()?;
        Some(Self {
            packet,
            keyframe: vp8.starts_keyframe(&packet.payload),
            vp8: Some(vp8),
        })
    }

    fn fields(&self) -> Fields {
        Fields {
            seq: *self.packet.seq_no,
            timestamp: self.packet.header.timestamp,
            picture: self.vp8.and_then(|vp8| vp8.picture_id()).unwrap_or(0),
            tl0: self.vp8.and_then(|vp8| vp8.tl0_pic_idx()).unwrap_or(0),
        }
    }
}

/// How a packet leaves.
#[derive(Debug)]
pub(crate) struct Rewritten {
    pub(crate) seq: u64,
    pub(crate) timestamp: u32,
    pub(crate) patch: Option<Vp8Patch>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    Stopped,
    AwaitingKeyframe,
    Flowing,
}

/// The forwarding state of one slot.
#[derive(Debug)]
pub(crate) struct Forwarder {
    kind: Kind,
    flow: Flow,
    munger: Munger,
    /// The stream that another one took over from, and when.
    retired: Option<(u32, Instant)>,
}

impl Forwarder {
    pub(crate) fn new(kind: Kind) -> Self {
        let clock_hz = match kind {
            Kind::Audio => 48_000,
            Kind::Video => 90_000,
        };
        Self {
            kind,
            flow: Flow::Stopped,
            munger: Munger::new(clock_hz),
            retired: None,
        }
    }

    /// A source was bound or unmuted.
    pub(crate) fn begin(&mut self) {
        self.munger.interrupt();
        self.flow = match self.kind {
            Kind::Audio => Flow::Flowing,
            Kind::Video => Flow::AwaitingKeyframe,
        };
    }

    /// The source was unbound or muted.
    pub(crate) fn stop(&mut self) {
        self.munger.interrupt();
        self.flow = Flow::Stopped;
    }

    pub(crate) fn awaits_keyframe(&self) -> bool {
        self.flow == Flow::AwaitingKeyframe
    }

    /// Stragglers of the former stream do not take the slot back.
    fn is_retired(&self, now: Instant, ssrc: u32) -> bool {
        self.retired
            .is_some_and(|(old, since)| old == ssrc && now.saturating_duration_since(since) < STRAGGLERS)
    }

    /// `None` when the packet does not go out.
    pub(crate) fn forward(&mut self, now: Instant, incoming: &Incoming<'_>) -> Option<Rewritten> {
        let ssrc = *incoming.packet.header.ssrc;
        if self.is_retired(now, ssrc) {
            return None;
        }
        if self.munger.is_break(ssrc, *incoming.packet.seq_no) {
            self.retired = self
                .munger
                .ssrc()
                .filter(|old| *old != ssrc)
                .map(|old| (old, now));
            self.begin();
        }
        match self.flow {
            Flow::Stopped => return None,
            Flow::AwaitingKeyframe if !incoming.keyframe => return None,
            Flow::AwaitingKeyframe => self.flow = Flow::Flowing,
            Flow::Flowing => {}
        }
        if incoming.packet.payload.is_empty() {
            self.munger.skip(*incoming.packet.seq_no);
            return None;
        }
        let out = self.munger.rewrite(now, ssrc, incoming.fields())?;
        Some(Rewritten {
            seq: out.seq,
            timestamp: out.timestamp,
            patch: incoming.vp8.map(|vp8| patch(&vp8, out)),
        })
    }
}

fn patch(vp8: &Vp8Descriptor, out: Fields) -> Vp8Patch {
    let with_picture = |picture| {
        let mut builder = vp8.patch();
        if vp8.picture_id().is_some() {
            builder = builder.picture_id(picture);
        }
        if vp8.tl0_pic_idx().is_some() {
            builder = builder.tl0_pic_idx(out.tl0);
        }
        builder.build()
    };
    // The width of the field is the publisher's; 7 bits always fit.
    with_picture(out.picture)
        .or_else(|_| with_picture(out.picture & 0x7f))
        .expect("fields that are there take values of their width")
}
