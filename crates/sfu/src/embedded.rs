//! The SFU in our own process, as a provider.
//!
//! This file translates: ids to the engine's numbers, sources to its sources, errors to the port's. It keeps the tokens; what is done with media
//! stands in the `videorooms-media` crate. Media lives and dies with the process.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use videorooms_domain::{ParticipantId, RoomId, Source, SourceSet};
use videorooms_media as media;
use videorooms_media::{Delivery, Engine, MediaError, PeerEvent, PeerKey};

use crate::tokens::{Tokens, random_u128};
use crate::{
    Answer, AttachRequest, Attached, Capabilities, Health, MediaParticipant, Offer, PeerId, RoomInfo,
    RoomOptions, SfuError, SfuProvider, SfuToken, SignalEvent, Signalling, Slot, SlotPlan, SpeakerLevels,
    TokenOptions,
};

pub use videorooms_media::metrics::describe as describe_metrics;
pub use videorooms_media::{Advertise, BadAdvertise};

/// Peer ids go through JavaScript, whose numbers are exact to 53 bits; 2^50 leaves room to count.
const PEER_ID_MASK: u64 = (1 << 50) - 1;

/// Settings of the embedded SFU.
#[derive(Debug, Clone)]
pub struct EmbeddedConfig {
    /// Where the UDP socket is bound; port 0 lets the kernel choose.
    pub listen: std::net::SocketAddr,
    /// Addresses for clients beside the one at which they reach this machine.
    pub advertise: Vec<Advertise>,
    /// Media rooms at a time; one without media gives way to a new one.
    pub max_rooms: usize,
    /// Media connections at a time, over all rooms.
    pub max_peers: usize,
}

impl Default for EmbeddedConfig {
    fn default() -> Self {
        let limits = media::Limits::default();
        Self {
            listen: ([0, 0, 0, 0], 50_000).into(),
            advertise: Vec::new(),
            max_rooms: limits.rooms,
            max_peers: limits.peers,
        }
    }
}

/// The embedded SFU.
pub struct EmbeddedProvider {
    engine: Engine,
    tokens: Mutex<Tokens>,
    speakers: Arc<Mutex<LastSpeakers>>,
}

/// The last speakers' list as the engine told it and as the port tells it: the subscribers of a room share both.
type LastSpeakers = Option<(Arc<[(u64, u8)]>, Arc<SpeakerLevels>)>;

impl EmbeddedProvider {
    /// Binds the media port and starts the media thread.
    ///
    /// # Errors
    /// [`SfuError::Unavailable`] with the reason: mostly that the port is taken.
    pub fn start(config: EmbeddedConfig) -> Result<Self, SfuError> {
        let mut engine = media::EngineConfig::new(config.listen);
        engine.advertise = config.advertise;
        engine.limits.rooms = config.max_rooms;
        engine.limits.peers = config.max_peers;
        engine.first_peer = random_u128()? as u64 & PEER_ID_MASK | 1;
        let engine = Engine::start(engine)
            .map_err(|error| SfuError::Unavailable(format!("media port {}: {error}", config.listen)))?;
        Ok(Self {
            engine,
            tokens: Mutex::default(),
            speakers: Arc::default(),
        })
    }

    /// Where the media socket is bound.
    #[must_use]
    pub fn local_addr(&self) -> std::net::SocketAddr {
        self.engine.local_addr()
    }

    fn room_info(&self, room_id: RoomId, members: Vec<media::RoomMember>) -> RoomInfo {
        // A peer that is not connected yet came by a token, too.
        let mut admitted = self.tokens.lock().holders(room_id);
        admitted.extend(members.iter().map(|member| ParticipantId(member.participant)));
        let participants = members.into_iter().map(|member| MediaParticipant {
            participant_id: ParticipantId(member.participant),
            publishing: member.publishing.iter().map(source_out).collect(),
        });
        RoomInfo {
            room_id,
            participants: participants.collect(),
            admitted: admitted.into_iter().collect(),
        }
    }

    /// Says goodbye to every peer and stops the media thread. Every later call is [`SfuError::Unavailable`].
    pub async fn shutdown(&self) {
        self.engine.shutdown().await;
    }
}

#[async_trait]
impl SfuProvider for EmbeddedProvider {
    fn name(&self) -> &str {
        "embedded"
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
        let rules = media::RoomRules {
            max_peers: opts.max_participants as usize,
            empty_timeout: opts.empty_timeout,
        };
        let members = self.engine.create_room(room_id.0, rules).await;
        Ok(self.room_info(*room_id, members.map_err(refused)?))
    }

    async fn delete_room(&self, room_id: &RoomId) -> Result<(), SfuError> {
        self.tokens.lock().forget_room(*room_id);
        self.engine.delete_room(room_id.0).await.map_err(refused)
    }

    async fn generate_token(
        &self,
        room_id: &RoomId,
        participant_id: &ParticipantId,
        _name: &str,
        opts: TokenOptions,
    ) -> Result<SfuToken, SfuError> {
        let now = Instant::now();
        // Whoever holds a token finds the room, however long the user looks at the camera's permission prompt.
        self.engine
            .keep_room(room_id.0, now + opts.ttl)
            .await
            .map_err(refused)?;
        let token = self.tokens.lock().issue(now, *room_id, *participant_id, opts)?;
        Ok(SfuToken { token, url: None })
    }

    async fn get_room_info(&self, room_id: &RoomId) -> Result<RoomInfo, SfuError> {
        let members = self.engine.room_members(room_id.0).await.map_err(refused)?;
        Ok(self.room_info(*room_id, members))
    }

    async fn health_check(&self) -> Result<Health, SfuError> {
        let totals = self.engine.totals().await.map_err(refused)?;
        let detail = format!("udp {}", self.engine.local_addr());
        Ok(Health {
            rooms: totals.rooms as u64,
            peers: totals.peers as u64,
            detail,
        })
    }

    async fn remove_participant(&self, room: &RoomId, participant: &ParticipantId) -> Result<(), SfuError> {
        self.tokens.lock().forget_participant(*room, *participant);
        self.engine
            .remove_participant(room.0, participant.0)
            .await
            .map_err(refused)
    }

    async fn set_publishing(
        &self,
        room: &RoomId,
        participant: &ParticipantId,
        allowed: SourceSet,
    ) -> Result<(), SfuError> {
        self.engine
            .set_publishing(room.0, participant.0, sources_in(allowed))
            .await
            .map_err(refused)
    }

    fn signalling(&self) -> Option<&dyn Signalling> {
        Some(self)
    }
}

#[async_trait]
impl Signalling for EmbeddedProvider {
    async fn attach(
        &self,
        room: &RoomId,
        participant: &ParticipantId,
        request: AttachRequest,
        events: mpsc::Sender<SignalEvent>,
    ) -> Result<Attached, SfuError> {
        let grant = self
            .tokens
            .lock()
            .redeem(Instant::now(), &request.token, *room, *participant)?;
        let wish = media::AttachWish {
            room: room.0,
            participant: participant.0,
            publish: sources_in(grant.publish),
            subscribe: grant.subscribe,
            reached: request.reached,
            peer: request.peer.map(|peer| PeerKey(peer.0)),
            sink: sink(events, self.speakers.clone()),
        };
        let attached = self.engine.attach(wish).await.map_err(refused)?;
        Ok(Attached {
            peer: PeerId(attached.peer.0),
            resumed: attached.resumed,
            attachment: attached.attachment,
            slots: SlotPlan {
                audio: attached.slots,
                video: attached.slots,
            },
        })
    }

    async fn offer(&self, peer: PeerId, offer: Offer) -> Result<Answer, SfuError> {
        let tracks = offer
            .tracks
            .into_iter()
            .map(|(mid, source)| (mid, source_in(source)))
            .collect();
        let wish = media::OfferWish {
            r#gen: offer.r#gen,
            sdp: offer.sdp,
            tracks,
        };
        let sdp = self.engine.offer(PeerKey(peer.0), wish).await.map_err(refused)?;
        Ok(Answer {
            r#gen: offer.r#gen,
            sdp,
        })
    }

    async fn mute(&self, peer: PeerId, source: Source, muted: bool) -> Result<(), SfuError> {
        self.engine
            .mute(PeerKey(peer.0), source_in(source), muted)
            .await
            .map_err(refused)
    }

    async fn keyframe(&self, peer: PeerId, mid: &str) -> Result<(), SfuError> {
        self.engine.keyframe(PeerKey(peer.0), mid).await.map_err(refused)
    }

    fn detach(&self, peer: PeerId, attachment: u64) {
        self.engine.detach(PeerKey(peer.0), attachment);
    }

    async fn leave(&self, peer: PeerId) -> Result<(), SfuError> {
        self.engine.leave(PeerKey(peer.0)).await.map_err(refused)
    }
}

/// A queue's end for the engine. When a reset finds the queue full, the queue's end says the same.
fn sink(events: mpsc::Sender<SignalEvent>, speakers: Arc<Mutex<LastSpeakers>>) -> media::Sink {
    Box::new(move |event| match events.try_send(event_out(event, &speakers)) {
        Ok(()) => Delivery::Taken,
        Err(TrySendError::Full(_)) => Delivery::Full,
        Err(TrySendError::Closed(_)) => Delivery::Gone,
    })
}

fn event_out(event: PeerEvent, speakers: &Mutex<LastSpeakers>) -> SignalEvent {
    match event {
        PeerEvent::Slots { rev, map } => {
            let slots = map.into_iter().map(|slot| Slot {
                mid: slot.mid,
                participant: ParticipantId(slot.participant),
                source: source_out(slot.source),
                muted: slot.muted,
            });
            SignalEvent::Slots {
                rev,
                map: slots.collect(),
            }
        }
        PeerEvent::NeedSlots { audio, video } => SignalEvent::NeedSlots(SlotPlan { audio, video }),
        PeerEvent::Speakers(levels) => SignalEvent::Speakers(speakers_out(levels, &mut speakers.lock())),
        PeerEvent::Reset(reason) => SignalEvent::Reset(reason.into()),
    }
}

fn speakers_out(levels: Arc<[(u64, u8)]>, last: &mut LastSpeakers) -> Arc<SpeakerLevels> {
    if let Some((known, shared)) = last
        && Arc::ptr_eq(known, &levels)
    {
        return shared.clone();
    }
    let named = levels.iter().map(|(who, level)| (ParticipantId(*who), *level));
    let shared = SpeakerLevels::new(named.collect());
    *last = Some((levels, shared.clone()));
    shared
}

fn refused(error: MediaError) -> SfuError {
    match error {
        MediaError::NoSuchRoom => SfuError::NoSuchRoom,
        MediaError::NoSuchPeer => SfuError::NoSuchPeer,
        MediaError::Full(what) => SfuError::Full(what.into()),
        MediaError::TooFast(wait) => SfuError::TooFast(wait),
        MediaError::Invalid(why) => SfuError::Invalid(why),
        MediaError::Stopped => SfuError::Unavailable("the media engine has stopped".into()),
    }
}

fn sources_in(sources: SourceSet) -> media::Sources {
    sources.iter().map(source_in).collect()
}

fn source_in(source: Source) -> media::Source {
    match source {
        Source::Microphone => media::Source::Microphone,
        Source::Camera => media::Source::Camera,
        Source::Screen => media::Source::Screen,
        Source::ScreenAudio => media::Source::ScreenAudio,
    }
}

fn source_out(source: media::Source) -> Source {
    match source {
        media::Source::Microphone => Source::Microphone,
        media::Source::Camera => Source::Camera,
        media::Source::Screen => Source::Screen,
        media::Source::ScreenAudio => Source::ScreenAudio,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_subscribers_of_a_room_share_one_list_of_speakers_and_its_encoding() {
        let speakers = Mutex::default();
        let list: Arc<[(u64, u8)]> = [(1, 20)].into();
        let told = |list: &Arc<[_]>| {
            let SignalEvent::Speakers(levels) = event_out(PeerEvent::Speakers(list.clone()), &speakers)
            else {
                panic!("something else was told");
            };
            levels
        };
        let (anna, ben) = (told(&list), told(&list));
        assert_eq!(anna.levels(), [(ParticipantId(1), 20)]);
        let encode = |text: &str| serde_json::value::RawValue::from_string(text.into()).unwrap();
        assert_eq!(anna.encoded(|_| encode("1")).get(), "1");
        assert_eq!(ben.encoded(|_| encode("2")).get(), "1");
        let other: Arc<[(u64, u8)]> = [(1, 20)].into();
        assert_eq!(told(&other).encoded(|_| encode("3")).get(), "3");
    }
}
