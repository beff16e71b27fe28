//! `MediaHost`: a node's part in media. It serves the media of this node to others, and reaches the media of a room on whatever node carries it;
//! [`RoomMedia`] is one room's, for doors and for the room itself. Every call has a deadline.
//!
//! A media server outside of the nodes' processes is reached from each of them alike: which node carries a room's media then means nothing.

mod room_media;

use std::sync::Arc;
use std::time::Duration;

use videorooms_cluster::ServiceName;
use videorooms_cluster::links::LinkError;
use videorooms_domain::{NodeIncarnation, RoomId};
use videorooms_sfu::{Health, SfuError, SfuProvider};

use crate::calls::Peers;
use crate::media_calls::{Content, Envelope, Hearing, Remote, Tell, Telling};
use crate::ownership::Ownership;

pub use room_media::RoomMedia;

/// No media server may keep a caller longer than this.
pub(crate) const DEADLINE: Duration = Duration::from_secs(5);

/// Handle to a node's part in media. Cheap to clone.
#[derive(Clone)]
pub struct MediaHost {
    shared: Arc<Shared>,
}

struct Shared {
    provider: Arc<dyn SfuProvider>,
    here: NodeIncarnation,
    ownership: Ownership,
    hearing: Hearing,
    telling: Telling,
    /// For tests: this node's media is reached as if it were elsewhere.
    beyond: Option<Arc<dyn Peers>>,
}

impl MediaHost {
    /// The part of this boot of a node, whose own media server `provider` is.
    #[must_use]
    pub fn new(provider: Arc<dyn SfuProvider>, here: NodeIncarnation, ownership: Ownership) -> Self {
        let shared = Shared {
            provider,
            here,
            ownership,
            hearing: Hearing::default(),
            telling: Telling::default(),
            beyond: None,
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Name of the provider, for the browser's choice of adapter.
    #[must_use]
    pub fn provider_name(&self) -> &str {
        self.shared.provider.name()
    }

    /// State of this node's provider.
    ///
    /// # Errors
    /// [`SfuError`]; a server that does not answer within 5 s is [`SfuError::Unavailable`].
    pub async fn health(&self) -> Result<Health, SfuError> {
        within(self.shared.provider.health_check()).await
    }

    /// The media of a room that this node carries.
    #[must_use]
    pub fn on(&self, room: RoomId, node: &NodeIncarnation) -> RoomMedia {
        let is_reached_from_here = self.is_everywhere() || *node == self.shared.here;
        let server: Arc<dyn SfuProvider> = if is_reached_from_here && self.shared.beyond.is_none() {
            Arc::clone(&self.shared.provider)
        } else {
            Arc::new(Remote::new(self.clone(), node.clone()))
        };
        RoomMedia::new(server, room)
    }

    /// Does every node reach the same media server.
    pub(crate) fn is_everywhere(&self) -> bool {
        !self.shared.provider.capabilities().in_process
    }

    /// May there still be media of a room on that node.
    pub(crate) fn carries(&self, node: &NodeIncarnation) -> bool {
        self.is_everywhere() || self.shared.ownership.carries_media(&self.shared.here, node)
    }

    /// The media of a room that this node carries; none where it has died with the node.
    pub(crate) fn reach(&self, room: RoomId, node: &NodeIncarnation) -> Option<RoomMedia> {
        self.carries(node).then(|| self.on(room, node))
    }

    /// That boot of a node was declared dead, or the link to it ended: sockets here are reset that were attached to media there, and sockets there
    /// are detached from media here.
    pub(crate) fn lost(&self, node: &NodeIncarnation) {
        self.shared.hearing.lost(node);
        self.shared.telling.lost(node);
    }

    pub(crate) fn here(&self) -> &NodeIncarnation {
        &self.shared.here
    }

    pub(crate) fn provider(&self) -> &Arc<dyn SfuProvider> {
        &self.shared.provider
    }

    pub(crate) fn hearing(&self) -> &Hearing {
        &self.shared.hearing
    }

    pub(crate) fn telling(&self) -> &Telling {
        &self.shared.telling
    }

    pub(crate) fn peers(&self) -> Option<&Arc<dyn Peers>> {
        let beyond = self.shared.beyond.as_ref();
        beyond.or_else(|| self.shared.ownership.peers())
    }

    pub(crate) fn is_alive(&self, node: &NodeIncarnation) -> bool {
        self.shared.ownership.is_alive(&self.shared.here, node)
    }

    /// Tells another node's part something, unless it cannot be reached.
    pub(crate) fn tell(&self, to: &NodeIncarnation, tell: Tell) {
        // Who is not reached sees the end of the link.
        let _ = self.try_tell(to, tell);
    }

    /// # Errors
    /// As [`Peers::cast`].
    pub(crate) fn try_tell(&self, to: &NodeIncarnation, tell: Tell) -> Result<(), LinkError> {
        let peers = self.peers().ok_or(LinkError::NotLinked)?;
        let bytes = Envelope::new(self.here().clone(), Content::Cast(tell)).encode();
        let bytes = bytes.map_err(|_| LinkError::TooLarge)?;
        peers.cast(to, ServiceName::MediaHost, bytes.into())
    }

    /// The same media, but reached through a link.
    #[cfg(any(test, feature = "test-kit"))]
    pub(crate) fn beyond(&self, link: impl FnOnce(WeakMediaHost) -> Arc<dyn Peers>) -> Self {
        let Shared {
            provider,
            here,
            ownership,
            ..
        } = &*self.shared;
        let shared = Arc::new_cyclic(|weak| Shared {
            provider: Arc::clone(provider),
            here: here.clone(),
            ownership: ownership.clone(),
            hearing: Hearing::default(),
            telling: Telling::default(),
            beyond: Some(link(WeakMediaHost(weak.clone()))),
        });
        Self { shared }
    }

    /// Attachments of sockets here to media elsewhere, and of sockets elsewhere to media here.
    #[cfg(any(test, feature = "test-kit"))]
    #[must_use]
    pub fn attachments(&self) -> (usize, usize) {
        (self.shared.hearing.count(), self.shared.telling.count())
    }
}

/// A [`MediaHost`] that does not keep itself alive.
#[cfg(any(test, feature = "test-kit"))]
pub(crate) struct WeakMediaHost(std::sync::Weak<Shared>);

#[cfg(any(test, feature = "test-kit"))]
impl WeakMediaHost {
    pub(crate) fn upgrade(&self) -> Option<MediaHost> {
        self.0.upgrade().map(|shared| MediaHost { shared })
    }
}

async fn within<T>(call: impl Future<Output = Result<T, SfuError>>) -> Result<T, SfuError> {
    tokio::time::timeout(DEADLINE, call)
        .await
        .unwrap_or_else(|_| Err(SfuError::Unavailable("no answer within 5 s".into())))
}
