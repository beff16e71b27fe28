//! A room that lives elsewhere, seen from here: every method of [`crate::Rooms`] as an envelope through a link.
//!
//! A call whose envelope or answer is lost or cannot be read is [`RoomsError::Unavailable`], whose promise holds: nothing was done, or the same
//! command id may be sent again.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::timeout;
use videorooms_domain::{
    ConnectionId, Epoch, NodeIncarnation, ParticipantId, Position, Request, Role, RoomId, SecretHash, Signal,
    Snapshot,
};

use super::{Answer, Ask, Call, Cast, Content, Envelope, Tell, WireError};
use crate::api::{Attach, Attached, CreateRoom, Overview, RoomsError};
use crate::rooms::{no_answer_in_time, unavailable};

/// What carries envelopes to another node. It knows neither what is in them nor for how long someone waits.
#[async_trait]
pub(crate) trait Link: Send + Sync {
    /// Carries a call there and its answer back. Dropping the future gives the answer up, not the call.
    ///
    /// # Errors
    /// [`RoomsError::Unavailable`] when the link breaks or is full.
    async fn call(&self, call: Vec<u8>) -> Result<Vec<u8>, RoomsError>;

    /// Sends what is not answered. Never waits.
    ///
    /// # Errors
    /// [`RoomsError::Unavailable`] when it is known here already that it will not arrive.
    fn cast(&self, cast: Vec<u8>) -> Result<(), RoomsError>;
}

/// The near end of a link.
pub(crate) struct Remote {
    link: Arc<dyn Link>,
    here: NodeIncarnation,
    epoch: Epoch,
    deadline: Duration,
}

impl Remote {
    /// Rooms beyond `link`, known in the reign `epoch`; every call ends within `deadline`.
    pub(crate) fn new(link: Arc<dyn Link>, here: NodeIncarnation, epoch: Epoch, deadline: Duration) -> Self {
        Self {
            link,
            here,
            epoch,
            deadline,
        }
    }

    pub(crate) async fn create(&self, room: RoomId, request: CreateRoom) -> Result<(), RoomsError> {
        let answer = self.call(room, Ask::Create(request)).await?;
        let Answer::Create = answer else {
            return Err(misanswered());
        };
        Ok(())
    }

    pub(crate) async fn overview(&self, room: RoomId) -> Result<Overview, RoomsError> {
        let answer = self.call(room, Ask::Overview).await?;
        let Answer::Overview(overview) = answer else {
            return Err(misanswered());
        };
        Ok(overview)
    }

    pub(crate) async fn verify(
        &self,
        room: RoomId,
        participant: ParticipantId,
        secret: SecretHash,
    ) -> Result<Role, RoomsError> {
        let answer = self.call(room, Ask::Verify { participant, secret }).await?;
        let Answer::Verify(role) = answer else {
            return Err(misanswered());
        };
        Ok(role)
    }

    pub(crate) async fn attach(&self, room: RoomId, attach: Attach) -> Result<Attached, RoomsError> {
        let answer = self.call(room, Ask::Attach(Box::new(attach))).await?;
        let Answer::Attach(attached) = answer else {
            return Err(misanswered());
        };
        Ok(*attached)
    }

    pub(crate) async fn execute(&self, room: RoomId, request: Request) -> Result<Position, RoomsError> {
        let answer = self.call(room, Ask::Execute(Box::new(request))).await?;
        let Answer::Execute(position) = answer else {
            return Err(misanswered());
        };
        Ok(position)
    }

    pub(crate) async fn snapshot(
        &self,
        room: RoomId,
        participant: ParticipantId,
    ) -> Result<(Position, Snapshot), RoomsError> {
        let answer = self.call(room, Ask::Snapshot { participant }).await?;
        let Answer::Snapshot { position, snapshot } = answer else {
            return Err(misanswered());
        };
        Ok((position, *snapshot))
    }

    pub(crate) fn signal(&self, room: RoomId, signal: Signal) -> Result<(), RoomsError> {
        self.cast(room, Tell::Signal(signal))
    }

    pub(crate) fn detach(&self, room: RoomId, participant: ParticipantId, connection: ConnectionId) {
        let detach = Tell::Detach {
            participant,
            connection,
        };
        // Lost only with the link, whose end tells the room as well.
        drop(self.cast(room, detach));
    }

    pub(crate) fn media_admitted(&self, room: RoomId, participant: ParticipantId) {
        // Lost only with the link, too; the room's successor sets everyone's rights.
        drop(self.cast(room, Tell::MediaAdmitted { participant }));
    }

    async fn call(&self, room: RoomId, ask: Ask) -> Result<Answer, RoomsError> {
        let epoch = self.epoch;
        let call = Content::Call(Call { room, epoch, ask });
        let envelope = Envelope {
            deadline_ms: Some(self.deadline.as_millis() as u64),
            ..Envelope::new(self.here.clone(), call)
        };
        let bytes = envelope.encode().map_err(unsendable)?;
        let answer = timeout(self.deadline, self.link.call(bytes))
            .await
            .unwrap_or_else(|_| Err(no_answer_in_time()))?;
        match Envelope::decode(&answer).map(|envelope| envelope.content) {
            Ok(Content::Answer(answer)) => Ok(answer),
            Ok(Content::Refused(error)) => Err(error),
            Ok(
                Content::Call(_)
                | Content::Cast(_)
                | Content::Publication(_)
                | Content::AskRollCall { .. }
                | Content::RollCall(_),
            ) => Err(misanswered()),
            Err(error) => {
                tracing::warn!(room.id = %room, %error, "another node's answer cannot be read");
                Err(misanswered())
            }
        }
    }

    fn cast(&self, room: RoomId, tell: Tell) -> Result<(), RoomsError> {
        let epoch = self.epoch;
        let cast = Content::Cast(Cast { room, epoch, tell });
        let bytes = Envelope::new(self.here.clone(), cast).encode();
        self.link.cast(bytes.map_err(unsendable)?)
    }
}

fn unsendable(error: WireError) -> RoomsError {
    tracing::warn!(%error, "a call cannot be sent to another node");
    unavailable("too large for another node")
}

fn misanswered() -> RoomsError {
    unavailable("the answer of another node was not understood")
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use parking_lot::Mutex;
    use videorooms_domain::Settings;

    use super::super::ENVELOPE_BYTES;
    use super::*;

    /// Answers by script; never when that has come to its end.
    struct Scripted(Mutex<VecDeque<Vec<u8>>>);

    #[async_trait]
    impl Link for Scripted {
        async fn call(&self, _call: Vec<u8>) -> Result<Vec<u8>, RoomsError> {
            let answer = self.0.lock().pop_front();
            match answer {
                Some(answer) => Ok(answer),
                None => std::future::pending().await,
            }
        }

        fn cast(&self, _cast: Vec<u8>) -> Result<(), RoomsError> {
            Ok(())
        }
    }

    fn here() -> NodeIncarnation {
        NodeIncarnation {
            node: "a".parse().unwrap(),
            incarnation: 1,
        }
    }

    fn remote(answers: impl IntoIterator<Item = Vec<u8>>) -> Remote {
        let link = Scripted(Mutex::new(answers.into_iter().collect()));
        Remote::new(Arc::new(link), here(), Epoch(1), Duration::from_secs(5))
    }

    fn is_unavailable<T>(result: &Result<T, RoomsError>) -> bool {
        matches!(result, Err(RoomsError::Unavailable { .. }))
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_cannot_be_read_is_of_another_kind_or_never_comes_is_unavailable() {
        let bytes = |content| Envelope::new(here(), content).encode().unwrap();
        let remote = remote([
            Vec::new(),
            b"{}".to_vec(),
            bytes(Content::Answer(Answer::Verify(Role::Host))),
            bytes(Content::AskRollCall { room: RoomId(1) }),
            bytes(Content::Refused(RoomsError::NoSuchRoom)),
        ]);
        for _ in 0..4 {
            assert!(is_unavailable(&remote.overview(RoomId(1)).await));
        }
        assert_eq!(remote.overview(RoomId(1)).await, Err(RoomsError::NoSuchRoom));
        let since = tokio::time::Instant::now();
        assert!(is_unavailable(&remote.overview(RoomId(1)).await));
        assert_eq!(since.elapsed().as_secs(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_too_large_for_an_envelope_is_refused_here() {
        let remote = remote([]);
        let large = "x".repeat(ENVELOPE_BYTES);
        let settings = Settings {
            name: large.clone(),
            ..Settings::default()
        };
        assert!(is_unavailable(
            &remote.create(RoomId(1), CreateRoom { settings }).await
        ));
        let data = Signal::Data {
            participant: ParticipantId(1),
            data: large.into(),
        };
        assert!(is_unavailable(&remote.signal(RoomId(1), data)));
    }
}
