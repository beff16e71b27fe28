/**
 * From the wire to {@link RoomEvent}. Every field is looked at; whatever is not as the contract says throws `Malformed`.
 * An event of an unknown name with a position counts as `hidden`, one without is null: a newer server must not break an older page.
 */
import type { Member, Role, Source } from '../types/roomHandle.ts';

import { fields, flag, type Fields, integer, list, Malformed, oneOf, optionalText, text } from './decode.ts';
import type {
  DurableFact,
  EphemeralEvent,
  Position,
  RoomEvent,
  RoomInfo,
  SentMessage,
  Snapshot,
  Waiting,
} from './events.ts';

const SOURCES: readonly Source[] = ['microphone', 'camera', 'screen', 'screen_audio'];
const ROLES: readonly Role[] = ['host', 'moderator', 'participant', 'viewer'];
const STATES = ['connected', 'reconnecting'] as const;

export function parsePosition(value: unknown, path = 'position'): Position {
  const from = fields(value, path);
  return { epoch: integer(from, 'epoch', path), seq: integer(from, 'seq', path) };
}

export function parseSnapshot(value: unknown, path = 'snapshot'): Snapshot {
  const from = fields(value, path);
  return {
    room: roomInfo(from['room'], `${path}.room`),
    members: list(from, 'members', path, member),
    hands: list(from, 'hands', path, participant),
    chat: list(from, 'chat', path, message),
    lobby: from['lobby'] === undefined ? [] : list(from, 'lobby', path, waiting),
    banned: from['banned'] === undefined ? [] : list(from, 'banned', path, waiting),
  };
}

/** One event of topic `room:<id>`. */
export function parseEvent(name: string, payload: unknown): RoomEvent | null {
  const from = fields(payload, name);
  const ephemeral = ephemeralEvent(name, from);
  if (ephemeral !== null) return ephemeral;
  if (from['seq'] === undefined) return null;
  return { ...durableFact(name, from), position: parsePosition(from, name), at: integer(from, 'at', name) };
}

function ephemeralEvent(name: string, from: Fields): EphemeralEvent | null {
  switch (name) {
    case 'connection_changed':
      return {
        type: name,
        participantId: text(from, 'participant_id', name),
        state: oneOf(from, 'state', name, STATES),
      };
    case 'media_changed':
      return {
        type: name,
        participantId: text(from, 'participant_id', name),
        media: media(from['media'], `${name}.media`),
      };
    case 'reaction':
      return { type: name, from: text(from, 'from', name), emoji: text(from, 'emoji', name) };
    case 'data':
      return { type: name, from: text(from, 'from', name), data: from['data'] };
    case 'room_moving':
    case 'lobby_admitted':
      return { type: name };
    case 'room_resumed':
      return { type: name, node: text(from, 'node', name), position: parsePosition(from, name) };
    case 'lobby_refused':
      return { type: name, reason: optionalText(from, 'reason', name) ?? '' };
    case 'resume':
      return { type: name, resume: text(from, 'resume', name) };
    case 'kicked':
      return { type: name, banned: flag(from, 'banned', name), ...by(from, name) };
    default:
      return null;
  }
}

function durableFact(name: string, from: Fields): DurableFact {
  const participantId = () => text(from, 'participant_id', name);
  switch (name) {
    case 'member_joined':
      return { type: name, member: member(from['member'], `${name}.member`) };
    case 'member_left':
      return {
        type: name,
        participantId: participantId(),
        reason: oneOf(from, 'reason', name, ['left', 'timeout', 'kicked', 'banned']),
      };
    case 'member_renamed':
    case 'lobby_knocked':
    case 'member_banned':
      return { type: name, participantId: participantId(), name: text(from, 'name', name) };
    case 'role_changed':
      return { type: name, participantId: participantId(), role: oneOf(from, 'role', name, ROLES), ...by(from, name) };
    case 'hand_raised':
    case 'member_unbanned':
      return { type: name, participantId: participantId() };
    case 'hand_lowered':
      return { type: name, participantId: participantId(), ...by(from, name) };
    case 'chat_message':
      return {
        type: name,
        id: text(from, 'id', name),
        from: text(from, 'from', name),
        name: text(from, 'name', name),
        text: text(from, 'text', name),
      };
    case 'settings_changed':
      return { type: name, room: roomInfo(from['room'], `${name}.room`), ...by(from, name) };
    case 'member_muted':
    case 'member_unmuted':
      return {
        type: name,
        participantId: participantId(),
        source: oneOf(from, 'source', name, SOURCES),
        by: text(from, 'by', name),
      };
    case 'rights_changed':
      return {
        type: name,
        participantId: participantId(),
        rights: list(from, 'rights', name, source),
        by: text(from, 'by', name),
      };
    case 'lobby_decided':
      return { type: name, participantId: participantId(), admitted: flag(from, 'admitted', name) };
    case 'room_ended':
      return { type: name, reason: text(from, 'reason', name) };
    default:
      return { type: 'hidden' };
  }
}

function by(from: Fields, path: string): { by?: string } {
  const who = optionalText(from, 'by', path);
  return who === undefined ? {} : { by: who };
}

function member(value: unknown, path: string): Member {
  const from = fields(value, path);
  return {
    participantId: text(from, 'participant_id', path),
    name: text(from, 'name', path),
    role: oneOf(from, 'role', path, ROLES),
    joinedAt: integer(from, 'joined_at', path),
    state: oneOf(from, 'state', path, STATES),
    media: media(from['media'], `${path}.media`),
    mutedByModerator: list(from, 'muted_by_moderator', path, source),
    rights: list(from, 'rights', path, source),
  };
}

function media(value: unknown, path: string): Member['media'] {
  const from = fields(value, path);
  return {
    microphone: flag(from, 'microphone', path),
    camera: flag(from, 'camera', path),
    screen: flag(from, 'screen', path),
  };
}

function roomInfo(value: unknown, path: string): RoomInfo {
  const from = fields(value, path);
  return {
    id: text(from, 'id', path),
    name: text(from, 'name', path),
    locked: flag(from, 'locked', path),
    lobby: flag(from, 'lobby', path),
    hasPassword: flag(from, 'has_password', path),
    participantLimit: from['participant_limit'] == null ? null : integer(from, 'participant_limit', path),
    createdAt: integer(from, 'created_at', path),
  };
}

function message(value: unknown, path: string): SentMessage {
  const from = fields(value, path);
  return {
    id: text(from, 'id', path),
    from: text(from, 'from', path),
    name: text(from, 'name', path),
    text: text(from, 'text', path),
    at: integer(from, 'at', path),
  };
}

function waiting(value: unknown, path: string): Waiting {
  const from = fields(value, path);
  return { participantId: text(from, 'participant_id', path), name: text(from, 'name', path) };
}

function participant(value: unknown, path: string): string {
  if (typeof value !== 'string') throw new Malformed(path, 'a participant id', value);
  return value;
}

function source(value: unknown, path: string): Source {
  const found = SOURCES.find((each) => each === value);
  if (found === undefined) throw new Malformed(path, SOURCES.join(' | '), value);
  return found;
}
