//! A provider without a network: for tests of whoever calls a provider, and for work on the product.
//!
//! It keeps rooms, rights, tokens and peers as the port demands, answers any offer that looks like SDP with a line of text and counts every
//! peer that offered as connected. Slots are bound as the port says; packets are numbers that its own [`Clients`] count. Failures are
//! scripted with [`FakeProvider::fail_next`] and [`FakeProvider::set_down`].
//!
//! [`Clients`]: crate::contract::Clients

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::IpAddr;
use std::time::Instant;

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::sync::mpsc;
use videorooms_domain::{ParticipantId, RoomId, Source, SourceSet};

mod client;
mod slots;

use self::slots::{Published, Slots};
use crate::tokens::Tokens;
use crate::{
    Answer, AttachRequest, Attached, Capabilities, Health, MediaParticipant, Offer, PeerId, RoomInfo,
    RoomOptions, SfuError, SfuProvider, SfuToken, SignalEvent, Signalling, SlotPlan, TokenOptions,
};

/// A call that was made, for assertions. Refused calls are recorded, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// `create_room`.
    CreateRoom(RoomId),
    /// `delete_room`.
    DeleteRoom(RoomId),
    /// `generate_token`.
    GenerateToken(RoomId, ParticipantId),
    /// `remove_participant`.
    RemoveParticipant(RoomId, ParticipantId),
    /// `set_publishing`.
    SetPublishing(RoomId, ParticipantId, SourceSet),
    /// `attach`, and the address at which the client came in.
    Attach(RoomId, ParticipantId, Option<IpAddr>),
    /// `offer`.
    Offer(PeerId),
    /// `mute`.
    Mute(PeerId, Source, bool),
    /// `keyframe`.
    Keyframe(PeerId, String),
    /// `detach`.
    Detach(PeerId),
    /// `leave`.
    Leave(PeerId),
}

/// Calls that are remembered; older ones are forgotten.
const MAX_CALLS: usize = 10_000;

/// The fake. Its state is behind one lock, held for no longer than a call.
#[derive(Default)]
pub struct FakeProvider {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    rooms: BTreeMap<RoomId, Room>,
    peers: HashMap<PeerId, Peer>,
    tokens: Tokens,
    last_peer: u64,
    last_attachment: u64,
    calls: VecDeque<Call>,
    failures: VecDeque<SfuError>,
    down: Option<String>,
}

struct Room {
    max_participants: usize,
    rights: HashMap<ParticipantId, SourceSet>,
    members: BTreeMap<ParticipantId, PeerId>,
}

struct Peer {
    room: RoomId,
    participant: ParticipantId,
    events: Option<mpsc::Sender<SignalEvent>>,
    attachment: u64,
    last_gen: Option<u32>,
    subscribe: bool,
    sources: SourceSet,
    muted: SourceSet,
    slots: Slots,
}

impl Peer {
    /// A full queue loses it.
    fn tell(&self, event: SignalEvent) {
        if let Some(events) = &self.events {
            let _ = events.try_send(event);
        }
    }
}

impl FakeProvider {
    /// A provider without rooms.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Every call so far, oldest first; calls that only read are not among them.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.state.lock().calls.iter().cloned().collect()
    }

    /// Lets the next call fail with this; several are used up one after the other.
    pub fn fail_next(&self, error: SfuError) {
        self.state.lock().failures.push_back(error);
    }

    /// Makes every call [`SfuError::Unavailable`] with this reason until set to `None`.
    pub fn set_down(&self, reason: Option<&str>) {
        self.state.lock().down = reason.map(str::to_owned);
    }

    /// Sends an event to a peer's socket, as a media server would; false when nobody listens.
    pub fn emit(&self, peer: PeerId, event: SignalEvent) -> bool {
        let state = self.state.lock();
        let events = state.peers.get(&peer).and_then(|peer| peer.events.as_ref());
        events.is_some_and(|events| events.try_send(event).is_ok())
    }

    fn enter(&self, call: Option<Call>) -> Result<parking_lot::MutexGuard<'_, State>, SfuError> {
        let mut state = self.state.lock();
        if let Some(call) = call {
            state.remember(call);
        }
        if let Some(reason) = &state.down {
            return Err(SfuError::Unavailable(reason.clone()));
        }
        match state.failures.pop_front() {
            Some(error) => Err(error),
            None => Ok(state),
        }
    }
}

impl State {
    fn remember(&mut self, call: Call) {
        if self.calls.len() >= MAX_CALLS {
            self.calls.pop_front();
        }
        self.calls.push_back(call);
    }

    fn room(&mut self, room: &RoomId) -> Result<&mut Room, SfuError> {
        self.rooms.get_mut(room).ok_or(SfuError::NoSuchRoom)
    }

    fn peer(&mut self, peer: PeerId) -> Result<&mut Peer, SfuError> {
        self.peers.get_mut(&peer).ok_or(SfuError::NoSuchPeer)
    }

    fn close(&mut self, peer: PeerId, reason: &'static str) {
        let Some(closed) = self.peers.remove(&peer) else {
            return;
        };
        if let Some(room) = self.rooms.get_mut(&closed.room) {
            room.members.remove(&closed.participant);
        }
        // A full queue's end says the same.
        closed.tell(SignalEvent::Reset(reason.into()));
        self.bind_slots(&closed.room);
    }

    /// Makes everybody's slots in the room agree with what is published.
    fn bind_slots(&mut self, room: &RoomId) {
        let published = self.published(room);
        let members = self.rooms.get(room).map(|room| &room.members);
        for (participant, peer) in members.into_iter().flatten() {
            let Some(peer) = self.peers.get_mut(peer).filter(|peer| peer.subscribe) else {
                continue;
            };
            let others = published.iter().filter(|track| track.participant != *participant);
            for event in peer.slots.bind(others) {
                peer.tell(event);
            }
        }
    }

    fn published(&self, room: &RoomId) -> Vec<Published> {
        let Some(room) = self.rooms.get(room) else {
            return Vec::new();
        };
        let members = room.members.iter();
        let tracks = members.filter_map(|(participant, peer)| {
            let peer = self.peers.get(peer)?;
            let allowed = room.rights.get(participant).copied().unwrap_or_default();
            let sources = peer
                .sources
                .iter()
                .filter(move |source| allowed.contains(*source));
            Some(sources.map(|source| Published {
                participant: *participant,
                source,
                muted: peer.muted.contains(source),
            }))
        });
        tracks.flatten().collect()
    }

    fn info(&self, room_id: &RoomId) -> Result<RoomInfo, SfuError> {
        let room = self.rooms.get(room_id).ok_or(SfuError::NoSuchRoom)?;
        let participants = room.members.iter().filter_map(|(participant, peer)| {
            let peer = self.peers.get(peer).filter(|peer| peer.last_gen.is_some())?;
            let allowed = room.rights.get(participant).copied().unwrap_or_default();
            let publishing = peer
                .sources
                .minus(peer.muted)
                .iter()
                .filter(|source| allowed.contains(*source));
            Some(MediaParticipant {
                participant_id: *participant,
                publishing: publishing.collect(),
            })
        });
        let mut admitted = self.tokens.holders(*room_id);
        admitted.extend(room.members.keys());
        Ok(RoomInfo {
            room_id: *room_id,
            participants: participants.collect(),
            admitted: admitted.into_iter().collect(),
        })
    }
}

#[async_trait]
impl SfuProvider for FakeProvider {
    fn name(&self) -> &str {
        "fake"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            remove_participant: true,
            set_publishing: true,
            signalling: true,
            in_process: true,
        }
    }

    async fn create_room(&self, room_id: &RoomId, opts: RoomOptions) -> Result<RoomInfo, SfuError> {
        let mut state = self.enter(Some(Call::CreateRoom(*room_id)))?;
        state.rooms.entry(*room_id).or_insert_with(|| Room {
            max_participants: opts.max_participants as usize,
            rights: HashMap::new(),
            members: BTreeMap::new(),
        });
        state.info(room_id)
    }

    async fn delete_room(&self, room_id: &RoomId) -> Result<(), SfuError> {
        let mut state = self.enter(Some(Call::DeleteRoom(*room_id)))?;
        state.tokens.forget_room(*room_id);
        let members = state
            .rooms
            .remove(room_id)
            .map(|room| room.members)
            .unwrap_or_default();
        members
            .into_values()
            .for_each(|peer| state.close(peer, "room deleted"));
        Ok(())
    }

    async fn generate_token(
        &self,
        room_id: &RoomId,
        participant_id: &ParticipantId,
        _name: &str,
        opts: TokenOptions,
    ) -> Result<SfuToken, SfuError> {
        let mut state = self.enter(Some(Call::GenerateToken(*room_id, *participant_id)))?;
        state.room(room_id)?;
        let token = state
            .tokens
            .issue(Instant::now(), *room_id, *participant_id, opts)?;
        Ok(SfuToken { token, url: None })
    }

    async fn get_room_info(&self, room_id: &RoomId) -> Result<RoomInfo, SfuError> {
        self.enter(None)?.info(room_id)
    }

    async fn health_check(&self) -> Result<Health, SfuError> {
        let state = self.enter(None)?;
        Ok(Health {
            rooms: state.rooms.len() as u64,
            peers: state.peers.len() as u64,
            detail: "fake".into(),
        })
    }

    async fn remove_participant(&self, room: &RoomId, participant: &ParticipantId) -> Result<(), SfuError> {
        let mut state = self.enter(Some(Call::RemoveParticipant(*room, *participant)))?;
        state.tokens.forget_participant(*room, *participant);
        let Some(entry) = state.rooms.get_mut(room) else {
            return Ok(());
        };
        entry.rights.remove(participant);
        if let Some(peer) = entry.members.get(participant).copied() {
            state.close(peer, "removed");
        }
        Ok(())
    }

    async fn set_publishing(
        &self,
        room: &RoomId,
        participant: &ParticipantId,
        allowed: SourceSet,
    ) -> Result<(), SfuError> {
        let mut state = self.enter(Some(Call::SetPublishing(*room, *participant, allowed)))?;
        state.room(room)?.rights.insert(*participant, allowed);
        state.bind_slots(room);
        Ok(())
    }

    fn signalling(&self) -> Option<&dyn Signalling> {
        Some(self)
    }
}

#[async_trait]
impl Signalling for FakeProvider {
    async fn attach(
        &self,
        room: &RoomId,
        participant: &ParticipantId,
        request: AttachRequest,
        events: mpsc::Sender<SignalEvent>,
    ) -> Result<Attached, SfuError> {
        let mut state = self.enter(Some(Call::Attach(*room, *participant, request.reached)))?;
        let grant = state
            .tokens
            .redeem(Instant::now(), &request.token, *room, *participant)?;
        let slots = SlotPlan { audio: 8, video: 8 };
        state.last_attachment += 1;
        let attachment = state.last_attachment;
        if let Some(former) = state.room(room)?.members.get(participant).copied() {
            let peer = state.peer(former)?;
            if request.peer == Some(former) && peer.last_gen.is_some() {
                peer.events = Some(events);
                peer.attachment = attachment;
                peer.subscribe = grant.subscribe;
                peer.tell(peer.slots.view());
                return Ok(Attached {
                    peer: former,
                    resumed: true,
                    attachment,
                    slots,
                });
            }
            state.close(former, "replaced");
        }
        let peer = PeerId(state.last_peer + 1);
        let entry = state.room(room)?;
        if entry.members.len() >= entry.max_participants {
            return Err(SfuError::Full("peers of the room".into()));
        }
        entry.rights.entry(*participant).or_insert(grant.publish);
        entry.members.insert(*participant, peer);
        state.last_peer = peer.0;
        let fresh = Peer {
            room: *room,
            participant: *participant,
            events: Some(events),
            attachment,
            last_gen: None,
            subscribe: grant.subscribe,
            sources: SourceSet::NONE,
            muted: SourceSet::NONE,
            slots: Slots::default(),
        };
        state.peers.insert(peer, fresh);
        Ok(Attached {
            peer,
            resumed: false,
            attachment,
            slots,
        })
    }

    async fn offer(&self, peer: PeerId, offer: Offer) -> Result<Answer, SfuError> {
        let mut state = self.enter(Some(Call::Offer(peer)))?;
        let entry = state.peer(peer)?;
        if entry.last_gen.is_some_and(|last| offer.r#gen <= last) {
            return Err(SfuError::Invalid("stale gen".into()));
        }
        if !offer.sdp.starts_with("v=0") || !offer.sdp.contains("m=") {
            state.close(peer, "failed");
            return Err(SfuError::Invalid("not a session description".into()));
        }
        entry.last_gen = Some(offer.r#gen);
        entry.sources = offer.tracks.iter().map(|(_, source)| *source).collect();
        entry.slots.offered(&offer.sdp);
        let room = entry.room;
        state.bind_slots(&room);
        Ok(Answer {
            r#gen: offer.r#gen,
            sdp: "v=0\r\ns=fake\r\n".into(),
        })
    }

    async fn mute(&self, peer: PeerId, source: Source, muted: bool) -> Result<(), SfuError> {
        let mut state = self.enter(Some(Call::Mute(peer, source, muted)))?;
        let entry = state.peer(peer)?;
        entry.muted = if muted {
            entry.muted.with(source)
        } else {
            entry.muted.without(source)
        };
        let room = entry.room;
        state.bind_slots(&room);
        Ok(())
    }

    async fn keyframe(&self, peer: PeerId, mid: &str) -> Result<(), SfuError> {
        self.enter(Some(Call::Keyframe(peer, mid.to_owned())))?
            .peer(peer)?;
        Ok(())
    }

    fn detach(&self, peer: PeerId, attachment: u64) {
        let mut state = self.state.lock();
        state.remember(Call::Detach(peer));
        if let Some(peer) = state
            .peers
            .get_mut(&peer)
            .filter(|peer| peer.attachment == attachment)
        {
            peer.events = None;
        }
    }

    async fn leave(&self, peer: PeerId) -> Result<(), SfuError> {
        let mut state = self.enter(Some(Call::Leave(peer)))?;
        state.peer(peer)?;
        state.close(peer, "left");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: RoomId = RoomId(1);

    #[tokio::test]
    async fn a_scripted_failure_is_used_up_and_the_call_is_recorded() {
        let fake = FakeProvider::new();
        fake.fail_next(SfuError::Full("rooms".into()));
        assert_eq!(fake.delete_room(&ROOM).await, Err(SfuError::Full("rooms".into())));
        assert_eq!(fake.delete_room(&ROOM).await, Ok(()));
        assert_eq!(fake.calls(), [Call::DeleteRoom(ROOM), Call::DeleteRoom(ROOM)]);
    }

    #[tokio::test]
    async fn a_provider_that_is_down_says_why() {
        let fake = FakeProvider::new();
        fake.set_down(Some("maintenance"));
        assert_eq!(
            fake.health_check().await,
            Err(SfuError::Unavailable("maintenance".into()))
        );
        fake.set_down(None);
        assert!(fake.health_check().await.is_ok());
    }
}
