import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { FakeNode } from '../test/fakeNode.ts';

import { LogStream } from './logStream.ts';

const RECORD = { id: 1, at: 0, level: 'info', service: 'backend', message: 'started' };

let node: FakeNode;
let operator: boolean;
let asked: string[];

beforeEach(() => {
  node = new FakeNode();
  operator = true;
  asked = [];
  vi.stubGlobal(
    'fetch',
    vi.fn((path: string, { method, body }: RequestInit) => {
      asked.push(`${method ?? ''} ${path}`);
      if (path === '/api/session') {
        operator = (JSON.parse(body as string) as { token: string }).token === 'right';
        return Promise.resolve(operator ? new Response(null, { status: 204 }) : problem());
      }
      if (!operator) return Promise.resolve(problem());
      return Promise.resolve(Response.json({ records: [RECORD], next: 1, dropped: 0 }));
    }),
  );
  node.answer = (topic) => (topic === 'debug:logs' && !operator ? { error: { reason: 'unauthorized' } } : { ok: {} });
});

afterEach(() => {
  vi.useRealTimers();
  node.socket.disconnect();
});

function problem(): Response {
  return Response.json({ code: 'unauthorized' }, { status: 401 });
}

function open(filter = {}) {
  const stream = new LogStream(filter, () => node.socket);
  const stop = stream.subscribe(() => undefined);
  return { stream, stop, view: () => stream.getSnapshot() };
}

test('what is stored comes first, then what is live, each record once', async () => {
  const { view, stop } = open();
  await vi.waitFor(() => expect(view()).toMatchObject({ live: true, loading: false, records: [RECORD] }));
  node.say('debug:logs', 'logs', { records: [RECORD, { ...RECORD, id: 2 }], dropped: 3 });
  await vi.waitFor(() => expect(view().records.map(({ id }) => id)).toEqual([1, 2]));
  expect(view().dropped).toBe(3);
  stop();
});

test('what comes live is filtered as what is stored is', async () => {
  const { view, stop } = open({ service: 'frontend', text: 'loss' });
  await vi.waitFor(() => expect(view().live).toBe(true));
  const fields = { reason: 'Packet Loss' };
  node.say('debug:logs', 'logs', {
    records: [
      { ...RECORD, id: 2, service: 'frontend:media', fields },
      { ...RECORD, id: 3, fields },
    ],
    dropped: 0,
  });
  await vi.waitFor(() => expect(view().records.map(({ id }) => id)).toContain(2));
  expect(view().records.map(({ id }) => id)).not.toContain(3);
  stop();
});

test('without the topic it polls', async () => {
  vi.useFakeTimers();
  node.answer = () => ({ error: { reason: 'unmatched topic' } });
  const { stop } = open();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(asked.length).toBeGreaterThanOrEqual(4);
  stop();
  asked.length = 0;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(asked).toEqual([]);
});

test('whoever is no operator is told so, and nothing more is asked until a token is shown', async () => {
  vi.useFakeTimers();
  operator = false;
  const { stream, view, stop } = open();
  await vi.advanceTimersByTimeAsync(100);
  expect(view()).toMatchObject({ forbidden: true, loading: false, error: null });
  asked.length = 0;
  await vi.advanceTimersByTimeAsync(30_000);
  expect(asked).toEqual([]);

  await expect(stream.signIn('wrong')).rejects.toMatchObject({ status: 401 });
  expect(view().forbidden).toBe(true);
  await stream.signIn('right');
  await vi.advanceTimersByTimeAsync(100);
  expect(view()).toMatchObject({ forbidden: false, live: true, records: [RECORD] });
  stop();
});
