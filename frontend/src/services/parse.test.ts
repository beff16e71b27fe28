import { expect, expectTypeOf, test } from 'vitest';

import { ANNA, BORIS, durable, wireJoin, wireMember, wireSnapshot } from '../test/wire.ts';

import { Malformed } from './decode.ts';
import { parseJoinReply } from './joinReply.ts';
import type { DurableFact, EphemeralEvent } from './events.ts';
import { parseEvent, parseSnapshot } from './parse.ts';
import type { DurableEvents, EphemeralEvents } from './protocol.ts';

test('every event of the contract is known here, and no other', () => {
  expectTypeOf<DurableFact['type']>().toEqualTypeOf<keyof DurableEvents>();
  expectTypeOf<EphemeralEvent['type']>().toEqualTypeOf<Exclude<keyof EphemeralEvents, `presence_${string}`>>();
});

test('a durable event carries its position, its time and its fact', () => {
  expect(parseEvent('chat_message', durable(7, { id: 'c1', from: ANNA, name: 'anna', text: 'hi' }))).toEqual({
    type: 'chat_message',
    position: { epoch: 1, seq: 7 },
    at: 2007,
    id: 'c1',
    from: ANNA,
    name: 'anna',
    text: 'hi',
  });
});

test('an event of an unknown name with a position only moves the position', () => {
  expect(parseEvent('poll_opened', durable(8, { poll: 1 }))).toEqual({
    type: 'hidden',
    position: { epoch: 1, seq: 8 },
    at: 2008,
  });
});

test('an event of an unknown name without a position is nothing', () => {
  expect(parseEvent('wave', { from: ANNA })).toBeNull();
});

test('a missing field is named by its path', () => {
  const member = { ...wireMember(BORIS), name: undefined };
  expect(() => parseEvent('member_joined', durable(9, { member }))).toThrow(
    /member_joined\.member\.name: expected a string/,
  );
});

test.each([
  ['member_left', { participant_id: ANNA, reason: 'bored' }],
  ['member_muted', { participant_id: ANNA, source: 'nose', by: BORIS }],
  ['role_changed', { participant_id: ANNA, role: 'king' }],
  ['media_changed', { participant_id: ANNA, media: { microphone: 1, camera: true, screen: true } }],
])('%s with a value outside the contract is malformed', (name, fact) => {
  expect(() => parseEvent(name, durable(9, fact))).toThrow(Malformed);
});

test('an optional `by` may be absent or null', () => {
  const parsed = parseEvent('hand_lowered', durable(3, { participant_id: ANNA, by: null }));
  expect(parsed).not.toHaveProperty('by');
});

test('a snapshot for the unprivileged may leave out lobby and bans', () => {
  const snapshot = parseSnapshot(wireSnapshot(undefined, { lobby: undefined, banned: undefined }));
  expect(snapshot.lobby).toEqual([]);
  expect(snapshot.members[0]?.participantId).toBe(ANNA);
});

test('the join reply knows its three kinds', () => {
  expect(parseJoinReply({ participant_id: ANNA, waiting: true, epoch: 1, seq: 1 })).toEqual({
    waiting: true,
    participantId: ANNA,
  });
  expect(parseJoinReply(wireJoin())).toMatchObject({ waiting: false, position: { epoch: 1, seq: 10 }, events: [] });
  const tail = wireJoin({
    snapshot: undefined,
    events: [{ event: 'hand_raised', payload: durable(10, { participant_id: ANNA }) }],
  });
  expect(parseJoinReply(tail)).toMatchObject({ snapshot: null, events: [{ type: 'hand_raised' }] });
});
