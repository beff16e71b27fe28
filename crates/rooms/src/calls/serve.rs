//! The far end of a link: what another node sent is read, done here and answered. Whatever the bytes are, they are answered, and nothing but the
//! call that they hold comes of them.

use std::time::Duration;

use tokio::time::timeout;
use videorooms_cluster::Place;
use videorooms_domain::{Epoch, NodeIncarnation, RoomId, Signal};

use super::{Answer, Ask, Call, Cast, Content, Envelope, Tell, WireError};
use crate::api::RoomsError;
use crate::metrics as names;
use crate::rooms::{Rooms, no_answer_in_time, unavailable};
use crate::tries::{Missed, Tried};

impl Rooms {
    /// Does what a call from another node asks and answers with the bytes of an envelope. It takes no longer than the caller waits. `from` is who the
    /// link says it is. Dropping the future does not undo the call.
    pub async fn answer(&self, from: &NodeIncarnation, call: &[u8]) -> Vec<u8> {
        let content = match self.answered(from, call).await {
            Ok(content) => content,
            Err(Missed::Failed(error)) => Content::Refused(error),
            Err(Missed::Moved | Missed::Lost { .. }) => Content::Moved {
                epoch: Epoch::default(),
            },
        };
        let envelope = |content| Envelope::new(self.here().clone(), content).encode();
        let bytes = envelope(content).or_else(|error| {
            let refused = refuse(error.as_str(), "the answer is too large for another node");
            envelope(Content::Refused(refused))
        });
        // Not even a refusal could be too large; then no bytes are no answer either.
        bytes.unwrap_or_default()
    }

    /// Takes what another node tells a room, or a room elsewhere tells the sockets here. Never waits.
    ///
    /// # Errors
    /// As [`Rooms::signal`], and [`RoomsError::Unavailable`] for what cannot be read: it is dropped and counted. For the link's own use: the
    /// sender is not told.
    pub fn take_cast(&self, from: &NodeIncarnation, cast: &[u8]) -> Result<(), RoomsError> {
        let (room, epoch, tell) = match read(from, cast)?.content {
            Content::Cast(Cast { room, epoch, tell }) => (room, epoch, tell),
            Content::Publication(publication) => {
                self.following().publication(from, publication);
                return Ok(());
            }
            Content::TableChanged => {
                self.ownership().refresh();
                return Ok(());
            }
            Content::Call(_)
            | Content::Answer(_)
            | Content::Refused(_)
            | Content::Moved { .. }
            | Content::Subscribe(_)
            | Content::Subscribed(_)
            | Content::AskRollCall { .. }
            | Content::RollCall(_) => return Err(refuse("not_understood", "that is nothing to tell a room")),
        };
        self.reigns(room, epoch)?;
        match tell {
            Tell::Signal(signal) => self.signal_here(room, signal),
            Tell::Detach {
                participant,
                connection,
            } => {
                let gone = Signal::Detached {
                    participant,
                    connection,
                    via: from.clone(),
                };
                self.detached(room, gone);
                Ok(())
            }
            Tell::MediaAdmitted { participant } => {
                self.media_admitted_here(room, participant);
                Ok(())
            }
        }
    }

    async fn answered(&self, from: &NodeIncarnation, call: &[u8]) -> Tried<Content> {
        let Envelope {
            content, deadline_ms, ..
        } = read(from, call)?;
        let limit = self.call_deadline();
        let left = deadline_ms.map_or(limit, Duration::from_millis);
        if left.is_zero() {
            // It took too long to come here; whoever asked has gone.
            return Err(no_answer_in_time().into());
        }
        timeout(left.min(limit), self.done(from, content))
            .await
            .unwrap_or_else(|_| Err(no_answer_in_time().into()))
    }

    async fn done(&self, from: &NodeIncarnation, content: Content) -> Tried<Content> {
        match content {
            Content::Call(Call { room, epoch, ask }) => {
                self.reigns(room, epoch)?;
                Ok(Content::Answer(self.asked(from, room, ask).await?))
            }
            Content::Subscribe(wishes) => Ok(Content::Subscribed(self.subscribe_all(from, wishes).await)),
            Content::AskRollCall { room } => Ok(Content::RollCall(self.following().roll_call(room))),
            Content::Cast(_)
            | Content::TableChanged
            | Content::Answer(_)
            | Content::Refused(_)
            | Content::Moved { .. }
            | Content::Subscribed(_)
            | Content::Publication(_)
            | Content::RollCall(_) => Err(refuse("not_understood", "that is no call to a room").into()),
        }
    }

    async fn asked(&self, from: &NodeIncarnation, room: RoomId, ask: Ask) -> Tried<Answer> {
        match ask {
            Ask::Create(request) => self.create_here(room, request).await.map(|()| Answer::Create),
            Ask::Overview => self.overview_here(room).await.map(Answer::Overview),
            Ask::Explain => {
                let explanation = self.explain_here(room).await?;
                Ok(Answer::Explain(Box::new(explanation)))
            }
            Ask::Verify { participant, secret } => self
                .verify_here(room, participant, secret)
                .await
                .map(Answer::Verify),
            Ask::Attach(attach) => {
                let attached = self.attach_here(room, &attach, from).await?;
                Ok(Answer::Attach(Box::new(attached)))
            }
            Ask::Execute(request) => self.execute_here(room, &request).await.map(Answer::Execute),
            Ask::Snapshot { participant } => {
                let (position, snapshot) = self.snapshot_here(room, participant).await?;
                let snapshot = Box::new(snapshot);
                Ok(Answer::Snapshot { position, snapshot })
            }
            Ask::MediaNode => self.media_node_here(room).await.map(Answer::MediaNode),
        }
    }

    /// Refuses what was asked of another owner, or of a later one: this node must not speak for the room any more, or does not know yet that it may.
    fn reigns(&self, room: RoomId, known: Epoch) -> Result<(), Moved> {
        match self.ownership().place(room.shard()) {
            Place::Here(epoch) if epoch >= known => Ok(()),
            Place::Here(_) | Place::There(..) | Place::Nowhere => {
                // Who asks may have seen a later table.
                self.ownership().refresh();
                metrics::counter!(names::CALLS_REFUSED, "reason" => "deposed").increment(1);
                Err(Moved)
            }
        }
    }
}

/// The room is not this node's.
struct Moved;

impl From<Moved> for Missed {
    fn from(Moved: Moved) -> Self {
        Self::Moved
    }
}

impl From<Moved> for RoomsError {
    fn from(Moved: Moved) -> Self {
        unavailable("the room is moving")
    }
}

fn read(from: &NodeIncarnation, bytes: &[u8]) -> Result<Envelope, RoomsError> {
    let envelope = Envelope::decode(bytes).map_err(unread)?;
    if envelope.from != *from {
        return Err(refuse("not_understood", "the sender is not who it says it is"));
    }
    Ok(envelope)
}

fn unread(error: WireError) -> RoomsError {
    tracing::warn!(%error, "another node's message cannot be read");
    refuse(error.as_str(), "another node's message was not understood")
}

fn refuse(label: &'static str, reason: &'static str) -> RoomsError {
    metrics::counter!(names::CALLS_REFUSED, "reason" => label).increment(1);
    unavailable(reason)
}
