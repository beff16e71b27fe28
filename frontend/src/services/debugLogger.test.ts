import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { DebugLogger, type OutgoingRecord } from './debugLogger.ts';

const sent: OutgoingRecord[][] = [];
let answer: () => Promise<Response>;

beforeEach(() => {
  vi.useFakeTimers();
  sent.length = 0;
  answer = () => Promise.resolve(new Response('{}'));
  vi.stubGlobal(
    'fetch',
    vi.fn((_url: string, init: RequestInit) => {
      sent.push((JSON.parse(init.body as string) as { records: OutgoingRecord[] }).records);
      return answer();
    }),
  );
});

afterEach(() => vi.useRealTimers());

test('records wait two seconds for company', async () => {
  const logger = new DebugLogger();
  logger.info('one');
  logger.warn('two', { n: 2 });
  expect(sent).toHaveLength(0);
  await vi.advanceTimersByTimeAsync(2000);
  expect(sent.map((batch) => batch.map(({ level, message }) => [level, message]))).toEqual([
    [
      ['info', 'one'],
      ['warn', 'two'],
    ],
  ]);
});

test('twenty records go at once', () => {
  const logger = new DebugLogger();
  for (let i = 0; i < 20; i += 1) logger.debug(`${i}`);
  expect(sent[0]).toHaveLength(20);
});

test('what could not be sent is sent later, in order, and never grows without bound', async () => {
  answer = () => Promise.reject(new TypeError('offline'));
  const logger = new DebugLogger();
  for (let i = 0; i < 900; i += 1) logger.info(`${i}`);
  await vi.advanceTimersByTimeAsync(2000);
  sent.length = 0;
  answer = () => Promise.resolve(new Response('{}'));
  await vi.advanceTimersByTimeAsync(60_000);
  const messages = sent.flat().map((record) => Number(record.message));
  expect(messages.length).toBeLessThanOrEqual(500);
  expect(messages.at(-1)).toBe(899);
  expect(messages).toEqual([...messages].sort((a, b) => a - b));
});

test('a request stays below what the door takes, counted in bytes and in any script', async () => {
  answer = () => Promise.reject(new TypeError('offline'));
  const logger = new DebugLogger();
  const encoder = new TextEncoder();
  for (let i = 0; i < 300; i += 1) logger.info('щ'.repeat(1000), { text: 'щ'.repeat(2400) });
  await vi.advanceTimersByTimeAsync(2000);
  sent.length = 0;
  answer = () => Promise.resolve(new Response('{}'));
  await vi.advanceTimersByTimeAsync(60_000);
  expect(sent.flat()).toHaveLength(300);
  for (const records of sent) expect(encoder.encode(JSON.stringify({ records })).length).toBeLessThan(256 * 1024);
  for (const record of sent.flat()) expect(encoder.encode(JSON.stringify(record)).length).toBeLessThan(8192);
});

test('a refused batch is not tried again', async () => {
  answer = () => Promise.resolve(new Response('', { status: 400 }));
  const logger = new DebugLogger();
  logger.info('one');
  await vi.advanceTimersByTimeAsync(20_000);
  expect(sent).toHaveLength(1);
});

test('nothing that is logged can make it throw', async () => {
  const circular: Record<string, unknown> = {};
  circular['self'] = circular;
  const logger = new DebugLogger();
  logger.error('circular', circular);
  logger.error('big', { big: 'x'.repeat(100_000) });
  logger.error('y'.repeat(100_000));
  await vi.advanceTimersByTimeAsync(2000);
  for (const record of sent.flat()) expect(JSON.stringify(record).length).toBeLessThan(8192);
});

test('a page that goes away leaves its records in a beacon', () => {
  const beacon = vi.fn((_url: string, _body: Blob) => true);
  vi.stubGlobal('navigator', { sendBeacon: beacon });
  const logger = new DebugLogger();
  logger.info('last words');
  globalThis.dispatchEvent(new Event('pagehide'));
  expect(beacon.mock.calls.map(([url]) => url)).toContain('/debug/api/logs');
});
