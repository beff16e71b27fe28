//! `/api/rooms`: making a room, looking at it from outside, getting a token for it, and changing or ending it with one.

use std::time::{Duration, Instant};

use axum::Json as Answer;
use axum::extract::{Extension, FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use videorooms_domain::{
    Actor, Command, EndReason, ParticipantId, PasswordHash, Rejection, Request, Role, RoomId, Settings,
    SettingsPatch, participant_name,
};
use videorooms_rooms::{CreateRoom, Overview, RoomsError};

use crate::auth::{JoinClaims, MAX_PASSWORD_BYTES, ResumeSecret};
use crate::channels::{refused_by_password, refused_by_room};
use crate::http::{Client, Json, Problem};
use crate::limits::prefix;
use crate::metrics as names;
use crate::state::Door;

/// Shown until the host gives another name.
const HOST_NAME: &str = "Host";
/// When another node, or this one started again, may be there.
const LEAVING: Duration = Duration::from_secs(2);
/// When rooms of a full node may have left its memory.
const FULL: Duration = Duration::from_secs(5);

/// How a room begins. Everything has a default.
#[derive(Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct NewRoom {
    /// At most 120 characters.
    name: String,
    /// Name of the one who creates it.
    host_name: Option<String>,
    /// 1 to 256 bytes.
    password: Option<String>,
    /// Nobody but moderators may come in.
    locked: bool,
    /// Newcomers knock and wait.
    lobby: bool,
    /// 1 to 100000.
    participant_limit: Option<u32>,
}

/// A room, and the way in for its host.
#[derive(Serialize, ToSchema)]
pub(crate) struct Created {
    /// Of the room.
    id: String,
    /// Of the host.
    participant_id: String,
    /// The host's join token, for ten minutes.
    token: String,
}

/// What anyone with the link may know.
#[derive(Serialize, ToSchema)]
pub(crate) struct Summary {
    id: String,
    name: String,
    locked: bool,
    lobby: bool,
    has_password: bool,
    participant_limit: u32,
    /// How many there are.
    members: u32,
    ended: bool,
}

/// A change of settings; what is absent stays.
#[derive(Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RoomChange {
    name: Option<String>,
    locked: Option<bool>,
    lobby: Option<bool>,
    /// `null` takes it away.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    password: Option<Option<String>>,
    participant_limit: Option<u32>,
}

/// Tells `null` from absent.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// A wish to come in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Join {
    /// 1 to 64 characters.
    name: String,
    /// Where the room has one.
    #[serde(default)]
    password: Option<String>,
    /// `viewer` to look on only.
    #[serde(default)]
    role: Option<JoinRole>,
}

/// A role that anyone may ask for.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum JoinRole {
    /// Takes part.
    Participant,
    /// Looks on.
    Viewer,
}

/// The way in.
#[derive(Serialize, ToSchema)]
pub(crate) struct Grant {
    /// Of the newcomer.
    participant_id: String,
    /// Its join token, for ten minutes.
    token: String,
}

/// Creates a room. Whoever creates it is its host.
#[utoipa::path(post, path = "/api/rooms", request_body = NewRoom,
    responses((status = 201, body = Created), (status = "4XX", body = Problem), (status = 503, body = Problem)))]
pub(crate) async fn create(
    State(door): State<Door>,
    Json(wish): Json<NewRoom>,
) -> Result<(StatusCode, Answer<Created>), Problem> {
    stays(&door)?;
    let name = participant_name(wish.host_name.as_deref().unwrap_or(HOST_NAME)).map_err(rejected)?;
    let password = match wish.password {
        Some(password) => Some(hash(&door, password).await?),
        None => None,
    };
    let defaults = Settings::default();
    let settings = Settings {
        name: wish.name,
        locked: wish.locked,
        lobby: wish.lobby,
        password,
        participant_limit: wish.participant_limit.unwrap_or(defaults.participant_limit),
    };
    let room = door
        .rooms()
        .create(CreateRoom { settings })
        .await
        .map_err(refused)?;
    let (participant, token) = admit(&door, room, name, Role::Host)?;
    let created = Created {
        id: room.to_string(),
        participant_id: participant.to_string(),
        token,
    };
    Ok((StatusCode::CREATED, Answer(created)))
}

/// Shows a room from outside.
#[utoipa::path(get, path = "/api/rooms/{id}", params(("id" = String, Path)),
    responses((status = 200, body = Summary), (status = 404, body = Problem)))]
pub(crate) async fn show(State(door): State<Door>, Named(room): Named) -> Result<Answer<Summary>, Problem> {
    let overview = door.rooms().overview(room).await.map_err(refused)?;
    Ok(Answer(summary(&overview)))
}

/// Gives a newcomer a token. Whether the room takes it (bans, lobby) is decided when it is used.
#[utoipa::path(post, path = "/api/rooms/{id}/join", params(("id" = String, Path)), request_body = Join,
    responses((status = 200, body = Grant), (status = "4XX", body = Problem), (status = 503, body = Problem)))]
pub(crate) async fn join(
    State(door): State<Door>,
    Extension(client): Extension<Client>,
    Named(room): Named,
    Json(wish): Json<Join>,
) -> Result<Answer<Grant>, Problem> {
    stays(&door)?;
    let name = participant_name(&wish.name).map_err(rejected)?;
    let overview = door.rooms().overview(room).await.map_err(refused)?;
    let refuse = |rejection| Err(rejected(rejection));
    if overview.ended {
        return refuse(Rejection::Ended);
    }
    if overview.room.locked {
        return refuse(Rejection::Locked);
    }
    if let Some(hash) = overview.password {
        check_password(&door, room, client, wish.password, hash).await?;
    }
    let role = match wish.role {
        Some(JoinRole::Viewer) => Role::Viewer,
        Some(JoinRole::Participant) | None => Role::Participant,
    };
    let (participant, token) = admit(&door, room, name, role)?;
    Ok(Answer(Grant {
        participant_id: participant.to_string(),
        token,
    }))
}

/// Whoever is let in here would be sent away at once.
fn stays(door: &Door) -> Result<(), Problem> {
    let why = if door.is_draining() {
        "this node is leaving"
    } else if door.is_fenced() {
        "this node is cut off from its cluster"
    } else {
        return Ok(());
    };
    let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", why);
    Err(problem.retry_after(LEAVING))
}

/// Changes settings.
#[utoipa::path(patch, path = "/api/rooms/{id}", params(("id" = String, Path)), request_body = RoomChange,
    security(("bearer" = [])),
    responses((status = 200, body = Summary), (status = "4XX", body = Problem), (status = 503, body = Problem)))]
pub(crate) async fn change(
    State(door): State<Door>,
    Named(room): Named,
    headers: HeaderMap,
    Json(wish): Json<RoomChange>,
) -> Result<Answer<Summary>, Problem> {
    let bearer = identify(&door, room, &headers).await?;
    let password = match wish.password {
        Some(Some(password)) => Some(Some(hash(&door, password).await?)),
        Some(None) => Some(None),
        None => None,
    };
    let RoomChange {
        name,
        locked,
        lobby,
        password: _,
        participant_limit,
    } = wish;
    let patch = SettingsPatch {
        name,
        locked,
        lobby,
        password,
        participant_limit,
    };
    let command = Command::ChangeSettings(patch);
    execute(&door, room, bearer, command.clone(), command).await?;
    let overview = door.rooms().overview(room).await.map_err(refused)?;
    Ok(Answer(summary(&overview)))
}

/// Ends the room for all.
#[utoipa::path(delete, path = "/api/rooms/{id}", params(("id" = String, Path)), security(("bearer" = [])),
    responses((status = 204), (status = "4XX", body = Problem), (status = 503, body = Problem)))]
pub(crate) async fn end(
    State(door): State<Door>,
    Named(room): Named,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let bearer = identify(&door, room, &headers).await?;
    let end = |reason| Command::End { reason };
    // The house ends an empty room for its creator as it would by itself, only at once.
    execute(&door, room, bearer, end(EndReason::Host), end(EndReason::Empty)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Someone with a proof.
#[derive(Clone, Copy)]
struct Bearer {
    participant: ParticipantId,
    /// By the token of the room's creator.
    is_creator: bool,
}

async fn identify(door: &Door, room: RoomId, headers: &HeaderMap) -> Result<Bearer, Problem> {
    let refused_token = || Problem::unauthorized("the token or secret is not valid (any more)");
    let text =
        bearer(headers).ok_or_else(|| Problem::unauthorized("a join token or a resume secret is needed"))?;
    if let Ok(secret) = text.parse::<ResumeSecret>() {
        let participant = secret.participant;
        door.rooms()
            .verify(room, participant, secret.hash())
            .await
            .map_err(refused)?;
        return Ok(Bearer {
            participant,
            is_creator: false,
        });
    }
    let claims = door.keys().verify_join(text).map_err(|_| refused_token())?;
    if claims.room != room {
        return Err(refused_token());
    }
    Ok(Bearer {
        participant: claims.participant,
        is_creator: claims.role == Role::Host,
    })
}

/// Does what the bearer asks; `by_house` is the same in the words of the house, for a creator whose room nobody has entered yet.
async fn execute(
    door: &Door,
    room: RoomId,
    bearer: Bearer,
    command: Command,
    by_house: Command,
) -> Result<(), Problem> {
    let request = |by, command| Request {
        by,
        id: None,
        command,
    };
    let asked = request(Actor::Participant(bearer.participant), command);
    match door.rooms().execute(room, asked).await {
        // Before anyone came in, the room is its creator's.
        Err(RoomsError::Rejected(Rejection::NotMember))
            if bearer.is_creator && is_empty(door, room).await? =>
        {
            door.rooms().execute(room, request(Actor::System, by_house)).await
        }
        other => other,
    }
    .map(drop)
    .map_err(refused)
}

async fn is_empty(door: &Door, room: RoomId) -> Result<bool, Problem> {
    Ok(door.rooms().overview(room).await.map_err(refused)?.members == 0)
}

/// The credential in `Authorization: Bearer`.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .strip_prefix("Bearer ")
}

fn admit(door: &Door, room: RoomId, name: String, role: Role) -> Result<(ParticipantId, String), Problem> {
    let random = getrandom::u64().map_err(|_| {
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "the system has no randomness",
        )
    })?;
    let participant = ParticipantId(random);
    Ok((
        participant,
        door.keys().join_token(&JoinClaims {
            room,
            participant,
            role,
            name,
        }),
    ))
}

async fn check_password(
    door: &Door,
    room: RoomId,
    client: Client,
    given: Option<String>,
    hash: PasswordHash,
) -> Result<(), Problem> {
    let wrong = |detail: &str| Problem::new(StatusCode::FORBIDDEN, "wrong_password", detail);
    let given = given
        .filter(|given| !given.is_empty())
        .ok_or_else(|| wrong("this room asks for a password"))?;
    let limited = |wait| {
        let problem = Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "rate_limited",
            "too many passwords were tried",
        );
        problem.retry_after(wait)
    };
    let guesser = (room, prefix(client.address));
    door.guess_rate().take(guesser, Instant::now()).map_err(limited)?;
    if given.len() <= MAX_PASSWORD_BYTES {
        let verified = door.passwords().verify(given, hash).await;
        if verified != Ok(false) {
            // Only wrong guesses count: behind one address there may be many who know the password.
            door.guess_rate().give(&guesser);
            return verified
                .map(drop)
                .map_err(|error| refused_by_password(error).into());
        }
    }
    metrics::counter!(names::WRONG_PASSWORDS).increment(1);
    Err(wrong("the password is another one"))
}

async fn hash(door: &Door, password: String) -> Result<PasswordHash, Problem> {
    crate::channels::room::hash(door, password)
        .await
        .map_err(Problem::from)
}

/// The room that the path names.
pub(crate) struct Named(RoomId);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let named = Path::<String>::from_request_parts(parts, state).await;
        let id = named.ok().and_then(|Path(id)| id.parse().ok());
        id.map(Self).ok_or_else(|| Problem::not_found("no such room"))
    }
}

fn refused(error: RoomsError) -> Problem {
    if error == RoomsError::TooManyRooms {
        let full = StatusCode::SERVICE_UNAVAILABLE;
        return Problem::new(full, "too_many_rooms", error.to_string()).retry_after(FULL);
    }
    refused_by_room(error).into()
}

fn rejected(rejection: Rejection) -> Problem {
    refused(RoomsError::Rejected(rejection))
}

fn summary(overview: &Overview) -> Summary {
    let room = &overview.room;
    Summary {
        id: room.id.to_string(),
        name: room.name.clone(),
        locked: room.locked,
        lobby: room.lobby,
        has_password: room.has_password,
        participant_limit: room.participant_limit,
        members: overview.members,
        ended: overview.ended,
    }
}
