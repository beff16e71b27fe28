//! Topic `sfu:<id>`: signalling of embedded media for a member whose room channel is on the same socket.
//!
//! Dropping the channel detaches the peer, which lives on while its media flows; unless another socket has taken the peer over meanwhile.

use std::net::IpAddr;
use std::task::{Context, Poll};

use serde_json::value::RawValue;
use tokio::sync::mpsc;
use videorooms_domain::{ParticipantId, RoomId};
use videorooms_protocol::sfu::{self as wire, SfuEvent, SfuPush};
use videorooms_protocol::{ErrorReply, Reason};
use videorooms_rooms::{RoomMedia, Rooms};
use videorooms_sfu::{AttachRequest, Offer, PeerId, SignalEvent, Slot};

use super::translate::{source, wire_source};
use super::{Answer, Channel, answer, refused_by_media};

/// Events that may wait for the socket.
const MAX_EVENTS: usize = 32;

/// Why a client is reset that was not told why.
const LOST: &str = "signalling lost";

/// A member's signalling.
pub(crate) struct SfuChannel {
    media: RoomMedia,
    peer: PeerId,
    attachment: u64,
    events: mpsc::Receiver<SignalEvent>,
    ended: bool,
}

impl Drop for SfuChannel {
    fn drop(&mut self) {
        // The sender is gone when the peer is, or listens to another socket.
        if !self.events.is_closed() {
            self.media.detach(self.peer, self.attachment);
        }
    }
}

/// Attaches to a new peer, or to the one named, on the node that carries the room's media.
pub(crate) async fn join(
    rooms: Rooms,
    room: RoomId,
    participant: ParticipantId,
    reached: Option<IpAddr>,
    params: wire::SfuJoin,
) -> Result<(SfuChannel, Answer), ErrorReply> {
    let (sender, events) = mpsc::channel(MAX_EVENTS);
    let request = AttachRequest {
        token: params.token,
        peer: params.peer.map(PeerId),
        reached,
    };
    let media = rooms
        .media(room)
        .await
        .map_err(|error| refused_by_media(&error))?;
    let attached = media
        .attach(participant, request, sender)
        .await
        .map_err(|error| refused_by_media(&error))?;
    let response = answer(&wire::SfuJoined {
        peer: attached.peer.0,
        resumed: attached.resumed,
        ice_servers: Vec::new(),
        slots: wire::SlotCounts {
            audio: attached.slots.audio,
            video: attached.slots.video,
        },
    });
    Ok((
        SfuChannel {
            media,
            peer: attached.peer,
            attachment: attached.attachment,
            events,
            ended: false,
        },
        response,
    ))
}

impl SfuChannel {
    /// The next event. A reset is the last: where the queue ends without one, there was no room for it.
    pub(crate) fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<SignalEvent>> {
        if self.ended {
            return Poll::Pending;
        }
        let event = std::task::ready!(self.events.poll_recv(cx)).unwrap_or(SignalEvent::Reset(LOST.into()));
        self.ended = matches!(event, SignalEvent::Reset(_));
        Poll::Ready(Some(event))
    }

    /// A push of the client.
    pub(crate) fn handle(
        &self,
        event: &str,
        payload: &str,
    ) -> Result<impl Future<Output = Answer> + Send + use<>, ErrorReply> {
        let push = SfuPush::parse(event, payload)
            .ok_or_else(|| ErrorReply::new(Reason::Unsupported, "no such event"))?
            .map_err(|error| ErrorReply::new(Reason::Invalid, error.to_string()))?;
        Ok(ask(self.media.clone(), self.peer, push))
    }
}

async fn ask(media: RoomMedia, peer: PeerId, push: SfuPush) -> Answer {
    let done = match push {
        SfuPush::Offer(offer) => {
            let tracks = offer
                .tracks
                .into_iter()
                .map(|track| (track.mid, source(track.source)))
                .collect();
            let offer = Offer {
                r#gen: offer.r#gen,
                sdp: offer.sdp,
                tracks,
            };
            let answered = media
                .offer(peer, offer)
                .await
                .map_err(|error| refused_by_media(&error))?;
            return answer(&wire::SfuAnswer {
                r#gen: answered.r#gen,
                sdp: answered.sdp,
            });
        }
        SfuPush::Mute(mute) => media.mute(peer, source(mute.source), mute.muted).await,
        SfuPush::Keyframe(keyframe) => media.keyframe(peer, &keyframe.mid).await,
        SfuPush::Leave => media.leave(peer).await,
    };
    done.map_err(|error| refused_by_media(&error))?;
    answer(&videorooms_protocol::room::Done {})
}

/// The frame by which a client hears an event of the media server.
pub(crate) fn push(channel: &Channel, event: SignalEvent) -> String {
    let event = match event {
        SignalEvent::Slots { rev, map } => SfuEvent::Slots(wire::SlotMap {
            rev,
            map: map.into_iter().map(binding).collect(),
        }),
        SignalEvent::NeedSlots(plan) => SfuEvent::NeedSlots(wire::SlotCounts {
            audio: plan.audio,
            video: plan.video,
        }),
        SignalEvent::Speakers(levels) => {
            return channel.push(wire::SPEAKERS, levels.encoded(encode_speakers));
        }
        SignalEvent::Reset(reason) => SfuEvent::Reset(wire::SfuReset {
            reason: reason.into_owned(),
        }),
    };
    channel.push(event.name(), &event)
}

fn encode_speakers(levels: &[(ParticipantId, u8)]) -> Box<RawValue> {
    let level = |(participant, level): &(ParticipantId, u8)| wire::SpeakerLevel {
        participant_id: participant.to_string(),
        level: *level,
    };
    let levels = levels.iter().map(level).collect();
    serde_json::value::to_raw_value(&wire::Speakers { levels }).expect("strings and numbers are JSON")
}

fn binding(slot: Slot) -> wire::SlotBinding {
    use videorooms_domain::Source;
    let kind = match slot.source {
        Source::Microphone | Source::ScreenAudio => wire::TrackKind::Audio,
        Source::Camera | Source::Screen => wire::TrackKind::Video,
    };
    wire::SlotBinding {
        mid: slot.mid,
        participant_id: slot.participant.to_string(),
        source: wire_source(slot.source),
        kind,
        muted: slot.muted,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use videorooms_domain::{Epoch, NodeIncarnation};
    use videorooms_rooms::{MediaHost, Ownership};
    use videorooms_sfu::SlotPlan;
    use videorooms_sfu::fake::FakeProvider;

    use super::*;

    fn channel(events: mpsc::Receiver<SignalEvent>) -> SfuChannel {
        let here = NodeIncarnation {
            node: "a".parse().unwrap(),
            incarnation: 1,
        };
        let ownership = Ownership::Alone(Epoch(1));
        let media = MediaHost::new(Arc::new(FakeProvider::new()), here.clone(), ownership);
        SfuChannel {
            media: media.on(RoomId(1), &here),
            peer: PeerId(1),
            attachment: 1,
            events,
            ended: false,
        }
    }

    async fn next(channel: &mut SfuChannel) -> Option<SignalEvent> {
        std::future::poll_fn(|cx| channel.poll_event(cx)).await
    }

    #[tokio::test]
    async fn a_queue_that_ends_without_a_reset_is_one() {
        let (sender, events) = mpsc::channel(1);
        let mut channel = channel(events);
        let full = SignalEvent::NeedSlots(SlotPlan { audio: 1, video: 1 });
        sender.try_send(full.clone()).unwrap();
        drop(sender);
        assert_eq!(next(&mut channel).await, Some(full));
        assert_eq!(next(&mut channel).await, Some(SignalEvent::Reset(LOST.into())));
        let mut more = std::pin::pin!(next(&mut channel));
        let waker = std::task::Waker::noop();
        assert!(more.as_mut().poll(&mut Context::from_waker(waker)).is_pending());
    }

    #[tokio::test]
    async fn a_reset_is_told_once() {
        let (sender, events) = mpsc::channel(1);
        let mut channel = channel(events);
        sender.try_send(SignalEvent::Reset("left".into())).unwrap();
        drop(sender);
        assert_eq!(next(&mut channel).await, Some(SignalEvent::Reset("left".into())));
        let mut more = std::pin::pin!(next(&mut channel));
        let waker = std::task::Waker::noop();
        assert!(more.as_mut().poll(&mut Context::from_waker(waker)).is_pending());
    }
}
