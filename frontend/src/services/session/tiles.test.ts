import { expect, test } from 'vitest';

import type { Tile } from '../../types/roomHandle.ts';

import { reuse } from './tiles.ts';

const tile = (key: string, change: Partial<Tile> = {}): Tile => ({
  key,
  participantId: key,
  name: key,
  local: false,
  screen: false,
  stream: null,
  audio: null,
  microphoneOn: true,
  cameraOn: false,
  speaking: false,
  handRaised: false,
  state: 'connected',
  quality: 'good',
  ...change,
});

test('one who speaks is drawn again, the others are not', () => {
  const before = [tile('a'), tile('b')];
  const [a, b] = reuse(before, [tile('a'), tile('b', { speaking: true })]);
  expect(a).toBe(before[0]);
  expect(b).toEqual(tile('b', { speaking: true }));
});

test('when nothing changed the whole list is the same, and when someone left it is not', () => {
  const before = [tile('a'), tile('b')];
  expect(reuse(before, [tile('a'), tile('b')])).toBe(before);
  expect(reuse(before, [tile('a')])).toEqual([tile('a')]);
});
