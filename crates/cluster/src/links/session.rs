//! One traffic stream to one boot of a node, from the moment it was authenticated to its end.
//!
//! References to the other node's actors live and die with the session: they are never kept across two, stopped, killed or linked, each of which
//! would break the library's session.

use std::collections::BTreeMap;
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use ractor::ActorRef;
use ractor::rpc::CallResult;
use ractor_cluster::NodeSessionMessage;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};
use videorooms_domain::NodeIncarnation;

use super::actor::Message;
use super::frame::{self, Answer, Frame, Reason, Unfinished};
use super::hello::Token;
use super::load::Load;
use super::{LinkError, MESSAGE_BYTES, ServiceName};
use crate::clock;

/// The other side hears of what was taken at least that often.
const TELL_AFTER: u64 = 256 << 10;
/// Answers that wait to be fetched, all together, in bytes.
const PARKED_BYTES: usize = 2 * MESSAGE_BYTES;

/// How far a session has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    Opening,
    Ready,
    /// It is cut; the library may not know yet.
    Cut,
    /// The library has let go of it.
    Ended,
}

pub(crate) struct Session {
    pub(crate) peer: NodeIncarnation,
    pub(crate) label: String,
    pub(crate) token: Token,
    /// What this node has under way there.
    pub(crate) load: Arc<Load>,
    /// What that node has under way here.
    pub(crate) serving: Arc<Load>,
    pub(crate) phase: watch::Sender<Phase>,
    /// The same socket once more, to cut it.
    socket: TcpStream,
    actor: OnceLock<ActorRef<NodeSessionMessage>>,
    services: OnceLock<[ActorRef<Message>; 4]>,
    next: AtomicU64,
    unfinished: Mutex<Unfinished>,
    parked: Mutex<BTreeMap<u64, Parked>>,
    taken: Mutex<Taken>,
}

struct Parked {
    answer: Bytes,
    /// When nobody waits for it any more.
    until: Duration,
}

#[derive(Default)]
struct Taken {
    all: u64,
    told: u64,
}

impl Session {
    pub(crate) fn new(peer: NodeIncarnation, label: String, token: Token, socket: TcpStream) -> Self {
        Self {
            peer,
            label,
            token,
            load: Arc::default(),
            serving: Arc::default(),
            phase: watch::Sender::new(Phase::Opening),
            socket,
            actor: OnceLock::new(),
            services: OnceLock::new(),
            next: AtomicU64::new(0),
            unfinished: Mutex::default(),
            parked: Mutex::default(),
            taken: Mutex::default(),
        }
    }

    /// Forward only; says whether it moved.
    pub(crate) fn reach(&self, phase: Phase) -> bool {
        self.phase.send_if_modified(|now| {
            let moves = *now < phase;
            *now = phase.max(*now);
            moves
        })
    }

    /// Waits until it has come so far.
    pub(crate) async fn reached(&self, phase: Phase) {
        // The sender is in the same session.
        drop(self.phase.subscribe().wait_for(|now| *now >= phase).await);
    }

    pub(crate) fn is_ready(&self) -> bool {
        *self.phase.borrow() == Phase::Ready
    }

    /// The library made an actor of it.
    pub(crate) fn opened(&self, actor: ActorRef<NodeSessionMessage>) {
        let actor = self.actor.get_or_init(|| actor);
        if *self.phase.borrow() >= Phase::Cut {
            actor.kill();
        }
    }

    /// The other side has named its actors: they are children of the session under the names that this boot of the node gives them.
    pub(crate) fn ready(&self) -> bool {
        let Some(actor) = self.actor.get() else {
            return false;
        };
        let children = actor.get_children();
        let named = |service| {
            let name = actor_name(&self.peer, service);
            let child = children
                .iter()
                .find(|child| child.get_name().as_ref() == Some(&name));
            child.cloned().map(ActorRef::<Message>::from)
        };
        let [Some(first), Some(second), Some(third), Some(fourth)] = ServiceName::ALL.map(named) else {
            return false;
        };
        self.services.get_or_init(|| [first, second, third, fourth]);
        self.reach(Phase::Ready)
    }

    /// Ends it; calls that wait fail at once.
    pub(crate) fn cut(&self) {
        if self.reach(Phase::Cut) {
            // It may be closed already.
            drop(self.socket.shutdown(Shutdown::Both));
            if let Some(actor) = self.actor.get() {
                actor.kill();
            }
        }
    }

    /// Calls a service there.
    pub(crate) async fn call(
        &self,
        service: ServiceName,
        message: &Bytes,
        deadline: Duration,
    ) -> Result<Bytes, LinkError> {
        let until = Instant::now() + deadline;
        let actor = self.service(service)?;
        let mut frames = frame::cut(message, self.id());
        let last = frames.pop().ok_or(LinkError::Failed)?;
        let _place = self
            .load
            .call(frame::weight(message.len()))
            .ok_or(LinkError::Full)?;
        for part in frames {
            self.send(actor, &part)?;
        }
        let mut answer = match self.exchange(actor, &last, until).await? {
            Answer::Whole(answer) => return Ok(answer),
            Answer::First { id, total, part } => Rest::of(id, total, &part)?,
            Answer::Refused(reason) => return Err(reason.into()),
        };
        while let Some(fetch) = answer.next() {
            match self.exchange(actor, &fetch, until).await? {
                Answer::Whole(part) => answer.push(&part)?,
                Answer::First { .. } => return Err(LinkError::Failed),
                Answer::Refused(reason) => return Err(reason.into()),
            }
        }
        Ok(answer.bytes.into())
    }

    /// Tells a service there.
    pub(crate) fn cast(&self, service: ServiceName, message: &Bytes) -> Result<(), LinkError> {
        let actor = self.service(service)?;
        if !self.load.has_room() {
            return Err(LinkError::Full);
        }
        for part in frame::cut(message, self.id()) {
            self.send(actor, &part)?;
        }
        Ok(())
    }

    /// Says that this side is there, and what it took.
    pub(crate) fn tell_alive(&self) {
        let taken = {
            let mut taken = self.taken.lock();
            taken.told = taken.all;
            taken.all
        };
        if let Ok(actor) = self.service(ServiceName::NodeControl) {
            // It fails only with the session.
            drop(actor.cast(Message::Cast(Frame::Alive { taken }.encode(&self.token))));
        }
        let now = clock::uptime();
        self.parked.lock().retain(|_, parked| parked.until > now);
    }

    /// A frame came in that is not answered.
    pub(crate) fn took(&self, payload: usize) {
        let is_due = {
            let mut taken = self.taken.lock();
            taken.all += frame::weight(payload);
            taken.all - taken.told >= TELL_AFTER
        };
        if is_due {
            self.tell_alive();
        }
    }

    /// A part of a message came in; the message, if it was the last.
    pub(crate) fn joined(&self, id: u64, total: u32, part: &[u8]) -> Result<Option<Bytes>, Reason> {
        self.unfinished.lock().take(id, total, part)
    }

    /// An answer, or its first part while the caller fetches the others within `limit`.
    pub(crate) fn parked(&self, answer: Bytes, limit: Duration) -> Result<Answer, Reason> {
        if answer.len() <= frame::PART_BYTES {
            return Ok(Answer::Whole(answer));
        }
        let mut parked = self.parked.lock();
        let bytes: usize = parked.values().map(|parked| parked.answer.len()).sum();
        if bytes + answer.len() > PARKED_BYTES {
            return Err(Reason::Full);
        }
        let (id, total) = (self.id(), answer.len() as u32);
        let part = frame::part_from(&answer, 0);
        let until = clock::uptime() + limit;
        parked.insert(id, Parked { answer, until });
        Ok(Answer::First { id, total, part })
    }

    /// Another part of such an answer; with the last one it is forgotten.
    pub(crate) fn fetched(&self, id: u64, offset: usize) -> Result<Answer, Reason> {
        let mut parked = self.parked.lock();
        let answer = &parked.get(&id).ok_or(Reason::Malformed)?.answer;
        let part = frame::part_from(answer, offset);
        if offset + part.len() >= answer.len() {
            parked.remove(&id);
        }
        Ok(Answer::Whole(part))
    }

    async fn exchange(
        &self,
        actor: &ActorRef<Message>,
        frame: &Frame,
        until: Instant,
    ) -> Result<Answer, LinkError> {
        let bytes = frame.encode(&self.token);
        let left = until.saturating_duration_since(Instant::now());
        let called = actor.call(|port| Message::Call(bytes, port), Some(left));
        let bytes = match timeout_at(until, called).await {
            Ok(Ok(CallResult::Success(bytes))) => bytes,
            Ok(Ok(CallResult::Timeout)) | Err(_) => return Err(LinkError::TimedOut),
            Ok(Ok(CallResult::SenderError) | Err(_)) => return Err(LinkError::Closed),
        };
        Answer::decode(bytes.into()).ok_or(LinkError::Failed)
    }

    fn send(&self, actor: &ActorRef<Message>, frame: &Frame) -> Result<(), LinkError> {
        let payload = match frame {
            Frame::Whole(payload) | Frame::Part { part: payload, .. } => payload.len(),
            Frame::Fetch { .. } | Frame::Alive { .. } => 0,
        };
        self.load.sent(frame::weight(payload));
        actor
            .cast(Message::Cast(frame.encode(&self.token)))
            .map_err(|_| LinkError::NotLinked)
    }

    fn service(&self, service: ServiceName) -> Result<&ActorRef<Message>, LinkError> {
        let services = self.services.get().ok_or(LinkError::NotLinked)?;
        Ok(&services[service as usize])
    }

    fn id(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }
}

/// Under which name an actor of that boot of a node is known. Such a name exists once: the library forgets a local actor when a remote one of
/// the same name ends.
pub(crate) fn actor_name(node: &NodeIncarnation, service: ServiceName) -> String {
    format!("{}.{node}", service.as_str())
}

/// A long answer of which the rest is fetched.
struct Rest {
    id: u64,
    total: usize,
    bytes: Vec<u8>,
}

impl Rest {
    fn of(id: u64, total: u32, part: &[u8]) -> Result<Self, LinkError> {
        let total = total as usize;
        if total > MESSAGE_BYTES {
            return Err(LinkError::TooLarge);
        }
        let bytes = Vec::with_capacity(total);
        let mut rest = Self { id, total, bytes };
        rest.push(part)?;
        Ok(rest)
    }

    fn next(&self) -> Option<Frame> {
        let (id, offset) = (self.id, self.bytes.len() as u32);
        (self.bytes.len() < self.total).then_some(Frame::Fetch { id, offset })
    }

    fn push(&mut self, part: &[u8]) -> Result<(), LinkError> {
        if part.is_empty() || self.bytes.len() + part.len() > self.total {
            return Err(LinkError::Failed);
        }
        self.bytes.extend_from_slice(part);
        Ok(())
    }
}

impl From<Reason> for LinkError {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::Session => Self::Closed,
            Reason::Malformed | Reason::Failed => Self::Failed,
            Reason::Full => Self::Full,
            Reason::TooLarge => Self::TooLarge,
        }
    }
}
