//! The slots of one of the fake's peers, bound anew with each change.

use std::collections::HashMap;

use videorooms_domain::{ParticipantId, Source};

use crate::{SignalEvent, Slot, SlotPlan};

/// A track that others may receive.
pub(super) struct Published {
    pub(super) participant: ParticipantId,
    pub(super) source: Source,
    pub(super) muted: bool,
}

/// Receiving m-lines and what is on them.
#[derive(Default)]
pub(super) struct Slots {
    lines: Vec<Line>,
    bound: Vec<Slot>,
    rev: u64,
    asked: bool,
    received: HashMap<String, usize>,
}

struct Line {
    mid: String,
    is_video: bool,
}

impl Slots {
    /// Takes over the receiving m-lines of an offer.
    pub(super) fn offered(&mut self, sdp: &str) {
        let sections = sdp.split("m=").skip(1);
        let receiving = sections.filter(|section| section.lines().any(|line| line == "a=recvonly"));
        let line = |section: &str| {
            let mid = section.lines().find_map(|line| line.strip_prefix("a=mid:"))?;
            Some(Line {
                mid: mid.to_owned(),
                is_video: section.starts_with("video"),
            })
        };
        self.lines = receiving.filter_map(line).collect();
        self.asked = false;
    }

    /// Binds what is published; gives what the client is to be told.
    pub(super) fn bind<'a>(&mut self, published: impl Iterator<Item = &'a Published>) -> Vec<SignalEvent> {
        let mut bound: Vec<Slot> = Vec::new();
        let mut missing = SlotPlan { audio: 0, video: 0 };
        let mut waiting = Vec::new();
        for track in published {
            let shown = |slot: &&Slot| slot.participant == track.participant && slot.source == track.source;
            match self.bound.iter().find(shown) {
                Some(slot) => bound.push(Slot {
                    muted: track.muted,
                    ..slot.clone()
                }),
                None => waiting.push(track),
            }
        }
        for track in waiting {
            let is_video = is_video(track.source);
            let free =
                |line: &&Line| line.is_video == is_video && bound.iter().all(|slot| slot.mid != line.mid);
            match self.lines.iter().find(free) {
                Some(line) => bound.push(Slot {
                    mid: line.mid.clone(),
                    participant: track.participant,
                    source: track.source,
                    muted: track.muted,
                }),
                None if is_video => missing.video += 1,
                None => missing.audio += 1,
            }
        }
        let mut events = Vec::new();
        if bound != self.bound {
            self.bound = bound;
            self.rev += 1;
            events.push(self.view());
        }
        // Who has not offered to receive does not wait for anything.
        if !self.lines.is_empty() && !self.asked && missing.audio + missing.video > 0 {
            self.asked = true;
            events.push(SignalEvent::NeedSlots(missing));
        }
        events
    }

    /// The map, for the client.
    pub(super) fn view(&self) -> SignalEvent {
        SignalEvent::Slots {
            rev: self.rev,
            map: self.bound.clone(),
        }
    }

    /// Counts a packet where its track is shown.
    pub(super) fn deliver(&mut self, participant: ParticipantId, source: Source) {
        let shown = |slot: &&Slot| slot.participant == participant && slot.source == source && !slot.muted;
        if let Some(slot) = self.bound.iter().find(shown) {
            *self.received.entry(slot.mid.clone()).or_default() += 1;
        }
    }

    /// Packets that were delivered on that m-line.
    pub(super) fn received(&self, mid: &str) -> usize {
        self.received.get(mid).copied().unwrap_or_default()
    }
}

fn is_video(source: Source) -> bool {
    match source {
        Source::Camera | Source::Screen => true,
        Source::Microphone | Source::ScreenAudio => false,
    }
}
