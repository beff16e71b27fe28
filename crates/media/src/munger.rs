//! Makes one continuous RTP stream of whatever sources a slot shows in turn.
//!
//! A browser sees a receiving m-line as one stream for ever, so on each change of source, and after each pause, sequence
//! numbers, timestamps and VP8 picture ids are shifted to go on where the last one ended. Within one run of one SSRC the shift is constant but
//! for packets left out: reordered packets and gaps stay what they are, so the subscriber's NACKs work. Pure; `now` only spaces timestamps across a change.

use std::collections::VecDeque;
use std::time::Instant;

/// What is rewritten in a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fields {
    /// Extended sequence number.
    pub(crate) seq: u64,
    /// RTP timestamp.
    pub(crate) timestamp: u32,
    /// VP8 picture id, 15 bits.
    pub(crate) picture: u16,
    /// VP8 TL0PICIDX.
    pub(crate) tl0: u8,
}

/// SRTP starts with rollover counter 0, so the first number must be below 65536.
const FIRST_SEQ: u64 = 1;
/// Packets lost in a row are fewer; a sender that begins anew is further off.
const MAX_JUMP: u64 = 3000;
/// Packets left out that are remembered: a second of a sender that probes with padding.
const MAX_SKIPPED: usize = 256;
const PICTURE_MASK: u16 = 0x7fff;

/// State of one outgoing stream.
#[derive(Debug)]
pub(crate) struct Munger {
    clock_hz: u32,
    newest: Option<(Fields, Instant)>,
    run: Option<Run>,
}

/// An uninterrupted stretch of one stream of one source.
#[derive(Debug, Clone)]
struct Run {
    ssrc: u32,
    /// Source packets before this one are of an earlier time: dropped.
    floor: u64,
    /// The furthest source packet.
    furthest: u64,
    seq: u64,
    timestamp: u32,
    picture: u16,
    tl0: u8,
    /// Source packets that were left out, in order: what comes after one moves up by one. Each keeps the place of its predecessors, which may
    /// still be on their way again.
    skipped: VecDeque<u64>,
}

impl Run {
    /// The outgoing number; `None` for what is too old, or was left out.
    fn seq_of(&self, source: u64) -> Option<u64> {
        let before = self.skipped.partition_point(|skipped| *skipped < source);
        if source < self.floor || self.skipped.get(before) == Some(&source) {
            return None;
        }
        Some(source.wrapping_add(self.seq).wrapping_sub(before as u64))
    }
}

impl Munger {
    pub(crate) fn new(clock_hz: u32) -> Self {
        Self {
            clock_hz,
            newest: None,
            run: None,
        }
    }

    /// Does this packet not go on where the run is: another stream, or numbers so far off that its sender began anew.
    pub(crate) fn is_break(&self, ssrc: u32, seq: u64) -> bool {
        self.run
            .as_ref()
            .is_some_and(|run| run.ssrc != ssrc || run.furthest.abs_diff(seq) > MAX_JUMP)
    }

    /// The stream of the run.
    pub(crate) fn ssrc(&self) -> Option<u32> {
        self.run.as_ref().map(|run| run.ssrc)
    }

    /// Ends the run: the next packet starts another one.
    pub(crate) fn interrupt(&mut self) {
        self.run = None;
    }

    /// Rewrites a packet; `None` for one from before the run.
    pub(crate) fn rewrite(&mut self, now: Instant, ssrc: u32, packet: Fields) -> Option<Fields> {
        let mut run = match self.run.take() {
            Some(run) => run,
            None => self.start(now, ssrc, packet),
        };
        run.furthest = run.furthest.max(packet.seq);
        let out = run.seq_of(packet.seq).map(|seq| Fields {
            seq,
            timestamp: packet.timestamp.wrapping_add(run.timestamp),
            picture: packet.picture.wrapping_add(run.picture) & PICTURE_MASK,
            tl0: packet.tl0.wrapping_add(run.tl0),
        });
        self.run = Some(run);
        let out = out?;
        if self.newest.is_none_or(|(newest, _)| newest.seq < out.seq) {
            self.newest = Some((out, now));
        }
        Some(out)
    }

    /// Closes the gap that a packet without content would leave; it is not forwarded. Only at the end of the run: a gap that was seen already
    /// cannot be closed.
    pub(crate) fn skip(&mut self, seq: u64) {
        let (Some(run), Some((newest, _))) = (&mut self.run, self.newest) else {
            return;
        };
        if seq <= run.furthest || run.seq_of(seq) != Some(newest.seq + 1) {
            return;
        }
        run.furthest = seq;
        run.skipped.push_back(seq);
        if run.skipped.len() > MAX_SKIPPED
            && let Some(oldest) = run.skipped.pop_front()
        {
            run.floor = oldest + 1;
            run.seq = run.seq.wrapping_sub(1);
        }
    }

    fn start(&self, now: Instant, ssrc: u32, packet: Fields) -> Run {
        let first = match self.newest {
            None => Fields {
                seq: FIRST_SEQ,
                ..packet
            },
            Some((last, at)) => Fields {
                seq: last.seq + 1,
                timestamp: last.timestamp.wrapping_add(self.ticks_since(at, now)),
                picture: last.picture.wrapping_add(1),
                tl0: last.tl0.wrapping_add(1),
            },
        };
        Run {
            ssrc,
            floor: packet.seq,
            furthest: packet.seq,
            seq: first.seq.wrapping_sub(packet.seq),
            timestamp: first.timestamp.wrapping_sub(packet.timestamp),
            picture: first.picture.wrapping_sub(packet.picture),
            tl0: first.tl0.wrapping_sub(packet.tl0),
            skipped: VecDeque::new(),
        }
    }

    /// Time passed in clock ticks, at least a thirtieth of a second: timestamps must rise over a change.
    fn ticks_since(&self, at: Instant, now: Instant) -> u32 {
        let micros = now.saturating_duration_since(at).as_micros();
        let ticks = micros * u128::from(self.clock_hz) / 1_000_000;
        // A pause of half the timestamp's range would read as a step back.
        (ticks.min(1 << 30) as u32).max(self.clock_hz / 30)
    }
}

#[cfg(test)]
#[path = "munger_tests.rs"]
mod tests;
