/** Payloads as a node writes them: typed by the contract, so that the parser is tested against it and not against itself. */
import type { Member, MemberJoin, Snapshot, Stamp } from '../services/protocol.ts';

/** Undefined takes a field away, as an older or broken node might. */
type Change<T> = { [K in keyof T]?: T[K] | undefined };

export const ROOM = '0123456789abcdefghjkmnpqrs';
export const ANNA = 'anna000000000';
export const BORIS = 'boris00000000';

export function wireMember(id: string, change: Partial<Member> = {}): Member {
  return {
    participant_id: id,
    name: id.slice(0, 5).replaceAll('0', ''),
    role: 'participant',
    joined_at: 1000,
    state: 'connected',
    media: { microphone: false, camera: false, screen: false },
    muted_by_moderator: [],
    rights: ['microphone', 'camera', 'screen', 'screen_audio'],
    ...change,
  };
}

export function wireSnapshot(members = [wireMember(ANNA)], change: Change<Snapshot> = {}): Change<Snapshot> {
  return {
    room: {
      id: ROOM,
      name: 'Standup',
      locked: false,
      lobby: false,
      has_password: false,
      participant_limit: 50,
      created_at: 900,
    },
    members,
    hands: [],
    chat: [],
    lobby: [],
    banned: [],
    ...change,
  };
}

export function wireJoin(change: Change<MemberJoin> = {}): Change<MemberJoin> {
  return {
    participant_id: ANNA,
    resume: `${ANNA}.${'s'.repeat(43)}`,
    epoch: 1,
    seq: 10,
    node: 'a@1',
    media: { provider: 'fake', token: 'media-token' },
    snapshot: wireSnapshot() as Snapshot,
    ...change,
  };
}

export function durable<T extends object>(seq: number, fact: T, epoch = 1): Stamp & T {
  return { epoch, seq, at: 2000 + seq, ...fact };
}
