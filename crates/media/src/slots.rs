//! Binds publishers' tracks to the receiving m-lines (slots) of one subscriber, without renegotiation.
//!
//! A track keeps its slot while it is published. Which track is bound is for the core to decide. Pure.

use std::collections::HashSet;

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

    /// Binds a track to a free slot of its kind, whose index it gives.
    pub(crate) fn bind(&mut self, track: Wanted) -> Option<usize> {
        let kind = track.track.source.kind();
        let slot = self.all.iter().position(|slot| slot.is_free(kind))?;
        self.all[slot].bind(track);
        self.rev += 1;
        Some(slot)
    }

    /// Unbinds a slot.
    pub(crate) fn free(&mut self, slot: usize) {
        if let Some(slot) = self.all.get_mut(slot) {
            slot.bound = None;
            slot.forwarder.stop();
            self.rev += 1;
        }
    }

    /// Unbinds every slot.
    pub(crate) fn clear(&mut self) {
        (0..self.all.len()).for_each(|slot| self.free(slot));
    }

    /// Bound slots by index, and their tracks.
    pub(crate) fn routes(&self) -> impl Iterator<Item = (usize, TrackKey)> {
        let slots = self.all.iter().enumerate();
        slots.filter_map(|(index, slot)| Some((index, slot.bound?.track)))
    }

    /// Tracks that are bound.
    pub(crate) fn shown(&self) -> HashSet<TrackKey> {
        self.routes().map(|(_, track)| track).collect()
    }

    pub(crate) fn count_free(&self, kind: Kind) -> usize {
        self.all.iter().filter(|slot| slot.is_free(kind)).count()
    }

    pub(crate) fn count_bound(&self, kind: Kind) -> usize {
        let bound = |slot: &&Slot| slot.kind == kind && slot.bound.is_some();
        self.all.iter().filter(bound).count()
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

    fn is_free(&self, kind: Kind) -> bool {
        self.kind == kind && self.bound.is_none()
    }
}
