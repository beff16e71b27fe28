//! The SFU itself, without clock, socket or thread: rooms, peers, timers, and the way of a packet.
//!
//! Every call brings the time with it; what is to be sent waits in [`Core::take_datagrams`]. A call never leaves a peer undrained or a
//! notice unhandled. A peer that fails is closed and its room goes on. Signalling is in `signalling`, who gets
//! what in `routes`, media in `fanout`.

mod demux;
mod fanout;
mod published;
mod room;
mod rooms;
mod routes;
mod signalling;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use str0m::config::DtlsCert;
use str0m::{Candidate, Rtc, RtcConfig};

use crate::candidates::{self, Candidates};
use crate::config::Limits;
use crate::guard::guarded;
use crate::peer::{Datagram, Failure, Notice, Outbox, Peer};
use crate::{MediaError, PeerEvent, PeerKey, Totals, metrics};

use self::demux::Demux;
use self::rooms::Rooms;

/// Pace of what needs no better: idle checks, repeated keyframe requests, undelivered slot maps.
const TICK: Duration = Duration::from_millis(100);
/// Speakers are told at most four times a second, and who begins to speak at the next tick.
const SPEAKERS_EVERY: Duration = Duration::from_millis(250);

/// Rooms, peers and timers of one worker.
pub(crate) struct Core {
    limits: Limits,
    candidates: Candidates,
    cert: DtlsCert,
    rooms: Rooms,
    peers: HashMap<PeerKey, Peer>,
    next_peer: u64,
    last_attachment: u64,
    demux: Demux,
    timers: BTreeSet<(Instant, PeerKey)>,
    next_tick: Instant,
    next_speakers: Instant,
    outbox: Outbox,
    /// Routes looked at so far.
    #[cfg(test)]
    route_steps: usize,
}

impl Core {
    /// # Errors
    /// [`MediaError::Invalid`] when the crypto library makes no certificate.
    pub(crate) fn new(
        now: Instant,
        candidates: Candidates,
        first_peer: u64,
        limits: Limits,
    ) -> Result<Self, MediaError> {
        let cert = str0m::crypto::from_feature_flags()
            .dtls_provider
            .generate_certificate()
            .ok_or_else(|| MediaError::Invalid("no DTLS certificate could be made".into()))?;
        Ok(Self {
            limits,
            candidates,
            cert,
            rooms: Rooms::default(),
            peers: HashMap::new(),
            next_peer: first_peer,
            last_attachment: 0,
            demux: Demux::default(),
            timers: BTreeSet::new(),
            next_tick: now,
            next_speakers: now,
            outbox: Outbox::default(),
            #[cfg(test)]
            route_steps: 0,
        })
    }

    /// A core for the same port after this one broke: rooms and rights stay, peers do not. Peer numbers go on.
    pub(crate) fn successor(&mut self, now: Instant) -> Self {
        let rooms = std::mem::take(&mut self.rooms);
        Self {
            limits: self.limits.clone(),
            candidates: self.candidates.clone(),
            cert: self.cert.clone(),
            rooms: rooms.vacated(now),
            peers: HashMap::new(),
            next_peer: self.next_peer,
            last_attachment: self.last_attachment,
            demux: Demux::default(),
            timers: BTreeSet::new(),
            next_tick: now,
            next_speakers: now,
            outbox: Outbox::default(),
            #[cfg(test)]
            route_steps: 0,
        }
    }

    /// Tells every client that its peer is gone, without another word to sessions that may be broken.
    pub(crate) fn abandon(&mut self, reason: &'static str) {
        for (_, mut peer) in self.peers.drain() {
            peer.tell(PeerEvent::Reset(reason));
            peer.discard();
        }
    }

    /// Takes a datagram that came from `source` to our address `local`.
    pub(crate) fn handle_datagram(
        &mut self,
        now: Instant,
        source: SocketAddr,
        local: SocketAddr,
        bytes: &[u8],
    ) {
        let Some(key) = self.route(source, local, bytes) else {
            metrics::unknown_datagram();
            return;
        };
        let Some(peer) = self.peers.get_mut(&key) else {
            return;
        };
        let to = candidates::standing_for(&peer.candidates, local);
        let outcome = peer.receive(now, source, to, bytes, &mut self.outbox);
        self.settle(now, key, outcome);
        self.work(now);
    }

    /// Runs every timer that is due.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        // A session whose timer stays due may not keep the loop for itself: each peer gets one turn.
        let due: Vec<PeerKey> = self
            .timers
            .range(..=(now, PeerKey(u64::MAX)))
            .map(|(_, key)| *key)
            .collect();
        for key in due {
            let Some(peer) = self.peers.get_mut(&key) else {
                continue;
            };
            let outcome = peer.timeout(now, &mut self.outbox);
            self.settle(now, key, outcome);
        }
        self.work(now);
        if self.next_tick <= now {
            self.next_tick = now + TICK;
            self.tick(now);
            self.work(now);
        }
    }

    /// When [`Self::handle_timeout`] wants to be called next; `None` while there is nothing to time.
    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        if self.rooms.is_empty() {
            return None;
        }
        let timer = self.timers.first().map(|(at, _)| *at);
        Some(timer.map_or(self.next_tick, |at| at.min(self.next_tick)))
    }

    /// Datagrams that wait to be sent.
    pub(crate) fn queued(&self) -> usize {
        self.outbox.datagrams.len()
    }

    /// Everything to be sent since the last call, in order per destination.
    pub(crate) fn take_datagrams(&mut self) -> Vec<Datagram> {
        let mut datagrams = std::mem::take(&mut self.outbox.datagrams);
        for datagram in &mut datagrams {
            datagram.local = datagram
                .local
                .or_else(|| self.demux.local_of(&datagram.destination));
        }
        datagrams
    }

    /// How much there is.
    pub(crate) fn totals(&self) -> Totals {
        Totals {
            rooms: self.rooms.len(),
            peers: self.peers.len(),
        }
    }

    /// Closes every peer with a goodbye and forgets every room.
    pub(crate) fn shutdown(&mut self, now: Instant) {
        for room in self.rooms.keys() {
            self.end_room(now, room, "shutdown");
        }
    }

    fn new_session(&self, now: Instant, candidates: &[SocketAddr]) -> Result<Rtc, MediaError> {
        let config = RtcConfig::new()
            .clear_codecs()
            .enable_opus(true, false)
            .enable_vp8(true)
            .set_ice_lite(true)
            .set_rtp_mode(true)
            .set_dtls_cert(self.cert.clone());
        let broken = |error: String| MediaError::Invalid(format!("no session: {error}"));
        let mut rtc =
            guarded(|| config.build(now)).ok_or_else(|| broken("its making panicked".to_owned()))?;
        for address in candidates {
            let candidate = Candidate::host(*address, "udp").map_err(|error| broken(error.to_string()))?;
            rtc.add_local_candidate(candidate);
        }
        Ok(rtc)
    }

    /// The peer a datagram is for. STUN names it and outranks the table, so a client may change its address.
    fn route(&mut self, source: SocketAddr, local: SocketAddr, bytes: &[u8]) -> Option<PeerKey> {
        if let Some((key, check)) = self.demux.check(bytes)
            && let Some(peer) = self.peers.get_mut(&key)
            && peer.is_from_client(&check)
        {
            self.demux.bind(source, local.ip(), peer);
            if check.use_candidate() {
                peer.follow(source);
            }
            return Some(key);
        }
        self.demux.by_address(&source)
    }

    /// Brings timers into line after a call into a peer, and closes the peer if the call failed.
    fn settle(&mut self, now: Instant, key: PeerKey, outcome: Result<(), Failure>) {
        let Err(failure) = outcome else {
            return self.arm(key);
        };
        tracing::warn!(peer.id = key.0, error = %failure, "media peer failed");
        metrics::peer_failed(&failure);
        self.close_peer(now, key, "failed");
    }

    fn arm(&mut self, key: PeerKey) {
        let Some(peer) = self.peers.get_mut(&key) else {
            return;
        };
        if peer.armed == peer.deadline {
            return;
        }
        if let Some(armed) = peer.armed.take() {
            self.timers.remove(&(armed, key));
        }
        if let Some(deadline) = peer.deadline {
            self.timers.insert((deadline, key));
            peer.armed = Some(deadline);
        }
    }

    fn close_peer(&mut self, now: Instant, key: PeerKey, reason: &'static str) {
        let Some(mut peer) = self.peers.remove(&key) else {
            return;
        };
        if let Some(armed) = peer.armed {
            self.timers.remove(&(armed, key));
        }
        tracing::info!(peer.id = key.0, reason, "media peer closed");
        metrics::peer_closed(reason);
        let before = self.outbox.datagrams.len();
        peer.close(now, reason, &mut self.outbox);
        // The table is about to forget from which address the goodbye goes.
        for goodbye in &mut self.outbox.datagrams[before..] {
            goodbye.local = self.demux.local_of(&goodbye.destination);
        }
        self.demux.forget(&peer);
        // A room that ends takes all routes with it.
        if self.rooms.leave(now, peer.room, peer.participant, key) {
            self.unroute(now, &mut peer);
        }
        peer.discard();
    }

    /// Handles what sessions reported, until they report nothing more.
    fn work(&mut self, now: Instant) {
        while let Some((key, notice)) = self.outbox.notices.pop_front() {
            match notice {
                Notice::Packet(packet) => self.on_packet(now, key, &packet),
                Notice::KeyframeWanted(mid) => self.on_keyframe_wanted(now, key, mid),
                Notice::Connected => self.on_connected(now, key),
                Notice::Closed => self.close_peer(now, key, "closed by client"),
            }
        }
    }

    fn tick(&mut self, now: Instant) {
        self.close_idle(now);
        self.expire_rooms(now);
        let speakers_due = self.next_speakers <= now;
        if speakers_due {
            self.next_speakers = now + SPEAKERS_EVERY;
        }
        for room in self.rooms.occupied() {
            let members = self.members(room);
            self.ask_keyframes(now, &members);
            self.tell_speakers(room, speakers_due);
            for key in members {
                if let Some(peer) = self.peers.get_mut(&key) {
                    peer.tell_slots();
                }
                self.ask_for_slots(key);
            }
        }
        metrics::totals(self.totals());
    }

    fn close_idle(&mut self, now: Instant) {
        let limits = &self.limits;
        let late = |peer: &Peer| {
            let silent = now.saturating_duration_since(peer.last_received);
            match peer.offered_at {
                _ if peer.connected => (silent >= limits.idle).then_some("idle"),
                Some(at) => (now.saturating_duration_since(at) >= limits.connect).then_some("not connected"),
                // A socket that has not offered yet may wait for its user's permission to use the camera.
                None => (!peer.is_attached() && silent >= limits.idle).then_some("idle"),
            }
        };
        let late: Vec<_> = self
            .peers
            .values()
            .filter_map(|peer| Some((peer.key, late(peer)?)))
            .collect();
        for (key, reason) in late {
            self.close_peer(now, key, reason);
        }
    }

    fn expire_rooms(&mut self, now: Instant) {
        for room in self.rooms.expired(now) {
            self.end_room(now, room, "room expired");
        }
    }

    fn tell(&mut self, key: PeerKey, event: PeerEvent) -> bool {
        self.peers.get_mut(&key).is_some_and(|peer| peer.tell(event))
    }
}
