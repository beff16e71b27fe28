//! Who gets whose tracks.
//!
//! A route is a bound slot of a subscriber and an entry in the track's list of subscribers; both change here, and together. A change costs the
//! routes of the peer that it is about. Other routes are looked at only where a slot became free whose owner was short of slots.

use std::time::Instant;

use crate::peer::{Peer, Track};
use crate::slots::{TrackKey, Wanted};
use crate::{Kind, PeerEvent, PeerKey, RoomKey, Source};

use super::Core;

impl Core {
    /// Takes a subscriber's routes out of the lists of their tracks: its slots are about to be numbered anew.
    pub(super) fn unlink(&mut self, key: PeerKey) {
        for (_, track) in self.routes_to(key) {
            self.remove_subscriber(track, key);
        }
    }

    /// Takes over what an offer changed, after [`Self::unlink`]; the peer no longer offers the `dropped` tracks.
    pub(super) fn reroute(&mut self, now: Instant, key: PeerKey, dropped: Vec<Track>) {
        for (slot, track) in self.routes_to(key) {
            self.add_subscriber(track, key, slot);
        }
        for track in dropped {
            self.withdraw(now, key, track.source, track.subscribers);
        }
        for source in Source::ALL {
            self.refresh_track(now, key, source);
        }
        self.publish(now, key);
        self.subscribe(now, key);
        self.tell_room_of(key);
    }

    /// Makes the routes of a publisher's tracks agree with what it may publish; call after that changed.
    pub(super) fn republish(&mut self, now: Instant, key: PeerKey) {
        self.publish(now, key);
        self.tell_room_of(key);
    }

    /// Gives a subscriber what its slots have room for; call after its slots or its right to receive changed.
    pub(super) fn subscribe(&mut self, now: Instant, key: PeerKey) {
        let Some(peer) = self.peers.get(&key) else { return };
        if !peer.receives() {
            self.unlink(key);
            if let Some(peer) = self.peers.get_mut(&key) {
                peer.slots.clear();
                peer.slots_changed();
            }
        }
        self.fill(now, key);
        self.tell_routes(key);
    }

    /// Takes a peer that was closed out of everybody's routes.
    pub(super) fn unroute(&mut self, now: Instant, peer: &mut Peer) {
        for (_, track) in peer.slots.routes() {
            self.remove_subscriber(track, peer.key);
        }
        for track in std::mem::take(&mut peer.tracks) {
            if let Some(entry) = self.rooms.get_mut(peer.room) {
                let key = TrackKey {
                    peer: peer.key,
                    source: track.source,
                };
                entry.published.set(key, peer.participant, false);
            }
            self.release(now, track.subscribers);
        }
        self.tell_members(peer.room);
    }

    /// Announces the peer's tracks that are new, and withdraws those that may not be published any more.
    fn publish(&mut self, now: Instant, key: PeerKey) {
        for source in Source::ALL {
            let Some(peer) = self.peers.get_mut(&key) else {
                return;
            };
            let Some(entry) = self.rooms.get_mut(peer.room) else {
                return;
            };
            let Some(own) = peer.tracks.iter_mut().find(|track| track.source == source) else {
                continue;
            };
            let track = TrackKey { peer: key, source };
            if !entry.allowed(peer.participant).contains(source) {
                let subscribers = std::mem::take(&mut own.subscribers);
                self.withdraw(now, key, source, subscribers);
            } else if entry.published.set(track, peer.participant, true) {
                self.announce(now, track);
            }
        }
    }

    /// Offers a track that is new to everyone who may receive it.
    fn announce(&mut self, now: Instant, track: TrackKey) {
        let Some(room) = self.peers.get(&track.peer).map(|peer| peer.room) else {
            return;
        };
        for subscriber in self.members(room) {
            if subscriber != track.peer {
                self.connect(now, track, subscriber);
            }
        }
    }

    /// Ends the routes of a track that is no longer published.
    fn withdraw(&mut self, now: Instant, key: PeerKey, source: Source, subscribers: Vec<(PeerKey, usize)>) {
        let Some(peer) = self.peers.get(&key) else { return };
        if let Some(entry) = self.rooms.get_mut(peer.room) {
            let track = TrackKey { peer: key, source };
            entry.published.set(track, peer.participant, false);
        }
        self.release(now, subscribers);
    }

    /// Frees those slots, and gives each to what its owner waits for.
    fn release(&mut self, now: Instant, subscribers: Vec<(PeerKey, usize)>) {
        for (subscriber, slot) in subscribers {
            self.count_step();
            let Some(peer) = self.peers.get_mut(&subscriber) else {
                continue;
            };
            peer.slots.free(slot);
            peer.slots_changed();
            self.fill(now, subscriber);
        }
    }

    /// Gives a subscriber's free slots to tracks that it does not receive.
    fn fill(&mut self, now: Instant, key: PeerKey) {
        for kind in [Kind::Audio, Kind::Video] {
            if self.missing(key, kind) == 0 {
                continue;
            }
            let Some(peer) = self.peers.get(&key) else { return };
            let Some(entry) = self.rooms.get(peer.room) else {
                return;
            };
            let shown = peer.slots.shown();
            let waiting = entry.published.others(key, kind);
            let waiting = waiting.filter(|track| !shown.contains(track));
            let next: Vec<TrackKey> = waiting.take(peer.slots.count_free(kind)).collect();
            for track in next {
                self.connect(now, track, key);
            }
        }
    }

    /// Makes one route, if the subscriber has a slot for it.
    fn connect(&mut self, now: Instant, track: TrackKey, subscriber: PeerKey) {
        self.count_step();
        let Some(publisher) = self.peers.get(&track.peer) else {
            return;
        };
        let participant = publisher.participant;
        let own = publisher.tracks.iter().find(|own| own.source == track.source);
        let muted = own.is_none_or(|own| !own.flows());
        let Some(peer) = self.peers.get_mut(&subscriber).filter(|peer| peer.receives()) else {
            return;
        };
        let wanted = Wanted {
            track,
            participant,
            muted,
        };
        let Some(slot) = peer.slots.bind(wanted) else {
            return;
        };
        peer.slots_changed();
        let awaited = peer.connected && peer.slots.all[slot].forwarder.awaits_keyframe();
        self.add_subscriber(track, subscriber, slot);
        if awaited {
            self.request_keyframe(now, track);
        }
    }

    /// Published tracks of that kind for which the subscriber has no slot.
    fn missing(&self, key: PeerKey, kind: Kind) -> usize {
        let Some(peer) = self.peers.get(&key).filter(|peer| peer.receives()) else {
            return 0;
        };
        let published = self.rooms.get(peer.room).map(|room| &room.published);
        let wanted = published.map_or(0, |published| published.count_for(peer.participant, kind));
        wanted.saturating_sub(peer.slots.count_bound(kind))
    }

    fn tell_room_of(&mut self, key: PeerKey) {
        if let Some(room) = self.peers.get(&key).map(|peer| peer.room) {
            self.tell_members(room);
        }
    }

    fn tell_members(&mut self, room: RoomKey) {
        self.members(room)
            .into_iter()
            .for_each(|key| self.tell_routes(key));
    }

    /// Nothing to do for a subscriber whose routes did not change.
    fn tell_routes(&mut self, key: PeerKey) {
        if let Some(peer) = self.peers.get_mut(&key) {
            peer.tell_slots();
        }
        self.ask_for_slots(key);
    }

    fn routes_to(&self, key: PeerKey) -> Vec<(usize, TrackKey)> {
        let slots = self.peers.get(&key).map(|peer| &peer.slots);
        slots.into_iter().flat_map(|slots| slots.routes()).collect()
    }

    fn add_subscriber(&mut self, track: TrackKey, subscriber: PeerKey, slot: usize) {
        if let Some(own) = self.track_mut(track) {
            own.subscribers.push((subscriber, slot));
        }
    }

    fn remove_subscriber(&mut self, track: TrackKey, subscriber: PeerKey) {
        self.count_step();
        if let Some(own) = self.track_mut(track) {
            own.subscribers.retain(|(key, _)| *key != subscriber);
        }
    }

    /// Counts a route that is looked at, for the tests of what a change costs.
    fn count_step(&mut self) {
        #[cfg(test)]
        {
            self.route_steps += 1;
        }
    }

    fn track_mut(&mut self, track: TrackKey) -> Option<&mut Track> {
        let tracks = &mut self.peers.get_mut(&track.peer)?.tracks;
        tracks.iter_mut().find(|own| own.source == track.source)
    }

    /// Asks the client for more m-lines, once per offer, while there is room for them beside one for each source of its own.
    pub(super) fn ask_for_slots(&mut self, key: PeerKey) {
        let (audio, video) = (self.missing(key, Kind::Audio), self.missing(key, Kind::Video));
        let Some(peer) = self.peers.get_mut(&key) else {
            return;
        };
        if peer.slots_asked || audio + video == 0 {
            return;
        }
        let lines = peer.slots.all.len() + Source::ALL.len();
        let step = usize::from(self.limits.slots);
        let left = self.limits.media_lines.saturating_sub(lines);
        let wish = |missing: usize| missing.div_ceil(step) * step;
        let (audio, video) = (wish(audio), wish(video));
        // Where not both wishes fit, neither kind takes everything.
        let audio = audio.min(left.saturating_sub(video).max(left.div_ceil(2)));
        let (audio, video) = (audio as u8, video.min(left - audio) as u8);
        if audio + video > 0 {
            peer.slots_asked = peer.tell(PeerEvent::NeedSlots { audio, video });
        }
    }
}
