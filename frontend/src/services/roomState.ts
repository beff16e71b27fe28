/**
 * The room as this page knows it: a pure fold of {@link RoomEvent}s. Durable events apply exactly once and in order; one
 * of an older epoch or a known seq changes nothing; one that does not follow marks a gap, and only a snapshot closes it.
 */
import type { Member, Source } from '../types/roomHandle.ts';

import {
  type DurableEvent,
  type EphemeralEvent,
  isDurable,
  type Position,
  type RoomEvent,
  type RoomInfo,
  type SentMessage,
  type SnapshotEvent,
  type Waiting,
} from './events.ts';

/** The history a page keeps; older messages fall out. */
export const CHAT_CAPACITY = 1000;

export interface RoomState {
  /** Null until the first snapshot. */
  readonly position: Position | null;
  /** Events are missing: whoever drives this state asks for a snapshot. */
  readonly gap: boolean;
  /** The room is between two owners. */
  readonly moving: boolean;
  readonly node: string | null;
  readonly ended: string | null;
  readonly room: RoomInfo | null;
  readonly members: readonly Member[];
  readonly hands: readonly string[];
  readonly chat: readonly SentMessage[];
  readonly lobby: readonly Waiting[];
  readonly banned: readonly Waiting[];
}

export const EMPTY_ROOM: RoomState = {
  position: null,
  gap: false,
  moving: false,
  node: null,
  ended: null,
  room: null,
  members: [],
  hands: [],
  chat: [],
  lobby: [],
  banned: [],
};

export function reduce(state: RoomState, event: RoomEvent): RoomState {
  if (event.type === 'snapshot') return takeSnapshot(state, event);
  return isDurable(event) ? takeDurable(state, event) : applyEphemeral(state, event);
}

function takeSnapshot(state: RoomState, { answers, position, snapshot }: SnapshotEvent): RoomState {
  if (answers === 'push' && isOvertaken(position, state)) return state;
  const { room, members, hands, lobby, banned } = snapshot;
  return {
    ...state,
    position,
    gap: false,
    moving: false,
    room,
    members,
    hands,
    chat: snapshot.chat.slice(-CHAT_CAPACITY),
    lobby,
    banned,
  };
}

function takeDurable(state: RoomState, event: DurableEvent): RoomState {
  const known = state.position;
  if (known === null) return state.gap ? state : { ...state, gap: true };
  const { epoch, seq } = event.position;
  if (epoch < known.epoch || (epoch === known.epoch && seq <= known.seq)) return state;
  if (seq !== known.seq + 1) return state.gap ? state : { ...state, gap: true };
  return { ...applyDurable(state, event), position: event.position };
}

function applyDurable(state: RoomState, event: DurableEvent): RoomState {
  switch (event.type) {
    case 'member_joined':
      return {
        ...state,
        members: [...without(state.members, event.member.participantId), event.member],
        lobby: without(state.lobby, event.member.participantId),
      };
    case 'member_left':
      return {
        ...state,
        members: without(state.members, event.participantId),
        hands: lower(state.hands, event.participantId),
      };
    case 'member_renamed':
      return change(state, event.participantId, () => ({ name: event.name }));
    case 'role_changed':
      return change(state, event.participantId, () => ({ role: event.role }));
    case 'hand_raised':
      return { ...state, hands: [...lower(state.hands, event.participantId), event.participantId] };
    case 'hand_lowered':
      return { ...state, hands: lower(state.hands, event.participantId) };
    case 'chat_message': {
      const { id, from, name, text, at } = event;
      return { ...state, chat: [...state.chat, { id, from, name, text, at }].slice(-CHAT_CAPACITY) };
    }
    case 'settings_changed':
      return { ...state, room: event.room };
    case 'member_muted':
      return change(state, event.participantId, (m) => ({
        mutedByModerator: [...unmark(m, event.source), event.source],
      }));
    case 'member_unmuted':
      return change(state, event.participantId, (m) => ({ mutedByModerator: unmark(m, event.source) }));
    case 'rights_changed':
      return change(state, event.participantId, () => ({ rights: event.rights }));
    case 'lobby_knocked':
      return {
        ...state,
        lobby: [...without(state.lobby, event.participantId), { participantId: event.participantId, name: event.name }],
      };
    case 'lobby_decided':
      return { ...state, lobby: without(state.lobby, event.participantId) };
    case 'member_banned':
      return {
        ...state,
        banned: [
          ...without(state.banned, event.participantId),
          { participantId: event.participantId, name: event.name },
        ],
      };
    case 'member_unbanned':
      return { ...state, banned: without(state.banned, event.participantId) };
    case 'room_ended':
      return { ...state, ended: event.reason };
    case 'hidden':
      return state;
    default:
      return event satisfies never;
  }
}

function applyEphemeral(state: RoomState, event: EphemeralEvent): RoomState {
  switch (event.type) {
    case 'connection_changed':
      return change(state, event.participantId, () => ({ state: event.state }));
    case 'media_changed':
      return change(state, event.participantId, () => ({ media: event.media }));
    case 'room_moving':
      return { ...state, moving: true };
    case 'room_resumed':
      return takeResumed(state, event.position, event.node);
    case 'reaction':
    case 'data':
    case 'lobby_admitted':
    case 'lobby_refused':
    case 'kicked':
    case 'resume':
      return state;
    default:
      return event satisfies never;
  }
}

function takeResumed(state: RoomState, at: Position, node: string): RoomState {
  const known = state.position;
  if (known !== null && at.epoch < known.epoch) return state;
  // Ahead of us, we missed something; behind us, its history is another one than ours.
  const apart = known === null || at.seq !== known.seq;
  const position = known === null ? null : { epoch: at.epoch, seq: known.seq };
  return { ...state, moving: false, node, position, gap: state.gap || apart };
}

/** Within an epoch a gap makes any snapshot welcome: it was asked for after we knew that our own seq is worth nothing. */
function isOvertaken(position: Position, { position: known, gap }: RoomState): boolean {
  if (known === null) return false;
  return position.epoch < known.epoch || (!gap && position.epoch === known.epoch && position.seq < known.seq);
}

function change(state: RoomState, id: string, patch: (member: Member) => Partial<Member>): RoomState {
  return { ...state, members: state.members.map((m) => (m.participantId === id ? { ...m, ...patch(m) } : m)) };
}

function without<T extends { participantId: string }>(all: readonly T[], id: string): T[] {
  return all.filter((each) => each.participantId !== id);
}

function lower(hands: readonly string[], id: string): string[] {
  return hands.filter((each) => each !== id);
}

function unmark(member: Member, source: Source): Source[] {
  return member.mutedByModerator.filter((each) => each !== source);
}
