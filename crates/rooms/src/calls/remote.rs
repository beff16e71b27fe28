//! A room that lives elsewhere, seen from here: every method of [`crate::Rooms`] as an envelope through a link.
//!
//! A call that is lost, or comes to a node that does not own the room (any more), is [`Missed`] and made again by [`crate::tries`]; one whose
//! answer cannot be read is [`RoomsError::Unavailable`], whose promise holds: nothing was done, or the same command id may be sent again.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use videorooms_cluster::ServiceName;
use videorooms_cluster::links::LinkError;
use videorooms_domain::{
    ConnectionId, Epoch, NodeIncarnation, ParticipantId, Position, Request, Role, RoomId, SecretHash, Signal,
    Snapshot,
};

use super::{Answer, Ask, Call, Cast, Content, Envelope, Peers, Subscribed, Subscription, Tell, WireError};
use crate::api::{Attach, Attached, CreateRoom, Overview, RollCall, RoomsError};
use crate::explanation::Explanation;
use crate::rooms::unavailable;
use crate::tries::{Missed, Tried};

/// Over a call's own deadline.
const GRACE: Duration = Duration::from_millis(100);

/// The near end of a link to one node, for one call.
pub(crate) struct Remote {
    peers: Arc<dyn Peers>,
    to: NodeIncarnation,
    here: NodeIncarnation,
    epoch: Epoch,
    within: Duration,
}

impl Remote {
    /// Rooms of the node `to`, known in the reign `epoch`; every call ends `within` that time.
    pub(crate) fn new(
        peers: Arc<dyn Peers>,
        to: NodeIncarnation,
        here: NodeIncarnation,
        epoch: Epoch,
        within: Duration,
    ) -> Self {
        Self {
            peers,
            to,
            here,
            epoch,
            within,
        }
    }

    pub(crate) fn to(&self) -> &NodeIncarnation {
        &self.to
    }

    pub(crate) async fn create(&self, room: RoomId, request: CreateRoom) -> Tried<()> {
        let answer = self.call(room, Ask::Create(request)).await?;
        let Answer::Create = answer else {
            return Err(misanswered().into());
        };
        Ok(())
    }

    pub(crate) async fn overview(&self, room: RoomId) -> Tried<Overview> {
        let answer = self.call(room, Ask::Overview).await?;
        let Answer::Overview(overview) = answer else {
            return Err(misanswered().into());
        };
        Ok(overview)
    }

    pub(crate) async fn explain(&self, room: RoomId) -> Tried<Explanation> {
        let answer = self.call(room, Ask::Explain).await?;
        let Answer::Explain(explanation) = answer else {
            return Err(misanswered().into());
        };
        Ok(*explanation)
    }

    pub(crate) async fn verify(
        &self,
        room: RoomId,
        participant: ParticipantId,
        secret: SecretHash,
    ) -> Tried<Role> {
        let answer = self.call(room, Ask::Verify { participant, secret }).await?;
        let Answer::Verify(role) = answer else {
            return Err(misanswered().into());
        };
        Ok(role)
    }

    pub(crate) async fn attach(&self, room: RoomId, attach: Attach) -> Tried<Attached> {
        let answer = self.call(room, Ask::Attach(Box::new(attach))).await?;
        let Answer::Attach(attached) = answer else {
            return Err(misanswered().into());
        };
        Ok(*attached)
    }

    pub(crate) async fn execute(&self, room: RoomId, request: Request) -> Tried<Position> {
        let answer = self.call(room, Ask::Execute(Box::new(request))).await?;
        let Answer::Execute(position) = answer else {
            return Err(misanswered().into());
        };
        Ok(position)
    }

    pub(crate) async fn snapshot(
        &self,
        room: RoomId,
        participant: ParticipantId,
    ) -> Tried<(Position, Snapshot)> {
        let answer = self.call(room, Ask::Snapshot { participant }).await?;
        let Answer::Snapshot { position, snapshot } = answer else {
            return Err(misanswered().into());
        };
        Ok((position, *snapshot))
    }

    pub(crate) async fn media_node(&self, room: RoomId) -> Tried<NodeIncarnation> {
        let answer = self.call(room, Ask::MediaNode).await?;
        let Answer::MediaNode(node) = answer else {
            return Err(misanswered().into());
        };
        Ok(node)
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

    /// Asks where the room stands whose roll is called along the way, many rooms at once.
    pub(crate) async fn subscribe(&self, wishes: Vec<Subscription>) -> Tried<Vec<Subscribed>> {
        let content = self.ask(Content::Subscribe(wishes)).await?;
        if let Content::Subscribed(answers) = content {
            Ok(answers)
        } else {
            Err(unexpected(content))
        }
    }

    /// Asks a node who is attached to a room there.
    pub(crate) async fn roll_call(&self, room: RoomId) -> Tried<RollCall> {
        let content = self
            .ask_of(ServiceName::GatewayHub, Content::AskRollCall { room })
            .await?;
        if let Content::RollCall(call) = content {
            Ok(call)
        } else {
            Err(unexpected(content))
        }
    }

    async fn call(&self, room: RoomId, ask: Ask) -> Tried<Answer> {
        let epoch = self.epoch;
        let content = self.ask(Content::Call(Call { room, epoch, ask })).await?;
        if let Content::Answer(answer) = content {
            Ok(answer)
        } else {
            Err(unexpected(content))
        }
    }

    async fn ask(&self, content: Content) -> Tried<Content> {
        self.ask_of(ServiceName::RoomHost, content).await
    }

    async fn ask_of(&self, service: ServiceName, content: Content) -> Tried<Content> {
        let envelope = Envelope {
            deadline_ms: Some(self.within.as_millis() as u64),
            ..Envelope::new(self.here.clone(), content)
        };
        let bytes = envelope.encode().map_err(unsendable)?;
        let call = self.peers.call(&self.to, service, bytes.into(), self.within);
        // Whoever carries it has the same deadline; this is for one that forgets it.
        let answer = timeout(self.within + GRACE, call)
            .await
            .unwrap_or(Err(LinkError::TimedOut))?;
        match Envelope::decode(&answer) {
            Ok(envelope) => Ok(envelope.content),
            Err(error) => {
                tracing::warn!(node = %self.to, %error, "another node's answer cannot be read");
                Err(misanswered().into())
            }
        }
    }

    fn cast(&self, room: RoomId, tell: Tell) -> Result<(), RoomsError> {
        let epoch = self.epoch;
        let cast = Content::Cast(Cast { room, epoch, tell });
        let bytes = Envelope::new(self.here.clone(), cast)
            .encode()
            .map_err(unsendable)?;
        let sent = self.peers.cast(&self.to, ServiceName::RoomHost, bytes.into());
        sent.map_err(|_| unavailable("the room's node cannot be reached"))
    }
}

/// What is no answer to what was asked.
fn unexpected(content: Content) -> Missed {
    match content {
        Content::Refused(error) => Missed::Failed(error),
        Content::Moved { .. } => Missed::Moved,
        Content::Answer(_)
        | Content::Call(_)
        | Content::Cast(_)
        | Content::Publication(_)
        | Content::TableChanged
        | Content::Subscribe(_)
        | Content::Subscribed(_)
        | Content::AskRollCall { .. }
        | Content::RollCall(_) => Missed::Failed(misanswered()),
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

    use async_trait::async_trait;
    use bytes::Bytes;
    use parking_lot::Mutex;
    use videorooms_domain::Settings;

    use super::super::ENVELOPE_BYTES;
    use super::*;

    /// Answers by script; never when that has come to its end.
    struct Scripted(Mutex<VecDeque<Vec<u8>>>);

    #[async_trait]
    impl Peers for Scripted {
        async fn call(
            &self,
            _to: &NodeIncarnation,
            _service: ServiceName,
            _call: Bytes,
            _within: Duration,
        ) -> Result<Bytes, LinkError> {
            let answer = self.0.lock().pop_front();
            match answer {
                Some(answer) => Ok(answer.into()),
                None => std::future::pending().await,
            }
        }

        fn cast(&self, _to: &NodeIncarnation, _service: ServiceName, _cast: Bytes) -> Result<(), LinkError> {
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
        let peers = Scripted(Mutex::new(answers.into_iter().collect()));
        Remote::new(Arc::new(peers), here(), here(), Epoch(1), Duration::from_secs(5))
    }

    fn is_unavailable<T>(tried: &Tried<T>) -> bool {
        matches!(tried, Err(Missed::Failed(RoomsError::Unavailable { .. })))
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
            bytes(Content::Moved { epoch: Epoch(2) }),
        ]);
        for _ in 0..4 {
            assert!(is_unavailable(&remote.overview(RoomId(1)).await));
        }
        let refused = remote.overview(RoomId(1)).await;
        assert!(matches!(refused, Err(Missed::Failed(RoomsError::NoSuchRoom))));
        assert!(matches!(remote.overview(RoomId(1)).await, Err(Missed::Moved)));
        let since = tokio::time::Instant::now();
        assert!(is_unavailable(&remote.overview(RoomId(1)).await));
        assert_eq!(since.elapsed(), Duration::from_secs(5) + GRACE);
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
        let refused = remote.signal(RoomId(1), data);
        assert!(matches!(refused, Err(RoomsError::Unavailable { .. })));
    }
}
