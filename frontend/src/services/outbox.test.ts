import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { GIVE_UP_MS, Outbox } from './outbox.ts';
import { PushError } from './topic.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

interface Sent {
  event: string;
  id: string;
  resolve(reply: unknown): void;
  reject(error: PushError): void;
}

function outbox() {
  const sent: Sent[] = [];
  const box = new Outbox(
    (event, payload) =>
      new Promise((resolve, reject) => {
        sent.push({ event, id: (payload as { id: string }).id, resolve, reject });
      }),
  );
  return { box, sent };
}

const COMMITTED = { epoch: 1, seq: 5 };

test('what is pushed offline goes out when the room is joined, in order', () => {
  const { box, sent } = outbox();
  void box.push('chat_send', { text: 'a' });
  void box.push('hand_raise', {});
  expect(sent).toHaveLength(0);
  box.online();
  expect(sent.map((each) => each.event)).toEqual(['chat_send', 'hand_raise']);
});

test('an unanswered push goes out again after a reconnect under the same id', async () => {
  const { box, sent } = outbox();
  box.online();
  const done = box.push('chat_send', { text: 'a' });
  box.offline();
  box.online();
  expect(sent).toHaveLength(2);
  expect(sent[1]?.id).toBe(sent[0]?.id);
  sent[1]?.resolve(COMMITTED);
  await expect(done).resolves.toEqual(COMMITTED);
  box.online();
  expect(sent).toHaveLength(2);
});

test('a passing refusal is tried again after the time it asked for', async () => {
  const { box, sent } = outbox();
  box.online();
  void box.push('chat_send', { text: 'a' });
  sent[0]?.reject(new PushError('unavailable', 'moving', 300));
  await vi.advanceTimersByTimeAsync(299);
  expect(sent).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(sent).toHaveLength(2);
});

test('a final refusal is the answer', async () => {
  const { box, sent } = outbox();
  box.online();
  const done = box.push('member_kick', {});
  sent[0]?.reject(new PushError('forbidden'));
  await expect(done).rejects.toMatchObject({ reason: 'forbidden' });
});

test('a late answer to an earlier try of a rejected push does no harm', async () => {
  const { box, sent } = outbox();
  box.online();
  const done = box.push('rename', { name: 'x' });
  box.online();
  sent[1]?.resolve(COMMITTED);
  sent[0]?.reject(new PushError('timeout'));
  await expect(done).resolves.toEqual(COMMITTED);
  await vi.advanceTimersByTimeAsync(5000);
  expect(sent).toHaveLength(2);
});

test('a minute without the room is the end of it', async () => {
  const { box } = outbox();
  const done = expect(box.push('chat_send', { text: 'a' })).rejects.toMatchObject({ reason: 'timeout' });
  await vi.advanceTimersByTimeAsync(GIVE_UP_MS);
  await done;
});
