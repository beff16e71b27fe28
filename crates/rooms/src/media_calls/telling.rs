//! What the media server of this node tells sockets on other nodes: a short queue for each attachment, emptied into the link in order.
//!
//! A link that is full is tried again, so that nothing is lost there; meanwhile the queue fills and the media server does what the port says of a full
//! one. A link that is lost ends the attachment.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;
use videorooms_cluster::links::LinkError;
use videorooms_domain::NodeIncarnation;
use videorooms_sfu::{AttachRequest, PeerId, SfuError, SignalEvent};

use super::call::{Attach, Attached, Event, Tell};
use crate::media_host::MediaHost;

/// Events that may wait for the link, per attachment; as many as wait for a socket.
const MAX_EVENTS: usize = 32;
/// Attachments of sockets on other nodes at a time; more than a media server has peers.
const MAX_STREAMS: usize = 16 * 1024;
/// Before a link that was full is tried again.
const TRY_AGAIN: Duration = Duration::from_millis(20);
/// Between two attempts to say over a link that was lost that an attachment has ended, and how often.
const LAST_WORD_AGAIN: Duration = Duration::from_millis(500);
const LAST_WORDS: usize = 60;

/// Names an attachment: the node of the socket, and its number there.
type Key = (NodeIncarnation, u64);
type Streams = Arc<Mutex<HashMap<Key, oneshot::Sender<Stopped>>>>;

/// Attachments of sockets on other nodes to media here.
#[derive(Default)]
pub(crate) struct Telling {
    streams: Streams,
}

/// Its socket was released, and expects nothing more.
struct Stopped;

/// Why nothing more is told.
enum End {
    /// The peer is gone, or listens to another socket.
    Over,
    /// The socket is gone.
    Released,
    /// It cannot be reached.
    Lost,
}

impl Telling {
    /// Takes an attachment's place, which lasts until it is dropped.
    fn take(&self, key: Key) -> Result<(Place, oneshot::Receiver<Stopped>), SfuError> {
        let mut streams = self.streams.lock();
        if streams.len() >= MAX_STREAMS {
            return Err(SfuError::Full("attachments of other nodes".into()));
        }
        if streams.contains_key(&key) {
            return Err(SfuError::Invalid("an attachment of this number is there".into()));
        }
        let (stop, stopped) = oneshot::channel();
        streams.insert(key.clone(), stop);
        let streams = Arc::clone(&self.streams);
        Ok((Place { streams, key }, stopped))
    }

    /// The socket is gone.
    pub(crate) fn release(&self, from: &NodeIncarnation, stream: u64) {
        if let Some(stop) = self.streams.lock().remove(&(from.clone(), stream)) {
            // It may be ending anyway.
            let _ = stop.send(Stopped);
        }
    }

    /// That node is dead, or the link to it is gone: none of its sockets is there any more.
    pub(crate) fn lost(&self, node: &NodeIncarnation) {
        self.streams.lock().retain(|(of, _), _| of != node);
    }

    /// How many there are.
    #[cfg(any(test, feature = "test-kit"))]
    pub(crate) fn count(&self) -> usize {
        self.streams.lock().len()
    }
}

struct Place {
    streams: Streams,
    key: Key,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.streams.lock().remove(&self.key);
    }
}

impl MediaHost {
    /// Attaches a socket on another node.
    pub(super) async fn attach_from(
        &self,
        from: &NodeIncarnation,
        attach: Attach,
    ) -> Result<Attached, SfuError> {
        let signalling = self.provider().signalling().ok_or(SfuError::Unsupported)?;
        let (place, stopped) = self.telling().take((from.clone(), attach.stream))?;
        let (sender, events) = mpsc::channel(MAX_EVENTS);
        let request = AttachRequest {
            token: attach.token.0,
            peer: attach.peer,
            reached: None,
        };
        let attached = signalling
            .attach(&attach.room, &attach.participant, request, sender)
            .await?;
        let line = Line {
            host: self.clone(),
            place,
            peer: attached.peer,
            attachment: attached.attachment,
        };
        drop(tokio::spawn(line.run(events, stopped)));
        Ok(Attached {
            peer: attached.peer,
            resumed: attached.resumed,
            slots: attached.slots,
        })
    }
}

/// One attachment's way to its socket.
struct Line {
    host: MediaHost,
    place: Place,
    peer: PeerId,
    attachment: u64,
}

impl Line {
    async fn run(self, events: mpsc::Receiver<SignalEvent>, stopped: oneshot::Receiver<Stopped>) {
        let end = tokio::select! {
            biased;
            stopped = stopped => stopped.map_or(End::Lost, |Stopped| End::Released),
            end = self.carry(events) => end,
        };
        let Self {
            host,
            place,
            peer,
            attachment,
        } = self;
        let (node, stream) = place.key.clone();
        drop(place);
        match end {
            End::Over => {}
            End::Released | End::Lost => {
                if let Some(signalling) = host.provider().signalling() {
                    signalling.detach(peer, attachment);
                }
            }
        }
        match end {
            End::Released => {}
            // The other node has seen the link's end by itself, unless it was so short that nobody told it.
            End::Over | End::Lost => last_word(&host, &node, stream).await,
        }
    }

    async fn carry(&self, mut events: mpsc::Receiver<SignalEvent>) -> End {
        let (node, stream) = &self.place.key;
        let mut number = 0;
        while let Some(event) = events.recv().await {
            let is_levels = matches!(event, SignalEvent::Speakers(_));
            let event = Tell::Event {
                stream: *stream,
                number,
                event: Event::from(event),
            };
            loop {
                match self.host.try_tell(node, event.clone()) {
                    Ok(()) => number += 1,
                    // The next ones are better than these.
                    Err(LinkError::Full) if is_levels => {}
                    Err(LinkError::Full) => {
                        sleep(TRY_AGAIN).await;
                        continue;
                    }
                    Err(
                        LinkError::NotLinked
                        | LinkError::Closed
                        | LinkError::Failed
                        | LinkError::TimedOut
                        | LinkError::TooLarge,
                    ) => return End::Lost,
                }
                break;
            }
        }
        End::Over
    }
}

/// Says that nothing follows, as soon as the link lets it.
async fn last_word(host: &MediaHost, node: &NodeIncarnation, stream: u64) {
    for _ in 0..LAST_WORDS {
        if host.try_tell(node, Tell::Ended { stream }).is_ok() || !host.is_alive(node) {
            return;
        }
        sleep(LAST_WORD_AGAIN).await;
    }
}

#[cfg(test)]
mod tests;
