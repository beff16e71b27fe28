//! Makes one continuous RTP stream of whatever sources a slot shows in turn.
//!
//! A browser sees a receiving m-line as one stream for ever, so on each change of source, and after each pause, sequence
//! numbers, timestamps and VP8 picture ids are shifted to go on where the last one ended. Within one run the shift is constant: reordered
//! packets and gaps stay what they are, so the subscriber's NACKs work. Pure; `now` only spaces timestamps across a change.

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
const PICTURE_MASK: u16 = 0x7fff;

/// State of one outgoing stream.
#[derive(Debug)]
pub(crate) struct Munger {
    clock_hz: u32,
    newest: Option<(Fields, Instant)>,
    run: Option<Run>,
}

/// An uninterrupted stretch of one source.
#[derive(Debug, Clone, Copy)]
struct Run {
    /// Source packets before this one are of an earlier time: dropped.
    floor: u64,
    seq: u64,
    timestamp: u32,
    picture: u16,
    tl0: u8,
}

impl Munger {
    pub(crate) fn new(clock_hz: u32) -> Self {
        Self {
            clock_hz,
            newest: None,
            run: None,
        }
    }

    /// Ends the run: the next packet starts another one.
    pub(crate) fn interrupt(&mut self) {
        self.run = None;
    }

    /// Rewrites a packet; `None` for one from before the run.
    pub(crate) fn rewrite(&mut self, now: Instant, packet: Fields) -> Option<Fields> {
        let run = match self.run {
            Some(run) => run,
            None => self.start(now, packet),
        };
        if packet.seq < run.floor {
            return None;
        }
        let out = Fields {
            seq: packet.seq.wrapping_add(run.seq),
            timestamp: packet.timestamp.wrapping_add(run.timestamp),
            picture: packet.picture.wrapping_add(run.picture) & PICTURE_MASK,
            tl0: packet.tl0.wrapping_add(run.tl0),
        };
        if self.newest.is_none_or(|(newest, _)| newest.seq < out.seq) {
            self.newest = Some((out, now));
        }
        Some(out)
    }

    /// Closes the gap that a packet without content would leave; it is not forwarded.
    pub(crate) fn skip(&mut self, seq: u64) {
        let (Some(run), Some((newest, _))) = (&mut self.run, self.newest) else {
            return;
        };
        if seq.wrapping_add(run.seq) == newest.seq + 1 {
            run.floor = seq + 1;
            run.seq = run.seq.wrapping_sub(1);
        }
    }

    fn start(&mut self, now: Instant, packet: Fields) -> Run {
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
        let run = Run {
            floor: packet.seq,
            seq: first.seq.wrapping_sub(packet.seq),
            timestamp: first.timestamp.wrapping_sub(packet.timestamp),
            picture: first.picture.wrapping_sub(packet.picture),
            tl0: first.tl0.wrapping_sub(packet.tl0),
        };
        self.run = Some(run);
        run
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
