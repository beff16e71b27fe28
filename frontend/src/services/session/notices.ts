/** Which events deserve a toast: what others did before me or to me, never what I did myself. */
import type { Notice } from '../../types/roomHandle.ts';
import type { DurableEvent } from '../events.ts';
import type { RoomState } from '../roomState.ts';

/** `before` is the room before the event, where those who left still have names. */
export function noticeOf(event: DurableEvent, before: RoomState, me: string | null): Omit<Notice, 'key'> | null {
  const name = (id: string | undefined) => before.members.find((member) => member.participantId === id)?.name ?? '';
  switch (event.type) {
    case 'member_joined':
      return event.member.participantId === me ? null : { kind: 'joined', name: event.member.name };
    case 'member_left':
      return event.participantId === me
        ? null
        : { kind: 'left', name: name(event.participantId), detail: event.reason };
    case 'hand_raised':
      return event.participantId === me ? null : { kind: 'hand_raised', name: name(event.participantId) };
    case 'member_muted':
      return event.participantId !== me || event.by === me
        ? null
        : { kind: 'muted_by', name: name(event.by), detail: event.source };
    case 'rights_changed':
      return event.participantId !== me || event.by === me
        ? null
        : { kind: 'rights_changed', name: name(event.by), detail: event.rights.join(' ') };
    case 'role_changed':
      return event.participantId !== me || event.by === me
        ? null
        : { kind: 'role_changed', name: name(event.by), detail: event.role };
    case 'member_renamed':
    case 'hand_lowered':
    case 'chat_message':
    case 'settings_changed':
    case 'member_unmuted':
    case 'lobby_knocked':
    case 'lobby_decided':
    case 'member_banned':
    case 'member_unbanned':
    case 'room_ended':
    case 'hidden':
      return null;
    default:
      return event satisfies never;
  }
}
