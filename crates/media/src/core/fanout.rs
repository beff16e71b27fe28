//! The way of media: packets out to subscribers, keyframe requests back to publishers, and who speaks.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::media::Mid;
use str0m::rtp::RtpPacket;

use crate::forwarder::Incoming;
use crate::guard::guarded;
use crate::slots::TrackKey;
use crate::{Kind, ParticipantKey, PeerEvent, PeerKey, RoomKey, Source, metrics};

use super::Core;

/// A publisher makes no more keyframes than this for all its subscribers together.
const KEYFRAME_EVERY: Duration = Duration::from_millis(300);
/// Levels quieter than this are room noise (RFC 6464: 127 is silence).
const QUIETEST_SPEAKER: u8 = 60;
/// Speakers named in one list.
const MAX_SPEAKERS: usize = 8;

impl Core {
    /// Shows a track's subscribers that it flows or does not. Bindings stay as they are, so nobody else is looked at.
    pub(super) fn refresh_track(&mut self, now: Instant, key: PeerKey, source: Source) {
        let track = TrackKey { peer: key, source };
        let own = self.peers.get(&key);
        let Some(own) = own.and_then(|peer| peer.tracks.iter().find(|track| track.source == source)) else {
            return;
        };
        let (muted, subscribers) = (!own.flows(), own.subscribers.clone());
        let mut awaited = false;
        for (subscriber, slot) in subscribers {
            let Some(peer) = self.peers.get_mut(&subscriber) else {
                continue;
            };
            if peer.slots.refresh(slot, track, muted) {
                peer.slots_changed();
                peer.tell_slots();
            }
            awaited |= peer.connected && peer.slots.all[slot].forwarder.awaits_keyframe();
        }
        if awaited {
            self.request_keyframe(now, track);
        }
    }

    /// Forwards a publisher's packet to everyone whose slot shows it.
    pub(super) fn on_packet(&mut self, now: Instant, key: PeerKey, packet: &RtpPacket) {
        let Some(peer) = self.peers.get_mut(&key) else {
            return;
        };
        let Some(index) = peer.track_of(packet.header.ssrc) else {
            return;
        };
        let source = peer.tracks[index].source;
        if !std::mem::replace(&mut peer.tracks[index].live, true) {
            self.refresh_track(now, key, source);
        }
        let Some(track) = self
            .peers
            .get_mut(&key)
            .and_then(|peer| peer.tracks.get_mut(index))
        else {
            return;
        };
        if track.muted || track.subscribers.is_empty() {
            return;
        }
        if let Some(level) = packet.header.ext_vals.audio_level {
            let level = level.unsigned_abs();
            track.level = Some(track.level.map_or(level, |loudest| loudest.min(level)));
        }
        let kind = track.source.kind();
        let Some(incoming) = guarded(|| Incoming::parse(kind, packet)).flatten() else {
            return;
        };
        let subscribers = std::mem::take(&mut track.subscribers);
        let mut forwarded = 0;
        let mut failed = Vec::new();
        for &(subscriber, slot) in &subscribers {
            let Some(peer) = self.peers.get_mut(&subscriber) else {
                continue;
            };
            match peer.forward(now, slot, &incoming, &mut self.outbox) {
                Ok(sent) => forwarded += u64::from(sent),
                Err(failure) => failed.push((subscriber, failure)),
            }
            self.arm(subscriber);
        }
        metrics::forwarded(forwarded);
        if let Some(track) = self
            .peers
            .get_mut(&key)
            .and_then(|peer| peer.tracks.get_mut(index))
        {
            track.subscribers = subscribers;
        }
        // Closing rebuilds the lists of subscribers, so it waits until this one is back in its place.
        for (subscriber, failure) in failed {
            self.settle(now, subscriber, Err(failure));
        }
    }

    /// A subscriber's decoder lost its way.
    pub(super) fn on_keyframe_wanted(&mut self, now: Instant, key: PeerKey, mid: Mid) {
        let slots = self.peers.get(&key).map(|peer| &peer.slots.all);
        let slot = slots.and_then(|slots| {
            slots
                .iter()
                .find(|slot| slot.mid == mid && slot.kind == Kind::Video)
        });
        if let Some(bound) = slot.and_then(|slot| slot.bound) {
            self.request_keyframe(now, bound.track);
        }
    }

    pub(super) fn on_connected(&mut self, now: Instant, key: PeerKey) {
        let Some(peer) = self.peers.get_mut(&key) else {
            return;
        };
        peer.connected = true;
        if let Some(offered_at) = peer.offered_at {
            metrics::connected(now.saturating_duration_since(offered_at));
        }
        self.ask_keyframes(now, &[key]);
    }

    /// Asks the publishers of everything that these subscribers wait for; called again and again until it comes.
    pub(super) fn ask_keyframes(&mut self, now: Instant, subscribers: &[PeerKey]) {
        let mut awaited: HashSet<TrackKey> = HashSet::new();
        for &key in subscribers {
            let Some(peer) = self.peers.get(&key).filter(|peer| peer.connected) else {
                continue;
            };
            let waiting = peer
                .slots
                .all
                .iter()
                .filter(|slot| slot.forwarder.awaits_keyframe());
            awaited.extend(waiting.filter_map(|slot| slot.bound).map(|bound| bound.track));
            let put_off = peer.tracks.iter().filter(|track| track.keyframe_wanted);
            awaited.extend(put_off.map(|track| TrackKey {
                peer: key,
                source: track.source,
            }));
        }
        for track in awaited {
            self.request_keyframe(now, track);
        }
    }

    /// Tells everyone in the room who spoke since the last time; silence is told once. Before it is `due` only a new speaker is a reason to
    /// tell, and nobody is taken off the list.
    pub(super) fn tell_speakers(&mut self, room: RoomKey, due: bool) {
        let members = self.members(room);
        let heard: Vec<(ParticipantKey, u8)> = members
            .iter()
            .filter_map(|key| self.level_of(*key, due))
            .collect();
        let Some(entry) = self.rooms.get_mut(room) else {
            return;
        };
        let listed = |list: &[(ParticipantKey, u8)], who| list.iter().any(|(listed, _)| *listed == who);
        let mut speakers = heard;
        if !due {
            if speakers.iter().all(|(who, _)| listed(&entry.speaking, *who)) {
                return;
            }
            let silent = |(who, _): &&(ParticipantKey, u8)| !listed(&speakers, *who);
            let still: Vec<_> = entry.speaking.iter().filter(silent).copied().collect();
            speakers.extend(still);
        }
        speakers.sort_unstable_by_key(|(participant, level)| (*level, *participant));
        speakers.truncate(MAX_SPEAKERS);
        let newcomers = speakers.iter().any(|(who, _)| !listed(&entry.speaking, *who));
        if entry.speaking.is_empty() && speakers.is_empty() || !due && !newcomers {
            return;
        }
        entry.speaking.clone_from(&speakers);
        let list: Arc<[(ParticipantKey, u8)]> = speakers.into();
        for key in members {
            self.tell(key, PeerEvent::Speakers(list.clone()));
        }
    }

    /// The loudest level heard of a peer of late, if it is speech; forgotten when it is taken.
    fn level_of(&mut self, key: PeerKey, take: bool) -> Option<(ParticipantKey, u8)> {
        let peer = self.peers.get_mut(&key)?;
        let levels = peer
            .tracks
            .iter_mut()
            .filter_map(|track| if take { track.level.take() } else { track.level });
        let loudest = levels.filter(|level| *level <= QUIETEST_SPEAKER).min()?;
        Some((peer.participant, loudest))
    }

    pub(super) fn request_keyframe(&mut self, now: Instant, track: TrackKey) {
        let Some(peer) = self.peers.get_mut(&track.peer).filter(|peer| peer.connected) else {
            return;
        };
        let Some(index) = peer.tracks.iter().position(|own| own.source == track.source) else {
            return;
        };
        let own = &mut peer.tracks[index];
        let too_soon = |asked: Instant| now.saturating_duration_since(asked) < KEYFRAME_EVERY;
        own.keyframe_wanted = own.keyframe_asked.is_some_and(too_soon);
        if own.keyframe_wanted {
            return;
        }
        own.keyframe_asked = Some(now);
        metrics::keyframe_requested();
        let outcome = peer.request_keyframe(now, index, &mut self.outbox);
        self.settle(now, track.peer, outcome);
    }

    pub(super) fn members(&self, room: RoomKey) -> Vec<PeerKey> {
        self.rooms
            .get(room)
            .map(|room| room.members.values().copied().collect())
            .unwrap_or_default()
    }
}
