//! Topic `room:<id>`: a member's way into a room, and what it says there.
//!
//! Joining: the hub holds back for this socket, the room attaches it, the answer goes out, the hub releases. Whatever comes of it, a
//! [`Membership`] that is dropped lets the hub and the room go.

use std::sync::Arc;
use std::time::{Duration, Instant};

use videorooms_domain::{
    Actor, Command, CommandId, ConnectionId, ParticipantId, Position, Request, Role, RoomId, Seq, SourceSet,
    Timestamp,
};
use videorooms_protocol::room::{self as wire, RoomPush};
use videorooms_protocol::{ErrorReply, Reason};
use videorooms_rooms::{Attach, Attached, Credential, Fact, History, RoomsError};

use super::translate::{self, Hearing, Said, Settled};
use super::{Answer, answer, rate_limited, refused_by_password, refused_by_room};
use crate::auth::ResumeSecret;
use crate::hub::SharedRole;
use crate::state::GatewayState;

/// For a whole join, whatever it waits for: phoenix.js gives it up after 10 s.
const JOIN_DEADLINE: Duration = Duration::from_secs(8);
/// For the media server's part in it.
const MEDIA_DEADLINE: Duration = Duration::from_secs(3);
const RETRY_AFTER_MS: u64 = 1000;

/// A member's channel.
pub(crate) struct RoomChannel {
    membership: Membership,
    /// In front of the door: may say nothing.
    pub(crate) waiting: bool,
    /// As the hub has last heard of it.
    role: SharedRole,
    /// Worth nothing until the room says that it counts.
    fresh_resume: Option<ResumeSecret>,
}

/// A place in the hub and in the room, given up when it is dropped.
pub(crate) struct Membership {
    state: GatewayState,
    pub(crate) room: RoomId,
    pub(crate) participant: ParticipantId,
    pub(crate) connection: ConnectionId,
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.state.hub().unsubscribe(self.room, self.connection);
        self.state
            .rooms()
            .detach(self.room, self.participant, self.connection);
    }
}

/// Who asks, and from where.
pub(crate) struct Knock {
    pub(crate) room: RoomId,
    pub(crate) connection: ConnectionId,
    /// The attachment in whose place this one comes.
    pub(crate) replaces: Option<ConnectionId>,
    pub(crate) outbox: Arc<crate::socket::outbox::Outbox>,
    /// The socket's own credential, for a join that brings none.
    pub(crate) auth_token: Option<Arc<str>>,
    pub(crate) address: String,
}

/// A join that was granted: what to answer, and what to release once it is answered.
pub(crate) struct Entered {
    pub(crate) channel: RoomChannel,
    pub(crate) joined: wire::RoomJoined,
    position: Position,
    role: Role,
}

impl Entered {
    /// To be called when the answer is in the outbox.
    pub(crate) fn release(&self) {
        let Membership {
            state,
            room,
            connection,
            ..
        } = &self.channel.membership;
        if self.channel.waiting {
            state.hub().wait(*room, *connection, self.position);
        } else {
            state.hub().release(*room, *connection, self.position, self.role);
        }
    }
}

/// Joins a room.
pub(crate) async fn join(
    state: GatewayState,
    knock: Knock,
    params: wire::RoomJoin,
) -> Result<Entered, ErrorReply> {
    let deadline = tokio::time::Instant::now() + JOIN_DEADLINE;
    let Knock {
        room,
        connection,
        replaces,
        outbox,
        auth_token,
        address,
    } = knock;
    let since = params.since.map(|since| Position {
        epoch: videorooms_domain::Epoch(since.epoch),
        seq: Seq(since.seq),
    });
    let credential = credential(&state, room, params, auth_token.as_deref())?;
    let participant = match &credential {
        Credential::Token { participant, .. } | Credential::Resume { participant, .. } => *participant,
    };
    let fresh = ResumeSecret::fresh(participant)
        .map_err(|_| ErrorReply::new(Reason::Unavailable, "the system has no randomness"))?;
    let role = state
        .hub()
        .subscribe(room, participant, connection, outbox, replaces);
    let membership = Membership {
        state: state.clone(),
        room,
        participant,
        connection,
    };
    let attach = Attach {
        credential,
        fresh_resume: fresh.hash(),
        connection,
        since,
        address: Some(address),
    };
    let attaching = state.rooms().attach(room, attach);
    let attached = by(deadline, attaching).await.map_err(refused_by_room)?;
    let (position, now) = (attached.position, attached.role);
    let waiting = attached.history == History::Waiting;
    let is_told = waiting || attached.fresh_resume_taken;
    let joined = if waiting {
        waiting_answer(&attached)
    } else {
        member_answer(&state, room, attached, &fresh, deadline).await?
    };
    let channel = RoomChannel {
        membership,
        waiting,
        role,
        fresh_resume: (!is_told).then_some(fresh),
    };
    Ok(Entered {
        channel,
        joined,
        position,
        role: now,
    })
}

/// A room's answer within what is left of the time for a join.
async fn by<T>(
    deadline: tokio::time::Instant,
    answer: impl Future<Output = Result<T, RoomsError>>,
) -> Result<T, RoomsError> {
    let late = RoomsError::Unavailable {
        reason: "no answer in time".into(),
        retry_after_ms: RETRY_AFTER_MS,
    };
    tokio::time::timeout_at(deadline, answer)
        .await
        .unwrap_or(Err(late))
}

fn credential(
    state: &GatewayState,
    room: RoomId,
    params: wire::RoomJoin,
    auth_token: Option<&str>,
) -> Result<Credential, ErrorReply> {
    let unauthorized = |_| {
        ErrorReply::new(
            Reason::Unauthorized,
            "the token or secret is not valid (any more)",
        )
    };
    let resumed = |text: &str| {
        let secret: ResumeSecret = text.parse()?;
        Ok(Credential::Resume {
            participant: secret.participant,
            secret: secret.hash(),
        })
    };
    let token = |text: &str| {
        let claims = state.keys().verify_join(text)?;
        if claims.room != room {
            return Err(crate::auth::Invalid);
        }
        Ok(Credential::Token {
            participant: claims.participant,
            name: claims.name,
            role: claims.role,
        })
    };
    match (params.resume, params.token, auth_token) {
        (Some(resume), _, _) => resumed(&resume),
        (None, Some(given), _) => token(&given),
        (None, None, Some(own)) => resumed(own).or_else(|_| token(own)),
        (None, None, None) => Err(crate::auth::Invalid),
    }
    .map_err(unauthorized)
}

fn waiting_answer(attached: &Attached) -> wire::RoomJoined {
    wire::RoomJoined::Waiting(wire::WaitingJoin {
        participant_id: attached.participant.to_string(),
        waiting: true,
        position: wire_position(attached.position),
    })
}

async fn member_answer(
    state: &GatewayState,
    room: RoomId,
    attached: Attached,
    fresh: &ResumeSecret,
    deadline: tokio::time::Instant,
) -> Result<wire::RoomJoined, ErrorReply> {
    let Attached {
        participant,
        role,
        name,
        publishable,
        created_at,
        fresh_resume_taken,
        position,
        history,
    } = attached;
    let (snapshot, events, live) = match history {
        History::Snapshot(snapshot) => {
            state.hub().seed(room, position, &snapshot);
            (Some(translate::snapshot(&snapshot)), None, None)
        }
        History::Tail { facts, live } => {
            // A tail does not say who is there. If nobody has told the hub yet, the whole room does, which then never leaves this process.
            if state.hub().needs_roster(room) {
                let asking = state.rooms().snapshot(room, participant);
                let (seen_at, snapshot) = by(deadline, asking).await.map_err(refused_by_room)?;
                state.hub().seed(room, seen_at, &snapshot);
            }
            let events = missed(room, created_at, &facts, Hearing::of(role));
            (None, Some(events), Some(translate::live(&live)))
        }
        History::Waiting => return Err(ErrorReply::new(Reason::NotJoined, "not admitted yet")),
    };
    let media = grant(state, room, participant, &name, publishable, deadline).await;
    Ok(wire::RoomJoined::Member(Box::new(wire::MemberJoin {
        participant_id: participant.to_string(),
        resume: fresh_resume_taken.then(|| fresh.expose()),
        position: wire_position(position),
        node: state.node().node.to_string(),
        media,
        snapshot,
        events,
        live,
    })))
}

fn missed(
    room: RoomId,
    created_at: Timestamp,
    tail: &[Arc<Fact>],
    hearing: Hearing,
) -> Vec<wire::MissedEvent> {
    let heard = |fact: &Arc<Fact>| {
        let payload = translate::durable(room, created_at, fact, hearing);
        wire::MissedEvent {
            event: payload.event.name(),
            payload,
        }
    };
    tail.iter().map(heard).collect()
}

/// The way to the media; none while its server is away, since a room without media still is a room.
async fn grant(
    state: &GatewayState,
    room: RoomId,
    participant: ParticipantId,
    name: &str,
    publish: SourceSet,
    deadline: tokio::time::Instant,
) -> Option<wire::MediaGrant> {
    let admitted = async {
        let media = state.rooms().media(room).await?;
        media.admit(participant, name, publish).await
    };
    let deadline = deadline.min(tokio::time::Instant::now() + MEDIA_DEADLINE);
    match tokio::time::timeout_at(deadline, admitted).await {
        Ok(Ok(token)) => {
            // What was decided since `publish` was read has the last word.
            state.rooms().media_admitted(room, participant);
            Some(wire::MediaGrant {
                provider: state.media().provider_name().to_owned(),
                token: token.token,
                url: token.url,
            })
        }
        Ok(Err(error)) => {
            tracing::warn!(room.id = %room, participant.id = %participant, %error, "joined without media");
            None
        }
        Err(_) => {
            tracing::warn!(room.id = %room, participant.id = %participant, "joined without media: no answer in time");
            None
        }
    }
}

fn wire_position(position: Position) -> wire::Position {
    wire::Position {
        epoch: position.epoch.0,
        seq: position.seq.0,
    }
}

/// What becomes of a push: answered at once, or later.
pub(crate) enum Handled {
    /// Here is the answer.
    Now(Answer),
    /// Ask the room.
    Later(Asked),
}

/// A question to the room.
pub(crate) enum Asked {
    /// A durable command.
    Execute(Option<CommandId>, Settled),
    /// The whole room.
    Snapshot,
}

impl RoomChannel {
    pub(crate) fn membership(&self) -> &Membership {
        &self.membership
    }

    /// The secret that this join brought, for its client; once.
    pub(crate) fn take_fresh_resume(&mut self) -> Option<wire::FreshResume> {
        let resume = self.fresh_resume.take()?.expose();
        Some(wire::FreshResume { resume })
    }

    /// A push of the member.
    pub(crate) fn handle(&self, event: &str, payload: &serde_json::value::RawValue) -> Handled {
        match self.read(event, payload) {
            Err(refusal) => Handled::Now(Err(refusal)),
            Ok(Said::Signal(signal)) => {
                let Membership { state, room, .. } = &self.membership;
                let said = state.rooms().signal(*room, signal).map_err(refused_by_room);
                Handled::Now(said.and_then(|()| answer(&wire::Done {})))
            }
            Ok(Said::Durable { id, settled }) => Handled::Later(Asked::Execute(id, settled)),
            Ok(Said::Snapshot) => Handled::Later(Asked::Snapshot),
        }
    }

    fn read(&self, event: &str, payload: &serde_json::value::RawValue) -> Result<Said, ErrorReply> {
        self.spend(event)?;
        if self.waiting {
            return Err(ErrorReply::new(Reason::NotJoined, "not admitted yet"));
        }
        let push = RoomPush::parse(event, payload)
            .ok_or_else(|| ErrorReply::new(Reason::Unsupported, "no such event"))?
            .map_err(|error| ErrorReply::new(Reason::Invalid, error.to_string()))?;
        let role = *self.role.lock();
        translate::said(self.membership.participant, role, push)
    }

    fn spend(&self, event: &str) -> Result<(), ErrorReply> {
        let Membership {
            state,
            room,
            participant,
            ..
        } = &self.membership;
        let (member, now) = ((*room, *participant), Instant::now());
        let too_much = |of| move |wait| rate_limited(of, wait);
        state.push_rate().take(member, now).map_err(too_much("pushes"))?;
        if event == "chat_send" {
            state.chat_rate().take(member, now).map_err(too_much("chat"))?;
        }
        state.room_rate().take(*room, now).map_err(too_much("room"))
    }
}

/// Carries a question to the room and back.
pub(crate) async fn ask(
    state: GatewayState,
    room: RoomId,
    participant: ParticipantId,
    asked: Asked,
) -> Answer {
    match asked {
        Asked::Execute(id, settled) => {
            let command = settle(&state, settled).await?;
            // A push without a name gets one here, so that it is done once even if its room dies between commit and answer.
            let id = id.or_else(random_id);
            let request = Request {
                by: Actor::Participant(participant),
                id,
                command,
            };
            let position = state
                .rooms()
                .execute(room, request)
                .await
                .map_err(refused_by_room)?;
            answer(&wire_position(position))
        }
        Asked::Snapshot => {
            let (position, snapshot) = state
                .rooms()
                .snapshot(room, participant)
                .await
                .map_err(refused_by_room)?;
            let snapshot = translate::snapshot(&snapshot);
            answer(&wire::SnapshotAnswer {
                position: wire_position(position),
                snapshot,
            })
        }
    }
}

async fn settle(state: &GatewayState, settled: Settled) -> Result<Command, ErrorReply> {
    match settled {
        Settled::Command(command) => Ok(command),
        Settled::Settings(mut change) => {
            let password = match change.password.take() {
                None => None,
                Some(None) => Some(None),
                Some(Some(password)) => Some(Some(hash(state, password).await?)),
            };
            Ok(translate::command(change, password))
        }
    }
}

/// Hashes a new password.
pub(crate) async fn hash(
    state: &GatewayState,
    password: String,
) -> Result<videorooms_domain::PasswordHash, ErrorReply> {
    if password.is_empty() || password.len() > crate::auth::MAX_PASSWORD_BYTES {
        return Err(ErrorReply::new(Reason::Invalid, "a password has 1 to 256 bytes"));
    }
    state
        .passwords()
        .hash(password)
        .await
        .map_err(refused_by_password)
}

fn random_id() -> Option<CommandId> {
    let id = getrandom::u64().ok()?;
    format!("~{id:016x}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_join_waits_no_longer_than_its_one_deadline() {
        let start = tokio::time::Instant::now();
        let first = by(start + JOIN_DEADLINE, async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            Ok(())
        });
        assert_eq!(first.await, Ok(()));
        let second = std::future::pending::<Result<(), RoomsError>>();
        let late = by(start + JOIN_DEADLINE, second).await.map_err(refused_by_room);
        assert_eq!(late.map_err(|refusal| refusal.reason), Err(Reason::Unavailable));
        assert_eq!(start.elapsed(), JOIN_DEADLINE);
    }
}
