import { describe, expect, test } from 'vitest';

import { ANNA, BORIS, durable, wireMember, wireSnapshot } from '../test/wire.ts';

import type { RoomEvent } from './events.ts';
import { parseEvent, parseSnapshot } from './parse.ts';
import { CHAT_CAPACITY, EMPTY_ROOM, reduce, type RoomState } from './roomState.ts';

function event(name: string, payload: Record<string, unknown>): RoomEvent {
  const parsed = parseEvent(name, payload);
  if (parsed === null) throw new Error(`${name} is no event`);
  return parsed;
}

function snapshotAt(epoch: number, seq: number, members = [wireMember(ANNA)]): RoomEvent {
  return {
    type: 'snapshot',
    answers: 'push',
    position: { epoch, seq },
    snapshot: parseSnapshot(wireSnapshot(members)),
  };
}

const START = reduce(EMPTY_ROOM, snapshotAt(1, 10));

function apply(state: RoomState, ...events: RoomEvent[]): RoomState {
  return events.reduce(reduce, state);
}

describe('order', () => {
  const raised = event('hand_raised', durable(11, { participant_id: ANNA }));

  test('the next event applies once', () => {
    const once = reduce(START, raised);
    expect(once.hands).toEqual([ANNA]);
    expect(reduce(once, raised)).toBe(once);
  });

  test('a jump marks a gap and applies nothing until a snapshot', () => {
    const gap = reduce(START, event('hand_raised', durable(13, { participant_id: ANNA })));
    expect(gap).toMatchObject({ gap: true, hands: [], position: { epoch: 1, seq: 10 } });
    expect(reduce(gap, snapshotAt(1, 13))).toMatchObject({ gap: false, position: { epoch: 1, seq: 13 } });
  });

  test('an event of an older epoch is dropped', () => {
    const newer = reduce(START, snapshotAt(3, 12));
    expect(reduce(newer, event('hand_raised', durable(13, { participant_id: ANNA }, 2)))).toBe(newer);
  });

  test('a newer epoch goes on where the older one stopped', () => {
    const next = reduce(START, event('hand_raised', durable(11, { participant_id: ANNA }, 2)));
    expect(next).toMatchObject({ gap: false, position: { epoch: 2, seq: 11 }, hands: [ANNA] });
  });

  test('a newer epoch that rewrites a known seq is a gap', () => {
    expect(reduce(START, event('hand_raised', durable(10, { participant_id: ANNA }, 2))).gap).toBe(true);
  });

  test('an older snapshot does not turn time back', () => {
    const later = reduce(START, raised);
    expect(reduce(later, snapshotAt(1, 10))).toBe(later);
  });

  test('events before the first snapshot ask for one', () => {
    expect(reduce(EMPTY_ROOM, raised).gap).toBe(true);
  });

  test('a resumed room that is ahead is a gap, one that is level is not', () => {
    expect(reduce(START, event('room_resumed', { epoch: 2, seq: 12, node: 'b@1' })).gap).toBe(true);
    const level = reduce(START, event('room_resumed', { epoch: 2, seq: 10, node: 'b@1' }));
    expect(level).toMatchObject({ gap: false, node: 'b@1', position: { epoch: 2, seq: 10 } });
  });

  test('a resumed room that is behind has another history: nothing of ours counts until a snapshot', () => {
    const resumed = reduce(START, event('room_resumed', { epoch: 2, seq: 8, node: 'b@1' }));
    expect(resumed.gap).toBe(true);
    const back = reduce(resumed, snapshotAt(2, 8, [wireMember(BORIS)]));
    expect(back).toMatchObject({ gap: false, position: { epoch: 2, seq: 8 } });
    expect(back.members.map((m) => m.participantId)).toEqual([BORIS]);
    expect(reduce(back, event('hand_raised', durable(9, { participant_id: BORIS }, 2))).hands).toEqual([BORIS]);
  });

  test('a snapshot of an older epoch does not close a gap', () => {
    const resumed = reduce(START, event('room_resumed', { epoch: 2, seq: 12, node: 'b@1' }));
    expect(reduce(resumed, snapshotAt(1, 12))).toBe(resumed);
  });

  test.each([
    [1, 8],
    [1, 12],
    [0, 30],
  ])('a join’s snapshot is the truth whatever stood before it, also at epoch %i, seq %i', (epoch, seq) => {
    const joined = reduce(START, { ...snapshotAt(epoch, seq, [wireMember(BORIS)]), answers: 'join' } as RoomEvent);
    expect(joined).toMatchObject({ gap: false, position: { epoch, seq } });
    expect(joined.members.map((m) => m.participantId)).toEqual([BORIS]);
  });
});

describe('facts', () => {
  test('someone who left has no hand up any more', () => {
    const state = apply(
      START,
      event('member_joined', durable(11, { member: wireMember(BORIS) })),
      event('hand_raised', durable(12, { participant_id: BORIS })),
      event('member_left', durable(13, { participant_id: BORIS, reason: 'timeout' })),
    );
    expect(state.hands).toEqual([]);
    expect(state.members.map((m) => m.participantId)).toEqual([ANNA]);
  });

  test('a mute marks once and an unmute takes the mark away', () => {
    const mute = (seq: number) =>
      event('member_muted', durable(seq, { participant_id: ANNA, source: 'microphone', by: BORIS }));
    const muted = apply(START, mute(11), mute(12));
    expect(muted.members[0]?.mutedByModerator).toEqual(['microphone']);
    const lifted = reduce(
      muted,
      event('member_unmuted', durable(13, { participant_id: ANNA, source: 'microphone', by: ANNA })),
    );
    expect(lifted.members[0]?.mutedByModerator).toEqual([]);
  });

  test('a mute says nothing about what the member does', () => {
    const on = reduce(
      START,
      event('media_changed', { participant_id: ANNA, media: { microphone: true, camera: true, screen: false } }),
    );
    const muted = reduce(
      on,
      event('member_muted', durable(11, { participant_id: ANNA, source: 'microphone', by: BORIS })),
    );
    expect(muted.members[0]?.media.microphone).toBe(true);
  });

  test('chat is bounded', () => {
    let state = START;
    for (let i = 0; i < CHAT_CAPACITY + 5; i += 1) {
      state = reduce(
        state,
        event('chat_message', durable(11 + i, { id: `c${i}`, from: ANNA, name: 'anna', text: 'x' })),
      );
    }
    expect(state.chat).toHaveLength(CHAT_CAPACITY);
    expect(state.chat[0]?.id).toBe('c5');
  });
});

/** A small deterministic generator: a failure names its seed. */
function random(seed: number) {
  let state = seed;
  return (below: number) => {
    state = (state * 1664525 + 1013904223) % 4294967296;
    return Math.floor((state / 4294967296) * below);
  };
}

function history(pick: (below: number) => number, length: number): RoomEvent[] {
  const ids = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(13));
  const id = () => ids[pick(ids.length)] ?? '';
  return Array.from({ length }, (_, i) => {
    const at = (fact: Record<string, unknown>) => durable(i + 1, fact, 1 + Math.floor(i / 20));
    switch (pick(6)) {
      case 0:
        return event('member_joined', at({ member: wireMember(id()) }));
      case 1:
        return event('member_left', at({ participant_id: id(), reason: 'left' }));
      case 2:
        return event('hand_raised', at({ participant_id: id() }));
      case 3:
        return event('member_muted', at({ participant_id: id(), source: 'camera', by: id() }));
      case 4:
        return event('chat_message', at({ id: `c${i}`, from: id(), name: 'n', text: 't' }));
      default:
        return event('hidden', at({}));
    }
  });
}

test.each(Array.from({ length: 40 }, (_, i) => i + 1))(
  'whatever is lost, repeated or late, a snapshot in every gap leads to the true state (seed %i)',
  (seed) => {
    const pick = random(seed);
    const origin = reduce(EMPTY_ROOM, snapshotAt(1, 0, []));
    const events = history(pick, 60);
    const truths = events.reduce<RoomState[]>((all, next) => [...all, reduce(all.at(-1) ?? origin, next)], [origin]);
    const truth = truths.at(-1) ?? origin;

    let state = origin;
    events.forEach((next, i) => {
      if (pick(10) === 0) return; // lost
      state = reduce(state, next);
      const stale = events[pick(i + 1)];
      if (pick(4) === 0 && stale !== undefined) state = reduce(state, stale); // repeated or late
      const now = truths[i + 1];
      if (state.gap && now?.position && now.room) {
        const { position, room, members, hands, chat, lobby, banned } = now;
        const snapshot = {
          room,
          members: [...members],
          hands: [...hands],
          chat: [...chat],
          lobby: [...lobby],
          banned: [...banned],
        };
        state = reduce(state, { type: 'snapshot', answers: 'push', position, snapshot });
      }
    });
    const last = truth.position;
    if (last !== null && state.position?.seq !== last.seq) return; // the last one itself was lost: nothing told us
    expect(state).toEqual(truth);
  },
);
