//! The far end of a link to media: what another node sent is read, done by this node's media server and answered. Whatever the bytes are, they
//! are answered, and nothing but the call that they hold comes of them.

use std::time::Duration;

use tokio::time::timeout;
use videorooms_domain::NodeIncarnation;
use videorooms_sfu::{RoomOptions, SfuError, Signalling, TokenOptions};

use super::call::{Answer, Ask, Tell};
use super::envelope::{Content, Envelope};
use super::hearing::Heard;
use crate::calls::WireError;
use crate::media_host::{DEADLINE, MediaHost};
use crate::metrics as names;

impl MediaHost {
    /// Does what a call from another node asks of the media server here and answers with the bytes of an envelope. It takes no longer than the
    /// caller waits. `from` is who the link says it is. Dropping the future does not undo the call.
    pub async fn answer(&self, from: &NodeIncarnation, call: &[u8]) -> Vec<u8> {
        let content = match self.answered(from, call).await {
            Ok(answer) => Content::Answer(answer),
            Err(error) => Content::Refused(error.into()),
        };
        let envelope = |content| Envelope::new(self.here().clone(), content).encode();
        let bytes = envelope(content).or_else(|error| {
            let refused = refuse(error.as_str(), "the answer is too large for another node");
            envelope(Content::Refused(refused.into()))
        });
        // Not even a refusal could be too large; then no bytes are no answer either.
        bytes.unwrap_or_default()
    }

    /// Takes what another node's media server tells a socket here, or what another node tells the media server here. Never waits.
    ///
    /// # Errors
    /// [`SfuError::Unavailable`] for what cannot be read: it is dropped and counted. For the link's own use: the sender is not told.
    pub fn take_cast(&self, from: &NodeIncarnation, cast: &[u8]) -> Result<(), SfuError> {
        let Content::Cast(tell) = read(from, cast)?.content else {
            return Err(refuse("not_understood", "that is nothing to tell media"));
        };
        match tell {
            Tell::Event {
                stream,
                number,
                event,
            } => match self.hearing().event(from, stream, number, event.into()) {
                Heard::Taken => {}
                // Also for a release that was lost.
                Heard::Deaf => self.tell(from, Tell::Release { stream }),
            },
            Tell::Ended { stream } => self.hearing().ended(from, stream),
            Tell::Release { stream } => self.telling().release(from, stream),
        }
        Ok(())
    }

    async fn answered(&self, from: &NodeIncarnation, call: &[u8]) -> Result<Answer, SfuError> {
        let Envelope {
            content, deadline_ms, ..
        } = read(from, call)?;
        let Content::Call(ask) = content else {
            return Err(refuse("not_understood", "that is no call to media"));
        };
        let left = deadline_ms.map_or(DEADLINE, Duration::from_millis);
        if left.is_zero() {
            // It took too long to come here; whoever asked has gone.
            return Err(no_answer_in_time());
        }
        timeout(left.min(DEADLINE), self.asked(from, ask))
            .await
            .unwrap_or_else(|_| Err(no_answer_in_time()))
    }

    async fn asked(&self, from: &NodeIncarnation, ask: Ask) -> Result<Answer, SfuError> {
        let provider = self.provider();
        let done = match ask {
            Ask::CreateRoom {
                room,
                max_participants,
                empty_timeout_ms,
            } => {
                let options = RoomOptions {
                    max_participants,
                    empty_timeout: Duration::from_millis(empty_timeout_ms),
                };
                return provider.create_room(&room, options).await.map(Answer::Room);
            }
            Ask::GenerateToken {
                room,
                participant,
                name,
                publish,
                subscribe,
                ttl_ms,
            } => {
                let options = TokenOptions {
                    publish,
                    subscribe,
                    ttl: Duration::from_millis(ttl_ms),
                };
                let token = provider.generate_token(&room, &participant, &name, options);
                return token.await.map(Answer::Token);
            }
            Ask::RoomInfo { room } => return provider.get_room_info(&room).await.map(Answer::Room),
            Ask::Health => return provider.health_check().await.map(Answer::Health),
            Ask::Attach(attach) => return self.attach_from(from, *attach).await.map(Answer::Attached),
            Ask::Offer { peer, offer } => {
                let answer = self.signalling()?.offer(peer, offer);
                return answer.await.map(Answer::Description);
            }
            Ask::DeleteRoom { room } => provider.delete_room(&room).await,
            Ask::Remove { room, participant } => provider.remove_participant(&room, &participant).await,
            Ask::SetPublishing {
                room,
                participant,
                allowed,
            } => provider.set_publishing(&room, &participant, allowed).await,
            Ask::Mute { peer, source, muted } => self.signalling()?.mute(peer, source, muted).await,
            Ask::Keyframe { peer, mid } => self.signalling()?.keyframe(peer, &mid).await,
            Ask::Leave { peer } => self.signalling()?.leave(peer).await,
        };
        done.map(|()| Answer::Done)
    }

    fn signalling(&self) -> Result<&dyn Signalling, SfuError> {
        self.provider().signalling().ok_or(SfuError::Unsupported)
    }
}

fn read(from: &NodeIncarnation, bytes: &[u8]) -> Result<Envelope, SfuError> {
    let envelope = Envelope::decode(bytes).map_err(unread)?;
    if envelope.from != *from {
        return Err(refuse("not_understood", "the sender is not who it says it is"));
    }
    Ok(envelope)
}

fn unread(error: WireError) -> SfuError {
    tracing::warn!(%error, "another node's message to media cannot be read");
    refuse(error.as_str(), "another node's message was not understood")
}

fn refuse(label: &'static str, reason: &'static str) -> SfuError {
    metrics::counter!(names::CALLS_REFUSED, "reason" => label).increment(1);
    SfuError::Unavailable(reason.into())
}

fn no_answer_in_time() -> SfuError {
    SfuError::Unavailable("no answer in time".into())
}
