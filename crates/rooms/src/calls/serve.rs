//! The far end of a link: what another node sent is read, done here and answered. Whatever the bytes are, they are answered, and nothing but the
//! call that they hold comes of them.

use std::time::Duration;

use tokio::time::timeout;
use videorooms_domain::{Epoch, Signal};

use super::{Answer, Ask, Call, Cast, Content, Envelope, Tell, WireError};
use crate::api::RoomsError;
use crate::metrics as names;
use crate::rooms::{Rooms, no_answer_in_time, unavailable};

impl Rooms {
    /// Does what a call from another node asks and answers with the bytes of an envelope that holds [`Content::Answer`] or [`Content::Refused`]. It
    /// takes no longer than the caller waits. Dropping the future does not undo the call.
    pub async fn answer(&self, call: &[u8]) -> Vec<u8> {
        let content = match self.answered(call).await {
            Ok(answer) => Content::Answer(answer),
            Err(error) => Content::Refused(error),
        };
        let envelope = |content| Envelope::new(self.here().clone(), content).encode();
        let bytes = envelope(content).or_else(|error| {
            let refused = refuse(error.as_str(), "the answer is too large for another node");
            envelope(Content::Refused(refused))
        });
        // Not even a refusal could be too large; then no bytes are no answer either.
        bytes.unwrap_or_default()
    }

    /// Takes what another node tells a room. Never waits.
    ///
    /// # Errors
    /// As [`Rooms::signal`], and [`RoomsError::Unavailable`] for what cannot be read: it is dropped and counted. For the link's own use: the
    /// sender is not told.
    pub fn take_cast(&self, cast: &[u8]) -> Result<(), RoomsError> {
        let envelope = Envelope::decode(cast).map_err(unread)?;
        let Content::Cast(Cast { room, epoch, tell }) = envelope.content else {
            return Err(refuse("not_understood", "that is nothing to tell a room"));
        };
        self.reigns(epoch)?;
        match tell {
            Tell::Signal(signal) => self.signal(room, signal),
            Tell::Detach {
                participant,
                connection,
            } => {
                let gone = Signal::Detached {
                    participant,
                    connection,
                    via: envelope.from,
                };
                self.detached(room, gone);
                Ok(())
            }
            Tell::MediaAdmitted { participant } => {
                self.media_admitted(room, participant);
                Ok(())
            }
        }
    }

    async fn answered(&self, call: &[u8]) -> Result<Answer, RoomsError> {
        let envelope = Envelope::decode(call).map_err(unread)?;
        let Content::Call(call) = envelope.content else {
            return Err(refuse("not_understood", "that is no call to a room"));
        };
        self.reigns(call.epoch)?;
        let limit = self.call_deadline();
        let left = envelope.deadline_ms.map_or(limit, Duration::from_millis);
        if left.is_zero() {
            // It took too long to come here; whoever asked has gone.
            return Err(no_answer_in_time());
        }
        timeout(left.min(limit), self.done(call))
            .await
            .unwrap_or_else(|_| Err(no_answer_in_time()))
    }

    async fn done(&self, call: Call) -> Result<Answer, RoomsError> {
        let Call { room, ask, .. } = call;
        match ask {
            Ask::Create(request) => self.create_as(room, request).await.map(|()| Answer::Create),
            Ask::Overview => self.overview(room).await.map(Answer::Overview),
            Ask::Verify { participant, secret } => {
                self.verify(room, participant, secret).await.map(Answer::Verify)
            }
            Ask::Attach(attach) => {
                let attached = self.attach(room, *attach).await?;
                Ok(Answer::Attach(Box::new(attached)))
            }
            Ask::Execute(request) => self.execute(room, *request).await.map(Answer::Execute),
            Ask::Snapshot { participant } => {
                let (position, snapshot) = self.snapshot(room, participant).await?;
                let snapshot = Box::new(snapshot);
                Ok(Answer::Snapshot { position, snapshot })
            }
        }
    }

    /// Refuses what was asked of a later owner: this node must not speak for the room any more, or does not know yet that it may.
    fn reigns(&self, known: Epoch) -> Result<(), RoomsError> {
        if known > self.epoch() {
            return Err(refuse("deposed", "the room is moving"));
        }
        Ok(())
    }
}

fn unread(error: WireError) -> RoomsError {
    tracing::warn!(%error, "another node's message cannot be read");
    refuse(error.as_str(), "another node's message was not understood")
}

fn refuse(label: &'static str, reason: &'static str) -> RoomsError {
    metrics::counter!(names::CALLS_REFUSED, "reason" => label).increment(1);
    unavailable(reason)
}
