/**
 * What happens in a room, as the rest of the page speaks of it: the wire's snake case ends in `parse.ts`.
 */
import type { Member } from '../types/roomHandle.ts';

import type { LeaveReason, Position, Role, Source } from './protocol.ts';

export type { LeaveReason, Position };

export interface RoomInfo {
  id: string;
  name: string;
  locked: boolean;
  lobby: boolean;
  hasPassword: boolean;
  participantLimit: number | null;
  createdAt: number;
}

/** A committed message. */
export interface SentMessage {
  id: string;
  from: string;
  name: string;
  text: string;
  at: number;
}

export interface Waiting {
  participantId: string;
  name: string;
}

export interface Snapshot {
  room: RoomInfo;
  members: Member[];
  hands: string[];
  chat: SentMessage[];
  lobby: Waiting[];
  banned: Waiting[];
}

/** What a durable event says; its position and time stand beside it in {@link DurableEvent}. */
export type DurableFact =
  | { type: 'member_joined'; member: Member }
  | { type: 'member_left'; participantId: string; reason: LeaveReason }
  | { type: 'member_renamed'; participantId: string; name: string }
  | { type: 'role_changed'; participantId: string; role: Role; by?: string }
  | { type: 'hand_raised'; participantId: string }
  | { type: 'hand_lowered'; participantId: string; by?: string }
  | { type: 'chat_message'; id: string; from: string; name: string; text: string }
  | { type: 'settings_changed'; room: RoomInfo; by?: string }
  | { type: 'member_muted'; participantId: string; source: Source; by: string }
  | { type: 'member_unmuted'; participantId: string; source: Source; by: string }
  | { type: 'rights_changed'; participantId: string; rights: Source[]; by: string }
  | { type: 'lobby_knocked'; participantId: string; name: string }
  | { type: 'lobby_decided'; participantId: string; admitted: boolean }
  | { type: 'member_banned'; participantId: string; name: string }
  | { type: 'member_unbanned'; participantId: string }
  | { type: 'room_ended'; reason: string }
  /** Not for our eyes, or of a newer server: it only moves the position. */
  | { type: 'hidden' };

export type DurableEvent = DurableFact & { position: Position; at: number };

export type EphemeralEvent =
  | { type: 'connection_changed'; participantId: string; state: Member['state'] }
  | { type: 'media_changed'; participantId: string; media: Member['media'] }
  | { type: 'reaction'; from: string; emoji: string }
  | { type: 'data'; from: string; data: unknown }
  | { type: 'room_moving' }
  | { type: 'room_resumed'; node: string; position: Position }
  | { type: 'lobby_admitted' }
  | { type: 'lobby_refused'; reason: string }
  | { type: 'kicked'; by?: string; banned: boolean }
  /** The secret to come back by from now on. */
  | { type: 'resume'; resume: string };

/** The whole truth at a position. */
export interface SnapshotEvent {
  type: 'snapshot';
  /** The answer to a push may be overtaken by events on its way; nothing that stood before the answer to a join counts. */
  answers: 'join' | 'push';
  position: Position;
  snapshot: Snapshot;
}

export type RoomEvent = DurableEvent | EphemeralEvent | SnapshotEvent;

export function isDurable(event: RoomEvent): event is DurableEvent {
  return 'at' in event;
}
