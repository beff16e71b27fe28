//! `RoomMedia`: the media of one room on the node that carries it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use videorooms_domain::{ParticipantId, RoomId, Source, SourceSet};
use videorooms_sfu::{
    Answer, AttachRequest, Attached, Offer, PeerId, RoomOptions, SfuError, SfuProvider, SfuToken,
    SignalEvent, Signalling, TokenOptions,
};

use super::within;

/// The media of one room, where it was when the room was asked: for one admission, or for an attachment, which ends with it. Cheap to
/// clone. Each call ends within 5 s; a server that does not answer is [`SfuError::Unavailable`].
#[derive(Clone)]
pub struct RoomMedia {
    server: Arc<dyn SfuProvider>,
    room: RoomId,
}

impl RoomMedia {
    pub(super) fn new(server: Arc<dyn SfuProvider>, room: RoomId) -> Self {
        Self { server, room }
    }

    /// Makes the media room if needed, and a credential for this participant. `publish` is what it may do at first; tell
    /// [`crate::Rooms::media_admitted`] afterwards, so that what the room says by then holds.
    ///
    /// # Errors
    /// [`SfuError`].
    pub async fn admit(
        &self,
        participant: ParticipantId,
        name: &str,
        publish: SourceSet,
    ) -> Result<SfuToken, SfuError> {
        within(async {
            let room_options = RoomOptions {
                max_participants: 1000,
                empty_timeout: Duration::from_secs(60),
            };
            self.server.create_room(&self.room, room_options).await?;
            let options = TokenOptions {
                publish,
                subscribe: true,
                ttl: Duration::from_secs(600),
            };
            self.server
                .generate_token(&self.room, &participant, name, options)
                .await
        })
        .await
    }

    /// Sets what a participant may publish; nothing to do where the provider cannot.
    ///
    /// # Errors
    /// [`SfuError`].
    pub async fn set_publishing(
        &self,
        participant: ParticipantId,
        allowed: SourceSet,
    ) -> Result<(), SfuError> {
        match within(self.server.set_publishing(&self.room, &participant, allowed)).await {
            Err(SfuError::Unsupported | SfuError::NoSuchRoom) => Ok(()),
            other => other,
        }
    }

    /// Who has media in the room, or holds what opens it; nobody where there is no media room.
    ///
    /// # Errors
    /// [`SfuError`].
    pub async fn present(&self) -> Result<Vec<ParticipantId>, SfuError> {
        match within(self.server.get_room_info(&self.room)).await {
            Ok(info) => Ok(info.admitted),
            Err(SfuError::NoSuchRoom) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Cuts a participant's media.
    ///
    /// # Errors
    /// [`SfuError`].
    pub async fn remove(&self, participant: ParticipantId) -> Result<(), SfuError> {
        match within(self.server.remove_participant(&self.room, &participant)).await {
            Err(SfuError::Unsupported | SfuError::NoSuchRoom) => Ok(()),
            other => other,
        }
    }

    /// Ends the room's media.
    ///
    /// # Errors
    /// [`SfuError`].
    pub async fn close(&self) -> Result<(), SfuError> {
        within(self.server.delete_room(&self.room)).await
    }

    /// Attaches a signalling socket of this node; see [`Signalling::attach`].
    ///
    /// # Errors
    /// [`SfuError::Unsupported`] where the provider has signalling of its own.
    pub async fn attach(
        &self,
        participant: ParticipantId,
        request: AttachRequest,
        events: mpsc::Sender<SignalEvent>,
    ) -> Result<Attached, SfuError> {
        within(
            self.signalling()?
                .attach(&self.room, &participant, request, events),
        )
        .await
    }

    /// See [`Signalling::offer`].
    ///
    /// # Errors
    /// [`SfuError`].
    pub async fn offer(&self, peer: PeerId, offer: Offer) -> Result<Answer, SfuError> {
        within(self.signalling()?.offer(peer, offer)).await
    }

    /// See [`Signalling::mute`].
    ///
    /// # Errors
    /// [`SfuError`].
    pub async fn mute(&self, peer: PeerId, source: Source, muted: bool) -> Result<(), SfuError> {
        within(self.signalling()?.mute(peer, source, muted)).await
    }

    /// See [`Signalling::keyframe`].
    ///
    /// # Errors
    /// [`SfuError`].
    pub async fn keyframe(&self, peer: PeerId, mid: &str) -> Result<(), SfuError> {
        within(self.signalling()?.keyframe(peer, mid)).await
    }

    /// See [`Signalling::detach`].
    pub fn detach(&self, peer: PeerId, attachment: u64) {
        if let Some(signalling) = self.server.signalling() {
            signalling.detach(peer, attachment);
        }
    }

    /// See [`Signalling::leave`].
    ///
    /// # Errors
    /// [`SfuError`].
    pub async fn leave(&self, peer: PeerId) -> Result<(), SfuError> {
        within(self.signalling()?.leave(peer)).await
    }

    fn signalling(&self) -> Result<&dyn Signalling, SfuError> {
        self.server.signalling().ok_or(SfuError::Unsupported)
    }
}
