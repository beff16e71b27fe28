//! Binds publishers' tracks to the receiving m-lines (slots) of one subscriber, without renegotiation.
//!
//! A track keeps its slot while it is wanted; a freed slot goes to whoever waits. [`Slots::assign`] is given the whole truth and is
//! idempotent, so callers need not know what changed. Pure.

use str0m::media::{Mid, Pt};

use crate::event::SlotView;
use crate::forwarder::Forwarder;
use crate::{Kind, ParticipantKey, PeerKey, Source};

/// A published track.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct TrackKey {
    pub(crate) peer: PeerKey,
    pub(crate) source: Source,
}

/// A track that a subscriber should be able to receive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) track: TrackKey,
    pub(crate) participant: ParticipantKey,
    pub(crate) muted: bool,
}

/// A receiving m-line of the subscriber.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) mid: Mid,
    pub(crate) kind: Kind,
    /// Payload type of the codec in the subscriber's session.
    pub(crate) pt: Pt,
    pub(crate) bound: Option<Wanted>,
    pub(crate) forwarder: Forwarder,
}

/// What an assignment came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Assignment {
    pub(crate) changed: bool,
    pub(crate) missing_audio: usize,
    pub(crate) missing_video: usize,
}

/// The slots of one subscriber.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    pub(crate) all: Vec<Slot>,
    pub(crate) rev: u64,
}

impl Slots {
    /// Takes over the m-lines of an accepted offer; those that stay keep their binding and their stream.
    pub(crate) fn offered(&mut self, lines: &[(Mid, Kind, Pt)]) {
        self.all.retain(|slot| {
            lines
                .iter()
                .any(|(mid, kind, _)| *mid == slot.mid && *kind == slot.kind)
        });
        for &(mid, kind, pt) in lines {
            match self.all.iter_mut().find(|slot| slot.mid == mid) {
                Some(slot) => slot.pt = pt,
                None => self.all.push(Slot {
                    mid,
                    kind,
                    pt,
                    bound: None,
                    forwarder: Forwarder::new(kind),
                }),
            }
        }
    }

    /// Makes the bindings agree with `wanted`.
    pub(crate) fn assign(&mut self, wanted: &[Wanted]) -> Assignment {
        let mut result = Assignment::default();
        for slot in &mut self.all {
            result.changed |= slot.refresh(wanted);
        }
        for track in wanted {
            if self
                .all
                .iter()
                .any(|slot| slot.bound.is_some_and(|bound| bound.track == track.track))
            {
                continue;
            }
            let kind = track.track.source.kind();
            match self
                .all
                .iter_mut()
                .find(|slot| slot.kind == kind && slot.bound.is_none())
            {
                Some(slot) => {
                    slot.bind(*track);
                    result.changed = true;
                }
                None if kind == Kind::Audio => result.missing_audio += 1,
                None => result.missing_video += 1,
            }
        }
        self.rev += u64::from(result.changed);
        result
    }

    /// Takes over whether a bound track is muted; false when that slot shows another track, or knew it.
    pub(crate) fn refresh(&mut self, slot: usize, track: TrackKey, muted: bool) -> bool {
        let Some(slot) = self.all.get_mut(slot) else {
            return false;
        };
        let Some(bound) = slot
            .bound
            .filter(|bound| bound.track == track && bound.muted != muted)
        else {
            return false;
        };
        slot.bind(Wanted { muted, ..bound });
        self.rev += 1;
        true
    }

    /// Every bound slot, for the client.
    pub(crate) fn view(&self) -> Vec<SlotView> {
        let bound = self.all.iter().filter_map(|slot| Some((slot.mid, slot.bound?)));
        bound
            .map(|(mid, wanted)| SlotView {
                mid: mid.to_string(),
                participant: wanted.participant,
                source: wanted.track.source,
                muted: wanted.muted,
            })
            .collect()
    }
}

impl Slot {
    fn bind(&mut self, track: Wanted) {
        self.bound = Some(track);
        if track.muted {
            self.forwarder.stop()
        } else {
            self.forwarder.begin()
        }
    }

    fn refresh(&mut self, wanted: &[Wanted]) -> bool {
        let Some(bound) = self.bound else { return false };
        match wanted.iter().find(|track| track.track == bound.track) {
            Some(track) if *track == bound => false,
            Some(track) => {
                self.bind(*track);
                true
            }
            None => {
                self.bound = None;
                self.forwarder.stop();
                true
            }
        }
    }
}
