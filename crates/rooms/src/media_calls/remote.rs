//! The media server of another node, seen from here: the port itself, each method as an envelope through a link. It is no less a provider than one
//! of this node, and keeps the same contract.

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc;
use tokio::time::timeout;
use videorooms_cluster::ServiceName;
use videorooms_cluster::links::LinkError;
use videorooms_domain::{NodeIncarnation, ParticipantId, RoomId, Source, SourceSet};
use videorooms_sfu::{
    Answer as Description, AttachRequest, Attached, Capabilities, Health, Offer, PeerId, RoomInfo,
    RoomOptions, SfuError, SfuProvider, SfuToken, SignalEvent, Signalling, TokenOptions,
};

use super::call::{Answer, Ask, Attach, Tell, Token};
use super::envelope::{Content, Envelope};
use crate::calls::WireError;
use crate::media_host::{DEADLINE, MediaHost};

/// Over a call's own deadline.
const GRACE: Duration = Duration::from_millis(100);

/// The near end of a link to one node's media server.
pub(crate) struct Remote {
    host: MediaHost,
    to: NodeIncarnation,
}

impl Remote {
    pub(crate) fn new(host: MediaHost, to: NodeIncarnation) -> Self {
        Self { host, to }
    }

    async fn ask(&self, ask: Ask) -> Result<Answer, SfuError> {
        let peers = self.host.peers().ok_or_else(|| lost(LinkError::NotLinked))?;
        let envelope = Envelope {
            deadline_ms: Some(DEADLINE.as_millis() as u64),
            ..Envelope::new(self.host.here().clone(), Content::Call(ask))
        };
        let bytes = envelope.encode().map_err(unsendable)?;
        let call = peers.call(&self.to, ServiceName::MediaHost, bytes.into(), DEADLINE);
        // Whoever carries it has the same deadline; this is for one that forgets it.
        let answer = timeout(DEADLINE + GRACE, call)
            .await
            .unwrap_or(Err(LinkError::TimedOut))
            .map_err(lost)?;
        match Envelope::decode(&answer) {
            Ok(envelope) => match envelope.content {
                Content::Answer(answer) => Ok(answer),
                Content::Refused(refused) => Err(refused.into()),
                Content::Call(_) | Content::Cast(_) => Err(misanswered()),
            },
            Err(error) => {
                tracing::warn!(node = %self.to, %error, "the answer of another node's media cannot be read");
                Err(misanswered())
            }
        }
    }

    async fn done(&self, ask: Ask) -> Result<(), SfuError> {
        match self.ask(ask).await? {
            Answer::Done => Ok(()),
            Answer::Room(_)
            | Answer::Token(_)
            | Answer::Health(_)
            | Answer::Attached(_)
            | Answer::Description(_) => Err(misanswered()),
        }
    }

    async fn room(&self, ask: Ask) -> Result<RoomInfo, SfuError> {
        match self.ask(ask).await? {
            Answer::Room(room) => Ok(room),
            Answer::Done
            | Answer::Token(_)
            | Answer::Health(_)
            | Answer::Attached(_)
            | Answer::Description(_) => Err(misanswered()),
        }
    }
}

#[async_trait]
impl SfuProvider for Remote {
    fn name(&self) -> &str {
        self.host.provider_name()
    }

    /// The nodes of a cluster have the same media server.
    fn capabilities(&self) -> Capabilities {
        self.host.provider().capabilities()
    }

    async fn create_room(&self, room_id: &RoomId, opts: RoomOptions) -> Result<RoomInfo, SfuError> {
        self.room(Ask::CreateRoom {
            room: *room_id,
            max_participants: opts.max_participants,
            empty_timeout_ms: opts.empty_timeout.as_millis() as u64,
        })
        .await
    }

    async fn delete_room(&self, room_id: &RoomId) -> Result<(), SfuError> {
        self.done(Ask::DeleteRoom { room: *room_id }).await
    }

    async fn generate_token(
        &self,
        room_id: &RoomId,
        participant_id: &ParticipantId,
        name: &str,
        opts: TokenOptions,
    ) -> Result<SfuToken, SfuError> {
        let ask = Ask::GenerateToken {
            room: *room_id,
            participant: *participant_id,
            name: name.to_owned(),
            publish: opts.publish,
            subscribe: opts.subscribe,
            ttl_ms: opts.ttl.as_millis() as u64,
        };
        match self.ask(ask).await? {
            Answer::Token(token) => Ok(token),
            Answer::Done
            | Answer::Room(_)
            | Answer::Health(_)
            | Answer::Attached(_)
            | Answer::Description(_) => Err(misanswered()),
        }
    }

    async fn get_room_info(&self, room_id: &RoomId) -> Result<RoomInfo, SfuError> {
        self.room(Ask::RoomInfo { room: *room_id }).await
    }

    async fn health_check(&self) -> Result<Health, SfuError> {
        match self.ask(Ask::Health).await? {
            Answer::Health(health) => Ok(health),
            Answer::Done
            | Answer::Room(_)
            | Answer::Token(_)
            | Answer::Attached(_)
            | Answer::Description(_) => Err(misanswered()),
        }
    }

    async fn remove_participant(&self, room: &RoomId, participant: &ParticipantId) -> Result<(), SfuError> {
        let (room, participant) = (*room, *participant);
        self.done(Ask::Remove { room, participant }).await
    }

    async fn set_publishing(
        &self,
        room: &RoomId,
        participant: &ParticipantId,
        allowed: SourceSet,
    ) -> Result<(), SfuError> {
        let (room, participant) = (*room, *participant);
        self.done(Ask::SetPublishing {
            room,
            participant,
            allowed,
        })
        .await
    }

    fn signalling(&self) -> Option<&dyn Signalling> {
        self.capabilities().signalling.then_some(self)
    }
}

#[async_trait]
impl Signalling for Remote {
    async fn attach(
        &self,
        room: &RoomId,
        participant: &ParticipantId,
        request: AttachRequest,
        events: mpsc::Sender<SignalEvent>,
    ) -> Result<Attached, SfuError> {
        let mut begun = Begun {
            remote: self,
            stream: self.host.hearing().begin(&self.to, events),
            is_kept: false,
        };
        let attach = Attach {
            room: *room,
            participant: *participant,
            token: Token(request.token),
            peer: request.peer,
            stream: begun.stream,
        };
        let Answer::Attached(attached) = self.ask(Ask::Attach(Box::new(attach))).await? else {
            return Err(misanswered());
        };
        begun.is_kept = true;
        Ok(Attached {
            peer: attached.peer,
            resumed: attached.resumed,
            attachment: begun.stream,
            slots: attached.slots,
        })
    }

    async fn offer(&self, peer: PeerId, offer: Offer) -> Result<Description, SfuError> {
        match self.ask(Ask::Offer { peer, offer }).await? {
            Answer::Description(answer) => Ok(answer),
            Answer::Done | Answer::Room(_) | Answer::Token(_) | Answer::Health(_) | Answer::Attached(_) => {
                Err(misanswered())
            }
        }
    }

    async fn mute(&self, peer: PeerId, source: Source, muted: bool) -> Result<(), SfuError> {
        self.done(Ask::Mute { peer, source, muted }).await
    }

    async fn keyframe(&self, peer: PeerId, mid: &str) -> Result<(), SfuError> {
        let mid = mid.to_owned();
        self.done(Ask::Keyframe { peer, mid }).await
    }

    fn detach(&self, _peer: PeerId, attachment: u64) {
        self.host.hearing().end(attachment);
        // Lost only with the link, whose end the other node sees as well; or it is told again with the next event.
        self.host.tell(&self.to, Tell::Release { stream: attachment });
    }

    async fn leave(&self, peer: PeerId) -> Result<(), SfuError> {
        self.done(Ask::Leave { peer }).await
    }
}

/// An attachment whose answer is not there yet. Given up, it is released on both nodes.
struct Begun<'a> {
    remote: &'a Remote,
    stream: u64,
    is_kept: bool,
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        if !self.is_kept {
            let Remote { host, to } = self.remote;
            host.hearing().end(self.stream);
            host.tell(to, Tell::Release { stream: self.stream });
        }
    }
}

fn lost(error: LinkError) -> SfuError {
    SfuError::Unavailable(format!("the media's node: {error}"))
}

fn unsendable(error: WireError) -> SfuError {
    SfuError::Invalid(error.to_string())
}

fn misanswered() -> SfuError {
    SfuError::Unavailable("the answer of the media's node was not understood".into())
}
