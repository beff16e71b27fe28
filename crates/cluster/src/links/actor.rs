//! The four actors of a node that other nodes reach, and what they are sent: bytes, so that the library never decodes anything of ours.
//!
//! The handler cannot fail and never waits: a call moves into a task of its own together with the port for its answer, and whatever becomes of the task, the
//! port is answered, because the library tells the caller nothing when a port is dropped.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};

use bytes::Bytes;
use ractor::message::{BoxedDowncastErr, SerializedMessage};
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use tokio::time::timeout;

use super::frame::{self, Answer, Frame, Reason};
use super::session::Session;
use super::traffic::Traffic;
use super::{MESSAGE_BYTES, Service, ServiceName};
use crate::metrics as names;

/// What such an actor is sent.
pub(crate) enum Message {
    Call(Vec<u8>, RpcReplyPort<Vec<u8>>),
    Cast(Vec<u8>),
}

impl ractor::Message for Message {
    fn serializable() -> bool {
        true
    }

    fn serialize(self) -> Result<SerializedMessage, BoxedDowncastErr> {
        let (variant, metadata) = (String::new(), None);
        Ok(match self {
            Self::Call(args, reply) => SerializedMessage::Call {
                variant,
                args,
                reply,
                metadata,
            },
            Self::Cast(args) => SerializedMessage::Cast {
                variant,
                args,
                metadata,
            },
        })
    }

    fn deserialize(message: SerializedMessage) -> Result<Self, BoxedDowncastErr> {
        match message {
            SerializedMessage::Call { args, reply, .. } => Ok(Self::Call(args, reply)),
            SerializedMessage::Cast { args, .. } => Ok(Self::Cast(args)),
            SerializedMessage::CallReply(..) => Err(BoxedDowncastErr),
        }
    }
}

/// One of the four.
pub(crate) struct Remotable {
    pub(crate) name: ServiceName,
    /// None: nothing was given to answer with.
    pub(crate) service: Option<Arc<dyn Service>>,
    pub(crate) traffic: Weak<Traffic>,
}

impl Actor for Remotable {
    type Msg = Message;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Message>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle(
        &self,
        _: ActorRef<Message>,
        message: Message,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        match message {
            Message::Call(bytes, port) => self.called(bytes.into(), Port(Some(port))),
            Message::Cast(bytes) => {
                if let Err(reason) = self.told(bytes.into()) {
                    dropped(reason);
                }
            }
        }
        Ok(())
    }
}

impl Remotable {
    fn called(&self, bytes: Bytes, port: Port) {
        match self.asked(bytes) {
            Ok(Asked::Call(session, call)) => self.serve(&session, call, port),
            Ok(Asked::Part(answer)) => port.send(&answer),
            Err(reason) => {
                dropped(reason);
                port.send(&Answer::Refused(reason));
            }
        }
    }

    fn asked(&self, bytes: Bytes) -> Result<Asked, Reason> {
        let (session, frame) = self.session(bytes)?;
        match frame {
            Frame::Whole(call) => Ok(Asked::Call(session, call)),
            Frame::Part { id, total, part } => {
                let call = session.joined(id, total, &part)?;
                Ok(Asked::Call(session, call.ok_or(Reason::Malformed)?))
            }
            Frame::Fetch { id, offset } => session.fetched(id, offset as usize).map(Asked::Part),
            Frame::Alive { .. } => Err(Reason::Malformed),
        }
    }

    fn serve(&self, session: &Arc<Session>, call: Bytes, port: Port) {
        metrics::counter!(names::RECEIVED_BYTES).increment(call.len() as u64);
        let Some(place) = session.serving.call(frame::weight(call.len())) else {
            dropped(Reason::Full);
            return port.send(&Answer::Refused(Reason::Full));
        };
        let Some(service) = self.service.clone() else {
            return port.send(&Answer::Refused(Reason::Failed));
        };
        let (session, limit) = (Arc::clone(session), port.limit());
        tokio::spawn(async move {
            let _place = place;
            let Ok(answer) = timeout(limit, service.call(&session.peer, call)).await else {
                return port.too_late();
            };
            metrics::counter!(names::SENT_BYTES).increment(answer.len() as u64);
            let answer = if answer.len() > MESSAGE_BYTES {
                Err(Reason::TooLarge)
            } else {
                session.parked(answer.into(), limit)
            };
            port.send(&answer.unwrap_or_else(Answer::Refused));
        });
    }

    fn told(&self, bytes: Bytes) -> Result<(), Reason> {
        let (session, frame) = self.session(bytes)?;
        let cast = match frame {
            Frame::Whole(cast) => {
                session.took(cast.len());
                Some(cast)
            }
            Frame::Part { id, total, part } => {
                session.took(part.len());
                session.joined(id, total, &part)?
            }
            Frame::Alive { taken } => {
                session.load.taken(taken);
                None
            }
            Frame::Fetch { .. } => return Err(Reason::Malformed),
        };
        let (Some(cast), Some(service)) = (cast, &self.service) else {
            return Ok(());
        };
        metrics::counter!(names::RECEIVED_BYTES).increment(cast.len() as u64);
        if catch_unwind(AssertUnwindSafe(|| service.cast(&session.peer, cast))).is_err() {
            // The panic itself is logged where it happened.
            tracing::warn!(service = ?self.name, from = %session.peer, "a cast of another node was dropped");
            return Err(Reason::Failed);
        }
        Ok(())
    }

    fn session(&self, bytes: Bytes) -> Result<(Arc<Session>, Frame), Reason> {
        let (token, frame) = Frame::decode(bytes).ok_or(Reason::Malformed)?;
        let traffic = self.traffic.upgrade().ok_or(Reason::Session)?;
        let session = traffic.bearing(&token).ok_or(Reason::Session)?;
        Ok((session, frame.ok_or(Reason::Malformed)?))
    }
}

enum Asked {
    Call(Arc<Session>, Bytes),
    /// Of an answer that was given.
    Part(Answer),
}

/// Where an answer goes. Dropped without one, it says that there is none.
struct Port(Option<RpcReplyPort<Vec<u8>>>);

impl Port {
    /// How long the caller waits.
    fn limit(&self) -> std::time::Duration {
        let limit = self.0.as_ref().and_then(RpcReplyPort::get_timeout);
        limit.unwrap_or_default().min(super::LONGEST_CALL)
    }

    /// Nobody hears an answer after the caller's own deadline, and one that comes with it would only look like another error.
    fn too_late(mut self) {
        let waits = self.0.as_ref().and_then(RpcReplyPort::get_timeout);
        if waits.is_some_and(|waits| waits <= super::LONGEST_CALL) {
            self.0 = None;
        }
    }

    fn send(mut self, answer: &Answer) {
        if let Some(port) = self.0.take() {
            // The caller may have gone.
            drop(port.send(answer.encode()));
        }
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        if let Some(port) = self.0.take() {
            drop(port.send(Answer::Refused(Reason::Failed).encode()));
        }
    }
}

fn dropped(reason: Reason) {
    let label = match reason {
        Reason::Session => "session",
        Reason::Malformed => "malformed",
        Reason::Full => "full",
        Reason::TooLarge => "too_large",
        Reason::Failed => "panicked",
    };
    metrics::counter!(names::DROPPED, "reason" => label).increment(1);
}
