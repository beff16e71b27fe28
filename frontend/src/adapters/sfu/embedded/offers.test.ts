import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { OfferQueue } from './offers.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

interface Exchange {
  gen: number;
  iceRestart: boolean;
  answer(gen?: number): void;
  fail(reason?: string, retryAfterMs?: number): void;
}

function queue() {
  const exchanges: Exchange[] = [];
  const accepted: string[] = [];
  const broken = vi.fn();
  const offers = new OfferQueue({
    exchange: (gen, iceRestart) =>
      new Promise((resolve, reject) => {
        exchanges.push({
          gen,
          iceRestart,
          answer: (answered = gen) => resolve({ gen: answered, sdp: `answer-${answered}` }),
          fail: (reason, retryAfterMs) => reject(Object.assign(new Error('no'), { reason, retryAfterMs })),
        });
      }),
    accept: (sdp) => {
      accepted.push(sdp);
      return Promise.resolve();
    },
    broken,
  });
  return { offers, exchanges, accepted, broken };
}

const settle = () => vi.advanceTimersByTimeAsync(0);

test('one offer is under way, and any number of wishes meanwhile are one more', async () => {
  const { offers, exchanges, accepted } = queue();
  offers.request();
  offers.request();
  offers.request({ iceRestart: true });
  offers.request();
  await settle();
  expect(exchanges).toHaveLength(1);
  exchanges[0]?.answer();
  await settle();
  expect(exchanges.map(({ gen, iceRestart }) => [gen, iceRestart])).toEqual([
    [1, false],
    [2, true],
  ]);
  exchanges[1]?.answer();
  await settle();
  expect(accepted).toEqual(['answer-1', 'answer-2']);
  expect(offers.settled).toBe(true);
});

test('an answer of another generation is dropped', async () => {
  const { offers, exchanges, accepted } = queue();
  offers.request();
  exchanges[0]?.answer(7);
  await settle();
  expect(accepted).toEqual([]);
  expect(offers.settled).toBe(false);
});

test('a passing failure is tried again with the next generation, keeping the wish for a restart', async () => {
  const { offers, exchanges, broken } = queue();
  offers.request({ iceRestart: true });
  exchanges[0]?.fail('unavailable');
  await vi.advanceTimersByTimeAsync(1000);
  expect(exchanges.map(({ gen, iceRestart }) => [gen, iceRestart])).toEqual([
    [1, true],
    [2, true],
  ]);
  expect(broken).not.toHaveBeenCalled();
});

test('who is too fast waits as long as the node says', async () => {
  const { offers, exchanges, broken } = queue();
  offers.request();
  exchanges[0]?.fail('rate_limited', 700);
  await vi.advanceTimersByTimeAsync(699);
  expect(exchanges).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(exchanges).toHaveLength(2);
  expect(broken).not.toHaveBeenCalled();
});

test('without the topic it waits, and resumes when told', async () => {
  const { offers, exchanges } = queue();
  offers.request();
  exchanges[0]?.fail('not_joined');
  await vi.advanceTimersByTimeAsync(60_000);
  expect(exchanges).toHaveLength(1);
  offers.resume();
  expect(exchanges).toHaveLength(2);
});

test('resuming with nothing lost offers nothing', async () => {
  const { offers, exchanges } = queue();
  offers.request();
  exchanges[0]?.answer();
  await settle();
  offers.resume();
  expect(exchanges).toHaveLength(1);
});

test('a refusal, and failing five times, need another peer', async () => {
  const refused = queue();
  refused.offers.request();
  refused.exchanges[0]?.fail('invalid');
  await settle();
  expect(refused.broken).toHaveBeenCalledOnce();

  const tired = queue();
  tired.offers.request();
  for (let i = 0; i < 5; i += 1) {
    tired.exchanges[i]?.fail('timeout');
    await vi.advanceTimersByTimeAsync(5000);
  }
  expect(tired.broken).toHaveBeenCalledOnce();
  expect(tired.exchanges).toHaveLength(5);
});

test('a closed queue takes no answer', async () => {
  const { offers, exchanges, accepted } = queue();
  offers.request();
  offers.close();
  exchanges[0]?.answer();
  await settle();
  expect(accepted).toEqual([]);
});
