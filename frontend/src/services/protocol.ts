/**
 * What the server says and hears, as `docs/protocol.md` has it.
 * Generated from `crates/protocol`; `UPDATE=1 cargo test -p videorooms-protocol` writes it again.
 */
/* eslint-disable */

export type Empty = Record<symbol, never>;

export type Reason = "unauthorized" | "forbidden" | "not_found" | "ended" | "kicked" | "banned" | "locked" | "full" | "wrong_password" | "invalid" | "too_large" | "rate_limited" | "unavailable" | "not_joined" | "unmatched topic" | "too many channels joined" | "conflict" | "unsupported";

export type ErrorReply = { 
/**
 * For programs.
 */
reason: Reason, 
/**
 * For people.
 */
message: string, 
/**
 * When to try again.
 */
retry_after_ms?: number, };

export type Role = "host" | "moderator" | "participant" | "viewer";

export type Source = "microphone" | "camera" | "screen" | "screen_audio";

export type ConnectionState = "connected" | "reconnecting";

export type MediaState = { 
/**
 * Microphone is on.
 */
microphone: boolean, 
/**
 * Camera is on.
 */
camera: boolean, 
/**
 * A screen is shared.
 */
screen: boolean, };

export type Position = { 
/**
 * Rises with each new owner.
 */
epoch: number, 
/**
 * Number of the last durable event.
 */
seq: number, };

export type RoomInfo = { 
/**
 * 26 characters.
 */
id: string, 
/**
 * Shown name; may be empty.
 */
name: string, 
/**
 * Nobody new may come in.
 */
locked: boolean, 
/**
 * Newcomers knock.
 */
lobby: boolean, 
/**
 * A password is asked.
 */
has_password: boolean, 
/**
 * Most members.
 */
participant_limit: number, 
/**
 * Milliseconds since the Unix epoch.
 */
created_at: number, };

export type Member = { 
/**
 * 13 characters.
 */
participant_id: string, 
/**
 * Shown name.
 */
name: string, 
/**
 * Role.
 */
role: Role, 
/**
 * Milliseconds since the Unix epoch.
 */
joined_at: number, 
/**
 * Connection.
 */
state: ConnectionState, 
/**
 * What it says of its devices.
 */
media: MediaState, 
/**
 * Sources under a moderator's mute.
 */
muted_by_moderator: Array<Source>, 
/**
 * Sources it may publish.
 */
rights: Array<Source>, };

export type LiveMember = { 
/**
 * Who.
 */
participant_id: string, 
/**
 * Its connection.
 */
state: ConnectionState, 
/**
 * What it says of its devices.
 */
media: MediaState, };

export type ChatMessage = { 
/**
 * The client's id, or `m<seq>`.
 */
id: string, 
/**
 * Whose.
 */
from: string, 
/**
 * Name at that time.
 */
name: string, 
/**
 * What.
 */
text: string, 
/**
 * Milliseconds since the Unix epoch.
 */
at: number, 
/**
 * Its event.
 */
seq: number, };

export type WaitingPerson = { 
/**
 * Who.
 */
participant_id: string, 
/**
 * Shown name.
 */
name: string, 
/**
 * Milliseconds since the Unix epoch.
 */
since: number, };

export type BannedPerson = { 
/**
 * Who.
 */
participant_id: string, 
/**
 * Name it had.
 */
name: string, };

export type Snapshot = { 
/**
 * Settings.
 */
room: RoomInfo, 
/**
 * Members in order of joining.
 */
members: Array<Member>, 
/**
 * Raised hands, first raised first.
 */
hands: Array<string>, 
/**
 * Chat that is kept, oldest first.
 */
chat: Array<ChatMessage>, 
/**
 * For moderators and the host; else empty.
 */
lobby: Array<WaitingPerson>, 
/**
 * For moderators and the host; else empty.
 */
banned: Array<BannedPerson>, };

export type SnapshotAnswer = { 
/**
 * The room.
 */
snapshot: Snapshot, 
/**
 * Rises with each new owner.
 */
epoch: number, 
/**
 * Number of the last durable event.
 */
seq: number, };

export type RoomJoin = { 
/**
 * From `POST /api/rooms` or `…/join`.
 */
token?: string, 
/**
 * From an earlier join.
 */
resume?: string, 
/**
 * What the client has seen.
 */
since?: Position, };

export type MediaGrant = { 
/**
 * Which adapter.
 */
provider: string, 
/**
 * For the media server.
 */
token: string, 
/**
 * Where it is, for servers with signalling of their own.
 */
url?: string, };

export type MissedEvent = { 
/**
 * Its name.
 */
event: string, 
/**
 * Its payload.
 */
payload: unknown, };

export type MemberJoin = { 
/**
 * Who one is.
 */
participant_id: string, 
/**
 * The secret to come back with, when it is new: the last one counts.
 */
resume?: string, 
/**
 * The node that answers.
 */
node: string, 
/**
 * How to reach the media; `null` while the media server is away: join again later for it.
 */
media: MediaGrant | null, 
/**
 * The whole room, unless `events` continue from `since`.
 */
snapshot?: Snapshot, 
/**
 * What was missed after `since`.
 */
events?: Array<MissedEvent>, 
/**
 * Beside `events`: connection and devices of every member now, since what changed of them meanwhile is in no event.
 */
live?: Array<LiveMember>, 
/**
 * Rises with each new owner.
 */
epoch: number, 
/**
 * Number of the last durable event.
 */
seq: number, };

export type WaitingJoin = { 
/**
 * Who one is.
 */
participant_id: string, 
/**
 * Always `true`.
 */
waiting: true, 
/**
 * Rises with each new owner.
 */
epoch: number, 
/**
 * Number of the last durable event.
 */
seq: number, };

export type RoomJoined = MemberJoin | WaitingJoin;

export type Named = { 
/**
 * 1–64 characters: the same twice is one command.
 */
id?: string, };

export type ChatSend = { 
/**
 * 1–4000 characters.
 */
text: string, };

export type HandLower = { 
/**
 * Whose; oneself when absent.
 */
participant_id?: string, };

export type Rename = { 
/**
 * 1–64 characters.
 */
name: string, };

export type Target = { 
/**
 * Whom.
 */
participant_id: string, };

export type MemberRole = { 
/**
 * Whose.
 */
participant_id: string, 
/**
 * Which.
 */
role: Role, };

export type MemberKick = { 
/**
 * Whom.
 */
participant_id: string, 
/**
 * For good.
 */
ban?: boolean, 
/**
 * Its address, too.
 */
ban_address?: boolean, };

export type MemberMute = { 
/**
 * Whose.
 */
participant_id: string, 
/**
 * What.
 */
source: Source, };

export type MemberUnmute = { 
/**
 * Whose; oneself when absent.
 */
participant_id?: string, 
/**
 * What.
 */
source: Source, };

export type MemberRights = { 
/**
 * Whose.
 */
participant_id: string, 
/**
 * All that it may publish.
 */
rights: Array<Source>, };

export type SettingsChange = { 
/**
 * At most 120 characters.
 */
name?: string, 
/**
 * Nobody new.
 */
locked?: boolean, 
/**
 * Newcomers knock.
 */
lobby?: boolean, 
/**
 * `null` takes it away.
 */
password?: string | null | null, 
/**
 * Most members.
 */
participant_limit?: number, };

export type React = { 
/**
 * At most 16 bytes.
 */
emoji: string, };

export type Done = Record<symbol, never>;

export type Stamp = { 
/**
 * In whose reign.
 */
epoch: number, 
/**
 * Its number.
 */
seq: number, 
/**
 * Milliseconds since the Unix epoch, by the owner's clock.
 */
at: number, };

export type MemberJoined = { 
/**
 * The new one.
 */
member: Member, };

export type LeaveReason = "left" | "timeout" | "kicked" | "banned";

export type MemberLeft = { 
/**
 * Who.
 */
participant_id: string, 
/**
 * Why.
 */
reason: LeaveReason, };

export type NamedMember = { 
/**
 * Who.
 */
participant_id: string, 
/**
 * Shown name.
 */
name: string, };

export type RoleChanged = { 
/**
 * Whose.
 */
participant_id: string, 
/**
 * Which now.
 */
role: Role, 
/**
 * By whom; absent on succession.
 */
by?: string, };

export type HandRaised = { 
/**
 * Whose.
 */
participant_id: string, };

export type MemberBy = { 
/**
 * Whose.
 */
participant_id: string, 
/**
 * By whom.
 */
by?: string, };

export type ChatPosted = { 
/**
 * The client's id, or `m<seq>`.
 */
id: string, 
/**
 * Whose.
 */
from: string, 
/**
 * Name at that time.
 */
name: string, 
/**
 * What.
 */
text: string, };

export type SettingsChanged = { 
/**
 * All of them, as they are now.
 */
room: RoomInfo, 
/**
 * By whom.
 */
by?: string, };

export type MuteChanged = { 
/**
 * Whose.
 */
participant_id: string, 
/**
 * What.
 */
source: Source, 
/**
 * By whom.
 */
by: string, };

export type RightsChanged = { 
/**
 * Whose.
 */
participant_id: string, 
/**
 * All that it may publish.
 */
rights: Array<Source>, 
/**
 * By whom.
 */
by: string, };

export type LobbyDecided = { 
/**
 * On whom.
 */
participant_id: string, 
/**
 * In, or away.
 */
admitted: boolean, 
/**
 * By whom; absent when it went by itself.
 */
by?: string, };

export type MemberBanned = { 
/**
 * Who.
 */
participant_id: string, 
/**
 * Name it had.
 */
name: string, 
/**
 * By whom.
 */
by?: string, };

export type EndReason = "host" | "empty" | "operator";

export type RoomEnded = { 
/**
 * Why.
 */
reason: EndReason, };

export type Hidden = Record<symbol, never>;

export type ConnectionChanged = { 
/**
 * Whose.
 */
participant_id: string, 
/**
 * How it is now.
 */
state: ConnectionState, };

export type MediaChanged = { 
/**
 * Whose.
 */
participant_id: string, 
/**
 * What it says of its devices.
 */
media: MediaState, };

export type Reaction = { 
/**
 * Whose.
 */
from: string, 
/**
 * Which.
 */
emoji: string, };

export type Data = { 
/**
 * Whose.
 */
from: string, 
/**
 * A JSON object.
 */
data: unknown, };

export type RoomResumed = { 
/**
 * The new reign.
 */
epoch: number, 
/**
 * The owner's name.
 */
node: string, 
/**
 * Number of the last durable event.
 */
seq: number, };

export type LobbyRefused = { 
/**
 * `refused`, or `ended` with the room.
 */
reason: string, };

export type Kicked = { 
/**
 * By whom.
 */
by?: string, 
/**
 * For good.
 */
banned: boolean, };

export type FreshResume = { 
/**
 * The secret.
 */
resume: string, };

export type PresenceMeta = { 
/**
 * Names exactly this meta: the same for the same content, so a change of owner or node plays no leaves and joins.
 */
phx_ref: string, 
/**
 * Shown name.
 */
name: string, 
/**
 * Role.
 */
role: Role, 
/**
 * Connection.
 */
state: ConnectionState, };

export type PresenceEntry = { 
/**
 * Always one here: a member's sockets are one presence.
 */
metas: Array<PresenceMeta>, };

export type PresenceDiff = { 
/**
 * Metas that are new.
 */
joins: { [key in string]: PresenceEntry }, 
/**
 * Metas that are gone.
 */
leaves: { [key in string]: PresenceEntry }, };

export type SfuJoin = { 
/**
 * From the room join's `media`.
 */
token: string, 
/**
 * A living peer to re-attach.
 */
peer?: number, };

export type IceServer = { 
/**
 * `stun:` and `turn:` addresses.
 */
urls: Array<string>, 
/**
 * For TURN.
 */
username?: string, 
/**
 * For TURN.
 */
credential?: string, };

export type SlotCounts = { 
/**
 * Audio.
 */
audio: number, 
/**
 * Video.
 */
video: number, };

export type SfuJoined = { 
/**
 * The peer, old or new.
 */
peer: number, 
/**
 * The named peer was alive and its connection stands.
 */
resumed: boolean, 
/**
 * Beside the candidates in the answer.
 */
ice_servers: Array<IceServer>, 
/**
 * Receiving m-lines to offer at first.
 */
slots: SlotCounts, };

export type OfferedTrack = { 
/**
 * The m-line.
 */
mid: string, 
/**
 * What is on it.
 */
source: Source, };

export type SfuOffer = { 
/**
 * Rises by one with each offer.
 */
gen: number, 
/**
 * Session description.
 */
sdp: string, 
/**
 * The m-lines that this client sends on.
 */
tracks: Array<OfferedTrack>, };

export type SfuAnswer = { 
/**
 * That of the offer.
 */
gen: number, 
/**
 * Session description.
 */
sdp: string, };

export type SfuMute = { 
/**
 * Which of one's own.
 */
source: Source, 
/**
 * Stop.
 */
muted: boolean, };

export type SfuKeyframe = { 
/**
 * The receiving m-line.
 */
mid: string, };

export type TrackKind = "audio" | "video";

export type SlotBinding = { 
/**
 * The m-line.
 */
mid: string, 
/**
 * The publisher.
 */
participant_id: string, 
/**
 * What it publishes there.
 */
source: Source, 
/**
 * Sound or picture.
 */
kind: TrackKind, 
/**
 * Nothing flows at present.
 */
muted: boolean, };

export type SlotMap = { 
/**
 * Rises.
 */
rev: number, 
/**
 * Every bound m-line.
 */
map: Array<SlotBinding>, };

export type SpeakerLevel = { 
/**
 * Who.
 */
participant_id: string, 
/**
 * 0 is loudest, 127 silence (RFC 6464).
 */
level: number, };

export type Speakers = { 
/**
 * Loudest first.
 */
levels: Array<SpeakerLevel>, };

export type SfuReset = { 
/**
 * Why.
 */
reason: string, };

export type LogsJoin = { 
/**
 * An operator's.
 */
token?: string, };

export type LogLevel = "trace" | "debug" | "info" | "warn" | "error";

export type LogRecord = { 
/**
 * Rises by one.
 */
id: number, 
/**
 * Milliseconds since the Unix epoch.
 */
at: number, 
/**
 * How much it matters.
 */
level: LogLevel, 
/**
 * Who speaks.
 */
service: string, 
/**
 * Which node.
 */
node?: string, 
/**
 * Which room it is about.
 */
room?: string, 
/**
 * What happened.
 */
message: string, 
/**
 * The circumstances.
 */
fields?: Record<string, unknown>, };

export type LogBatch<R = LogRecord> = { 
/**
 * Oldest first.
 */
records: Array<R>, 
/**
 * Records missed just before these.
 */
dropped: number, };

/** Durable events of `room:<id>` and their payloads. */
export interface DurableEvents {
  member_joined: Stamp & MemberJoined;
  member_left: Stamp & MemberLeft;
  member_renamed: Stamp & NamedMember;
  role_changed: Stamp & RoleChanged;
  hand_raised: Stamp & HandRaised;
  hand_lowered: Stamp & MemberBy;
  chat_message: Stamp & ChatPosted;
  settings_changed: Stamp & SettingsChanged;
  member_muted: Stamp & MuteChanged;
  member_unmuted: Stamp & MuteChanged;
  rights_changed: Stamp & RightsChanged;
  lobby_knocked: Stamp & NamedMember;
  lobby_decided: Stamp & LobbyDecided;
  member_banned: Stamp & MemberBanned;
  member_unbanned: Stamp & MemberBy;
  room_ended: Stamp & RoomEnded;
  hidden: Stamp & Hidden;
}

/** Ephemeral events of `room:<id>`. */
export interface EphemeralEvents {
  connection_changed: ConnectionChanged;
  media_changed: MediaChanged;
  reaction: Reaction;
  data: Data;
  room_moving: Empty;
  room_resumed: RoomResumed;
  lobby_admitted: Empty;
  lobby_refused: LobbyRefused;
  kicked: Kicked;
  resume: FreshResume;
  presence_state: Record<string, PresenceEntry>;
  presence_diff: PresenceDiff;
}

/** All that is heard on `room:<id>`. */
export type RoomEvents = DurableEvents & EphemeralEvents;

/** Pushes on `room:<id>` and their payloads. */
export interface RoomPushes {
  chat_send: Named & ChatSend;
  hand_raise: Named;
  hand_lower: Named & HandLower;
  leave: Named;
  rename: Named & Rename;
  member_role: Named & MemberRole;
  member_kick: Named & MemberKick;
  member_unban: Named & Target;
  member_mute: Named & MemberMute;
  member_unmute: Named & MemberUnmute;
  member_rights: Named & MemberRights;
  settings: Named & SettingsChange;
  lobby_admit: Named & Target;
  lobby_refuse: Named & Target;
  room_end: Named;
  media: MediaState;
  reaction: React;
  data: Record<string, unknown>;
  snapshot: Empty;
}

/** All that is heard on `sfu:<id>`. */
export interface SfuEvents {
  slots: SlotMap;
  need_slots: SlotCounts;
  speakers: Speakers;
  reset: SfuReset;
}

/** Pushes on `sfu:<id>` and their payloads. */
export interface SfuPushes {
  offer: SfuOffer;
  mute: SfuMute;
  keyframe: SfuKeyframe;
  leave: Empty;
}
