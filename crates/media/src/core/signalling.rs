//! The commands: rooms, rights, and a peer's life from attach to leave.

use std::time::Instant;

use str0m::media::Mid;

use crate::command::{AttachWish, Attached, OfferWish, RoomMember, RoomRules};
use crate::peer::{Failure, Line, Peer, Track};
use crate::{MediaError, ParticipantKey, PeerKey, RoomKey, Source, Sources, metrics, sdp};

use super::Core;

impl Core {
    pub(crate) fn create_room(
        &mut self,
        now: Instant,
        room: RoomKey,
        rules: RoomRules,
    ) -> Result<(), MediaError> {
        self.rooms.create(now, room, rules, self.limits.rooms)
    }

    /// Keeps a room without peers until then: somebody holds a credential for it.
    pub(crate) fn keep_room(&mut self, room: RoomKey, until: Instant) -> Result<(), MediaError> {
        self.rooms.keep(room, until)
    }

    pub(crate) fn end_room(&mut self, now: Instant, room: RoomKey, reason: &'static str) {
        let Some(ended) = self.rooms.remove(room) else {
            return;
        };
        for key in ended.members.into_values() {
            self.close_peer(now, key, reason);
        }
    }

    pub(crate) fn room_members(&self, room: RoomKey) -> Result<Vec<RoomMember>, MediaError> {
        let entry = self.rooms.get(room).ok_or(MediaError::NoSuchRoom)?;
        let members = entry.members.iter().filter_map(|(participant, key)| {
            let peer = self.peers.get(key).filter(|peer| peer.connected)?;
            let allowed = entry.allowed(*participant);
            let forwarded = peer
                .tracks
                .iter()
                .filter(|track| track.flows() && allowed.contains(track.source));
            Some(RoomMember {
                participant: *participant,
                publishing: forwarded.map(|track| track.source).collect(),
            })
        });
        Ok(members.collect())
    }

    pub(crate) fn remove_participant(&mut self, now: Instant, room: RoomKey, participant: ParticipantKey) {
        let Some(entry) = self.rooms.get_mut(room) else {
            return;
        };
        entry.forget(participant);
        if let Some(key) = entry.members.get(&participant).copied() {
            self.close_peer(now, key, "removed");
            self.work(now);
        }
    }

    pub(crate) fn set_publishing(
        &mut self,
        now: Instant,
        room: RoomKey,
        participant: ParticipantKey,
        allowed: Sources,
    ) -> Result<(), MediaError> {
        self.rooms
            .get_mut(room)
            .ok_or(MediaError::NoSuchRoom)?
            .allow(participant, allowed)?;
        let peer = self
            .rooms
            .get(room)
            .and_then(|room| room.members.get(&participant));
        if let Some(&key) = peer {
            self.republish(now, key);
            self.work(now);
        }
        Ok(())
    }

    pub(crate) fn attach(&mut self, now: Instant, wish: AttachWish) -> Result<Attached, MediaError> {
        let former = self
            .rooms
            .get(wish.room)
            .ok_or(MediaError::NoSuchRoom)?
            .members
            .get(&wish.participant)
            .copied();
        if let Some(key) = former {
            if wish.peer == Some(key)
                && let Some(peer) = self.peers.get_mut(&key).filter(|peer| peer.connected)
            {
                self.last_attachment += 1;
                peer.attach(self.last_attachment, wish.sink);
                peer.subscribe = wish.subscribe;
                peer.slots_asked = false;
                self.subscribe(now, key);
                self.work(now);
                return Ok(Attached {
                    peer: key,
                    resumed: true,
                    attachment: self.last_attachment,
                    slots: self.limits.slots,
                });
            }
            self.close_peer(now, key, "replaced");
        }
        let key = self.add_peer(now, wish)?;
        Ok(Attached {
            peer: key,
            resumed: false,
            attachment: self.last_attachment,
            slots: self.limits.slots,
        })
    }

    fn add_peer(&mut self, now: Instant, wish: AttachWish) -> Result<PeerKey, MediaError> {
        if self.peers.len() >= self.limits.peers {
            return Err(MediaError::Full("peers"));
        }
        let candidates = self.candidates.for_client(wish.reached);
        let rtc = self.new_session(now, &candidates)?;
        let room = self.rooms.get_mut(wish.room).ok_or(MediaError::NoSuchRoom)?;
        if room.members.len() >= room.rules.max_peers {
            return Err(MediaError::Full("peers of the room"));
        }
        room.allow_at_first(wish.participant, wish.publish)?;
        let key = PeerKey(self.next_peer);
        self.next_peer += 1;
        self.rooms.enter(wish.room, wish.participant, key);
        let mut peer = Peer::new(now, key, wish.room, wish.participant, rtc);
        peer.subscribe = wish.subscribe;
        peer.candidates = candidates;
        self.last_attachment += 1;
        peer.attach(self.last_attachment, wish.sink);
        self.demux.index("", &peer);
        self.peers.insert(key, peer);
        metrics::peer_attached();
        Ok(key)
    }

    pub(crate) fn offer(
        &mut self,
        now: Instant,
        key: PeerKey,
        wish: &OfferWish,
    ) -> Result<String, MediaError> {
        let peer = self.peers.get_mut(&key).ok_or(MediaError::NoSuchPeer)?;
        if !peer.offers.spend(now) {
            return Err(MediaError::TooFast(peer.offers.wait()));
        }
        if peer.last_gen.is_some_and(|last| wish.r#gen <= last) {
            return Err(MediaError::Invalid("stale gen".into()));
        }
        let glance = sdp::glance(&wish.sdp, &self.limits)?;
        check_tracks(&wish.tracks)?;
        let former_ufrag = peer.credentials.ufrag.clone();
        match peer.accept_offer(now, &glance.sdp, &glance.mids, &mut self.outbox) {
            Ok((answer, lines)) => {
                peer.last_gen = Some(wish.r#gen);
                peer.offered_at.get_or_insert(now);
                peer.slots_asked = false;
                self.demux.index(&former_ufrag, peer);
                self.unlink(key);
                if let Some(peer) = self.peers.get_mut(&key) {
                    let dropped = take_lines(peer, &lines, &wish.tracks);
                    self.reroute(now, key, dropped);
                }
                self.arm(key);
                self.work(now);
                Ok(answer)
            }
            Err(failure) => {
                let reason = failure.to_string();
                // What an offer changed before it was refused is unknown: the session is not to be used further.
                self.settle(now, key, Err::<(), Failure>(failure));
                self.work(now);
                Err(MediaError::Invalid(reason))
            }
        }
    }

    pub(crate) fn mute(
        &mut self,
        now: Instant,
        key: PeerKey,
        source: Source,
        muted: bool,
    ) -> Result<(), MediaError> {
        let peer = self.peers.get_mut(&key).ok_or(MediaError::NoSuchPeer)?;
        // Remembered for a track that comes with a later offer, too.
        peer.muted[source as usize] = muted;
        if let Some(track) = peer.tracks.iter_mut().find(|track| track.source == source) {
            track.muted = muted;
            self.refresh_track(now, key, source);
        }
        self.work(now);
        Ok(())
    }

    pub(crate) fn keyframe(&mut self, now: Instant, key: PeerKey, mid: &str) -> Result<(), MediaError> {
        if !self.peers.contains_key(&key) {
            return Err(MediaError::NoSuchPeer);
        }
        if !sdp::is_mid(mid) {
            return Err(MediaError::Invalid("unusable mid".into()));
        }
        self.on_keyframe_wanted(now, key, Mid::from(mid));
        self.work(now);
        Ok(())
    }

    pub(crate) fn detach(&mut self, key: PeerKey, attachment: u64) {
        if let Some(peer) = self.peers.get_mut(&key) {
            peer.detach(attachment);
        }
    }

    pub(crate) fn leave(&mut self, now: Instant, key: PeerKey) -> Result<(), MediaError> {
        if !self.peers.contains_key(&key) {
            return Err(MediaError::NoSuchPeer);
        }
        self.close_peer(now, key, "left");
        self.work(now);
        Ok(())
    }
}

/// One m-line per source and one source per m-line.
fn check_tracks(tracks: &[(String, Source)]) -> Result<(), MediaError> {
    for (index, (mid, source)) in tracks.iter().enumerate() {
        let twice = tracks[..index]
            .iter()
            .any(|(other, of)| other == mid || of == source);
        if twice || !sdp::is_mid(mid) {
            return Err(MediaError::Invalid(
                "tracks name an m-line or a source twice, or an unusable mid".into(),
            ));
        }
    }
    Ok(())
}

/// Brings the peer's tracks and slots into line with its m-lines; gives the tracks that are no longer offered.
fn take_lines(peer: &mut Peer, lines: &[Line], tracks: &[(String, Source)]) -> Vec<Track> {
    let slots: Vec<_> = lines
        .iter()
        .filter(|line| line.sends)
        .map(|line| (line.mid, line.kind, line.pt))
        .collect();
    peer.slots.offered(&slots);
    peer.slots_changed();
    let named = tracks.iter().filter_map(|(mid, source)| {
        let mid = Mid::from(mid.as_str());
        let fits = lines
            .iter()
            .any(|line| line.mid == mid && line.receives && line.kind == source.kind());
        fits.then_some((mid, *source))
    });
    let named: Vec<_> = named.collect();
    let offered = |track: &mut Track| named.iter().any(|(_, source)| *source == track.source);
    let dropped = peer.tracks.extract_if(.., |track| !offered(track)).collect();
    for (mid, source) in named {
        let fresh = Track {
            muted: peer.muted[source as usize],
            ..Track::new(mid, source)
        };
        match peer.tracks.iter_mut().find(|track| track.source == source) {
            Some(track) if track.mid == mid => {}
            // On another m-line it is another stream, for the same subscribers.
            Some(track) => {
                let subscribers = std::mem::take(&mut track.subscribers);
                *track = Track { subscribers, ..fresh };
            }
            None => peer.tracks.push(fresh),
        }
    }
    dropped
}
