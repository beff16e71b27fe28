//! `MediaHost`: the one handle through which doors reach a room's media, wherever it lives. Every call has a deadline.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use videorooms_domain::{ParticipantId, RoomId, Source, SourceSet};
use videorooms_sfu::{
    Answer, AttachRequest, Attached, Health, Offer, PeerId, RoomOptions, SfuError, SfuProvider, SfuToken,
    SignalEvent, Signalling, TokenOptions,
};

/// No media server may keep a caller longer than this.
const DEADLINE: Duration = Duration::from_secs(5);

/// Handle to media. Cheap to clone.
#[derive(Clone)]
pub struct MediaHost {
    provider: Arc<dyn SfuProvider>,
}

impl MediaHost {
    /// A handle to a provider in reach of this process.
    #[must_use]
    pub fn new(provider: Arc<dyn SfuProvider>) -> Self {
        Self { provider }
    }

    /// Name of the provider, for the browser's choice of adapter.
    #[must_use]
    pub fn provider_name(&self) -> &str {
        self.provider.name()
    }

    /// Makes the media room if needed, and a credential for this participant. `publish` is what it may do at first; tell
    /// [`crate::Rooms::media_admitted`] afterwards, so that what the room says by then holds.
    ///
    /// # Errors
    /// [`SfuError`]; a server that does not answer within 5 s is [`SfuError::Unavailable`].
    pub async fn admit(
        &self,
        room: RoomId,
        participant: ParticipantId,
        name: &str,
        publish: SourceSet,
    ) -> Result<SfuToken, SfuError> {
        within(async {
            let room_options = RoomOptions {
                max_participants: 1000,
                empty_timeout: Duration::from_secs(60),
            };
            self.provider.create_room(&room, room_options).await?;
            let options = TokenOptions {
                publish,
                subscribe: true,
                ttl: Duration::from_secs(600),
            };
            self.provider
                .generate_token(&room, &participant, name, options)
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
        room: RoomId,
        participant: ParticipantId,
        allowed: SourceSet,
    ) -> Result<(), SfuError> {
        match within(self.provider.set_publishing(&room, &participant, allowed)).await {
            Err(SfuError::Unsupported | SfuError::NoSuchRoom) => Ok(()),
            other => other,
        }
    }

    /// Who has media in the room, or holds what opens it; nobody where there is no media room.
    ///
    /// # Errors
    /// [`SfuError`].
    pub async fn present(&self, room: RoomId) -> Result<Vec<ParticipantId>, SfuError> {
        match within(self.provider.get_room_info(&room)).await {
            Ok(info) => Ok(info.admitted),
            Err(SfuError::NoSuchRoom) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Cuts a participant's media.
    ///
    /// # Errors
    /// [`SfuError`].
    pub async fn remove(&self, room: RoomId, participant: ParticipantId) -> Result<(), SfuError> {
        match within(self.provider.remove_participant(&room, &participant)).await {
            Err(SfuError::Unsupported | SfuError::NoSuchRoom) => Ok(()),
            other => other,
        }
    }

    /// Ends the room's media.
    ///
    /// # Errors
    /// [`SfuError`].
    pub async fn close(&self, room: RoomId) -> Result<(), SfuError> {
        within(self.provider.delete_room(&room)).await
    }

    /// State of the provider.
    ///
    /// # Errors
    /// [`SfuError`].
    pub async fn health(&self) -> Result<Health, SfuError> {
        within(self.provider.health_check()).await
    }

    /// Attaches a signalling socket; see [`Signalling::attach`].
    ///
    /// # Errors
    /// [`SfuError::Unsupported`] where the provider has signalling of its own.
    pub async fn attach(
        &self,
        room: RoomId,
        participant: ParticipantId,
        request: AttachRequest,
        events: mpsc::Sender<SignalEvent>,
    ) -> Result<Attached, SfuError> {
        within(self.signalling()?.attach(&room, &participant, request, events)).await
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
        if let Some(signalling) = self.provider.signalling() {
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
        self.provider.signalling().ok_or(SfuError::Unsupported)
    }
}

async fn within<T>(call: impl Future<Output = Result<T, SfuError>>) -> Result<T, SfuError> {
    tokio::time::timeout(DEADLINE, call)
        .await
        .unwrap_or_else(|_| Err(SfuError::Unavailable("no answer within 5 s".into())))
}
