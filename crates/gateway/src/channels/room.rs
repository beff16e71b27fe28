//! Topic `room:<id>`: a member's way into a room, and what it says there.
//!
//! Joining: the hub holds back for this socket, the room attaches it, the answer goes out, the hub releases. Whatever comes of it, a
//! [`Membership`] that is dropped lets the hub and the room go.

use std::time::{Duration, Instant};

use videorooms_domain::{
    Actor, Command, CommandId, ConnectionId, ParticipantId, Position, Request, Role, RoomId, Seq, Snapshot,
    SourceSet,
};
use videorooms_protocol::room::{self as wire, RoomPush};
use videorooms_protocol::{ErrorReply, Reason};
use videorooms_rooms::{Attach, Attached, Credential, History};

use super::translate::{self, Hearing, Said, Settled};
use super::{Answer, answer, refused_by_room};
use crate::auth::ResumeSecret;
use crate::config::Limits;
use crate::limits::Bucket;
use crate::state::GatewayState;

/// A join does not wait longer for the media server: with the room's own deadline it must stay below phoenix.js's 10 s.
const MEDIA_DEADLINE: Duration = Duration::from_secs(3);

/// A member's channel.
pub(crate) struct RoomChannel {
    membership: Membership,
    /// In front of the door: may say nothing.
    pub(crate) waiting: bool,
    pushes: Bucket,
    chat: Bucket,
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
    pub(crate) outbox: std::sync::Arc<crate::socket::outbox::Outbox>,
    /// The socket's own credential, for a join that brings none.
    pub(crate) auth_token: Option<std::sync::Arc<str>>,
    pub(crate) address: String,
}

/// A join that was granted: what to answer, and what to release once it is answered.
pub(crate) struct Entered {
    pub(crate) channel: RoomChannel,
    pub(crate) answer: Answer,
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
    let Knock {
        room,
        connection,
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
    state.hub().subscribe(room, participant, connection, outbox);
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
    let attached = state
        .rooms()
        .attach(room, attach)
        .await
        .map_err(refused_by_room)?;
    let (position, role) = (attached.position, attached.role);
    let waiting = attached.history == History::Waiting;
    let answer = if waiting {
        waiting_answer(&attached)
    } else {
        member_answer(&state, room, attached, &fresh).await
    };
    let answer = Ok(answer?);
    let channel = RoomChannel::new(membership, waiting, &state.config().limits);
    Ok(Entered {
        channel,
        answer,
        position,
        role,
    })
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

fn waiting_answer(attached: &Attached) -> Answer {
    answer(&wire::RoomJoined::Waiting(wire::WaitingJoin {
        participant_id: attached.participant.to_string(),
        waiting: true,
        position: wire_position(attached.position),
    }))
}

async fn member_answer(
    state: &GatewayState,
    room: RoomId,
    attached: Attached,
    fresh: &ResumeSecret,
) -> Answer {
    let Attached {
        participant,
        role,
        name,
        fresh_resume_taken,
        position,
        history,
    } = attached;
    // A tail does not say who is there: Presence and the media grant ask for the whole, which never leaves this process.
    let (seen_at, snapshot, tail) = match history {
        History::Snapshot(snapshot) => (position, *snapshot, None),
        History::Tail(tail) => {
            let (seen_at, snapshot) = state
                .rooms()
                .snapshot(room, participant)
                .await
                .map_err(refused_by_room)?;
            (seen_at, snapshot, Some(tail))
        }
        History::Waiting => return Err(ErrorReply::new(Reason::NotJoined, "not admitted yet")),
    };
    state.hub().seed(room, seen_at, &snapshot);
    let media = grant(
        state,
        room,
        participant,
        &name,
        publishable(&snapshot, participant),
    )
    .await;
    let created_at = snapshot.room.created_at;
    let missed = |tail: Vec<std::sync::Arc<videorooms_rooms::Fact>>| {
        let heard = |fact: &std::sync::Arc<videorooms_rooms::Fact>| {
            let payload = translate::durable(room, created_at, fact, Hearing::of(role));
            wire::MissedEvent {
                event: payload.event.name(),
                payload,
            }
        };
        tail.iter().map(heard).collect()
    };
    let snapshot = tail.is_none().then(|| translate::snapshot(&snapshot));
    answer(&wire::RoomJoined::Member(Box::new(wire::MemberJoin {
        participant_id: participant.to_string(),
        resume: fresh_resume_taken.then(|| fresh.expose()),
        position: wire_position(position),
        node: state.node().node.to_string(),
        media,
        snapshot,
        events: tail.map(missed),
    })))
}

fn publishable(snapshot: &Snapshot, participant: ParticipantId) -> SourceSet {
    let member = snapshot
        .members
        .iter()
        .find(|member| member.participant_id == participant);
    member.map_or(SourceSet::NONE, |member| {
        member.rights.minus(member.muted_by_moderator)
    })
}

/// The way to the media; none while its server is away, since a room without media still is a room.
async fn grant(
    state: &GatewayState,
    room: RoomId,
    participant: ParticipantId,
    name: &str,
    publish: SourceSet,
) -> Option<wire::MediaGrant> {
    let media = state.media();
    match tokio::time::timeout(MEDIA_DEADLINE, media.admit(room, participant, name, publish)).await {
        Ok(Ok(token)) => {
            // What was decided since the snapshot that `publish` is from has the last word.
            state.rooms().media_admitted(room, participant);
            Some(wire::MediaGrant {
                provider: media.provider_name().to_owned(),
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
    fn new(membership: Membership, waiting: bool, limits: &Limits) -> Self {
        let now = Instant::now();
        Self {
            membership,
            waiting,
            pushes: Bucket::full(limits.pushes, now),
            chat: Bucket::full(limits.chat, now),
        }
    }

    pub(crate) fn membership(&self) -> &Membership {
        &self.membership
    }

    /// A push of the member.
    pub(crate) fn handle(&mut self, event: &str, payload: &serde_json::value::RawValue) -> Handled {
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

    fn read(&mut self, event: &str, payload: &serde_json::value::RawValue) -> Result<Said, ErrorReply> {
        self.spend(event)?;
        if self.waiting {
            return Err(ErrorReply::new(Reason::NotJoined, "not admitted yet"));
        }
        let push = RoomPush::parse(event, payload)
            .ok_or_else(|| ErrorReply::new(Reason::Unsupported, "no such event"))?
            .map_err(|error| ErrorReply::new(Reason::Invalid, error.to_string()))?;
        translate::said(self.membership.participant, push)
    }

    fn spend(&mut self, event: &str) -> Result<(), ErrorReply> {
        let limits = &self.membership.state.config().limits;
        let now = Instant::now();
        self.pushes
            .take(limits.pushes, now)
            .map_err(super::refusal::rate_limited)?;
        if event == "chat_send" {
            self.chat
                .take(limits.chat, now)
                .map_err(super::refusal::rate_limited)?;
        }
        Ok(())
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
    let hashed = state.passwords().hash(password).await;
    hashed.ok_or_else(|| ErrorReply::new(Reason::Unavailable, "the password could not be hashed"))
}

fn random_id() -> Option<CommandId> {
    let id = getrandom::u64().ok()?;
    format!("~{id:016x}").parse().ok()
}
