import { act, cleanup, fireEvent, screen, waitFor, within } from '@testing-library/react';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

import { startI18n } from '../i18n/index.ts';
import { FakeHttp, problem } from '../test/fakeHttp.ts';
import { FakeNode } from '../test/fakeNode.ts';
import { visit } from '../test/pages.tsx';

const socket = vi.hoisted(() => ({ get: vi.fn(), reconnect: vi.fn() }));
vi.mock('../services/socket.ts', () => ({ getSocket: socket.get, reconnectSocket: socket.reconnect }));

const FAR = { id: 1, at: 1000, level: 'info', service: 'backend', message: 'listening' };
const LOSS = { id: 2, at: 2000, level: 'warn', service: 'media', message: 'loss', fields: { share: 0.2 } };

let http: FakeHttp;
let node: FakeNode;
let address: () => string;
/** What the server takes the browser for. */
let operator: boolean;
/** In development the log is open to all. */
let openToAll: boolean;

beforeAll(() => startI18n('en'));
beforeEach(() => {
  [operator, openToAll] = [false, true];
  node = new FakeNode();
  node.answer = () => (mayRead() ? { ok: {} } : { error: { reason: 'unauthorized' } });
  socket.get.mockReturnValue(node.socket);
  socket.reconnect.mockClear();
  http = new FakeHttp({
    'GET /debug/api/logs': () =>
      mayRead() ? Response.json({ records: [FAR, LOSS], next: 2, dropped: 0 }) : problem(401, 'unauthorized'),
    'GET /api/session': () => Response.json({ operator }),
    'POST /api/session': ({ body }) => {
      operator = (body as { token: string }).token === 'right';
      return operator ? new Response(null, { status: 204 }) : problem(401, 'unauthorized');
    },
    'DELETE /api/session': () => {
      operator = false;
      return new Response(null, { status: 204 });
    },
  });
});
afterEach(() => {
  cleanup();
  node.socket.disconnect();
});

const mayRead = () => operator || openToAll;
const lines = () => screen.queryAllByTestId('log-record').map((line) => line.textContent);
const asked = () => http.heard('GET /debug/api/logs').map(({ query }) => query);

async function open(path = '/logs') {
  address = visit(path);
  await screen.findByText('Live');
}

/** Records come while the page is open. */
function write(...records: object[]) {
  act(() => node.say('debug:logs', 'logs', { records, dropped: 0 }));
}

/** What jsdom does not lay out: a list of 1000 px in a window of 200 px. */
function tall() {
  const list = screen.getByRole('list', { name: 'Log records' }).parentElement;
  if (list === null) throw new Error('the list stands in nothing');
  Object.defineProperties(list, { scrollHeight: { value: 1000 }, clientHeight: { value: 200 } });
  return {
    top: () => list.scrollTop,
    scrollTo: (top: number) => {
      list.scrollTop = top;
      fireEvent.scroll(list);
    },
  };
}

describe('following', () => {
  it('shows what is stored and then what comes, each record once', async () => {
    await open();
    await waitFor(() => expect(lines()).toHaveLength(2));
    write(LOSS, { ...FAR, id: 3, message: 'draining' });
    await waitFor(() => expect(lines().map((line) => line.slice(12))).toHaveLength(3));
    expect(lines()[1]).toContain('loss share=0.2');
    expect(lines()[2]).toContain('draining');
  });

  it('stays at the newest record, but leaves a reader who went back where they are', async () => {
    await open();
    await waitFor(() => expect(lines()).toHaveLength(2));
    const list = tall();
    write({ ...FAR, id: 3 });
    await waitFor(() => expect(list.top()).toBe(1000));
    list.scrollTo(300);
    write({ ...FAR, id: 4 });
    await waitFor(() => expect(lines()).toHaveLength(4));
    expect(list.top()).toBe(300);
    list.scrollTo(790);
    write({ ...FAR, id: 5 });
    await waitFor(() => expect(list.top()).toBe(1000));
  });

  it('can be paused: the lines stand, the others are counted, and going on shows them', async () => {
    await open();
    await waitFor(() => expect(lines()).toHaveLength(2));
    fireEvent.click(screen.getByRole('button', { name: 'Pause' }));
    write({ ...FAR, id: 3 }, { ...FAR, id: 4 });
    await screen.findByText('Paused, 2 new records');
    expect(lines()).toHaveLength(2);
    fireEvent.click(screen.getByRole('button', { name: 'Resume' }));
    expect(lines()).toHaveLength(4);
    expect(screen.getByText('Live')).toBeDefined();
  });

  it('says when the log does not answer, and keeps what was read', async () => {
    await open();
    await waitFor(() => expect(lines()).toHaveLength(2));
    http.answers['GET /debug/api/logs'] = () => problem(503, 'unavailable');
    node.kill();
    await screen.findByText('The log does not answer.', undefined, { timeout: 10_000 });
    expect(lines()).toHaveLength(2);
    expect(screen.queryByText('Live')).toBeNull();
  }, 15_000);
});

describe('filters', () => {
  it('are the address, and the log is asked by them', async () => {
    await open('/logs?level=warn&service=media&text=loss&level2=x');
    expect(asked()[0]).toMatchObject({ level: 'warn', service: 'media', text: 'loss' });
    expect(screen.getByRole('button', { name: 'Remove the filter Level warn' })).toBeDefined();
    expect(screen.getByTestId<HTMLInputElement>('log-search').value).toBe('loss');
  });

  it('that make no sense are none', async () => {
    await open('/logs?level=loud');
    expect(asked()[0]).not.toHaveProperty('level');
    expect(screen.queryByRole('button', { name: /Remove the filter/ })).toBeNull();
  });

  it('hold for what comes live', async () => {
    await open('/logs?level=warn');
    await waitFor(() => expect(lines()).toHaveLength(2));
    write({ ...FAR, id: 3 }, { ...LOSS, id: 4 });
    await waitFor(() => expect(lines()).toHaveLength(3));
    expect(lines()[2]).toContain('loss');
  });

  it('come off one by one, or all at once', async () => {
    await open('/logs?level=warn&service=media&text=loss');
    fireEvent.click(screen.getByRole('button', { name: 'Remove the filter Service media' }));
    await waitFor(() => expect(address()).toBe('/logs?level=warn&text=loss'));
    expect(asked().at(-1)).not.toHaveProperty('service');
    fireEvent.click(screen.getByRole('button', { name: 'Clear the filters' }));
    await waitFor(() => expect(address()).toBe('/logs'));
    await waitFor(() => expect(asked().at(-1)).toEqual({ limit: '500' }));
    expect(screen.getByTestId<HTMLInputElement>('log-search').value).toBe('');
  });

  it('are set by a press on what a record says', async () => {
    await open();
    await waitFor(() => expect(lines()).toHaveLength(2));
    fireEvent.click(screen.getAllByTestId('log-record')[1] as HTMLElement);
    const detail = within(screen.getByTestId('log-detail'));
    expect(detail.getByText('0.2')).toBeDefined();
    fireEvent.click(detail.getByRole('button', { name: 'media' }));
    await waitFor(() => expect(address()).toBe('/logs?service=media'));
    fireEvent.click(detail.getByRole('button', { name: 'Close' }));
    expect(screen.queryByTestId('log-detail')).toBeNull();
  });

  it('end a pause: the lines that stood are not what was asked for', async () => {
    await open();
    await waitFor(() => expect(lines()).toHaveLength(2));
    fireEvent.click(screen.getByRole('button', { name: 'Pause' }));
    http.answers['GET /debug/api/logs'] = () => Response.json({ records: [LOSS], next: 2, dropped: 0 });
    fireEvent.change(screen.getByTestId('log-search'), { target: { value: 'loss' } });
    await waitFor(() => expect(lines()).toHaveLength(1));
    expect(screen.getByRole('button', { name: 'Pause' })).toBeDefined();
  });

  it('that fit nothing say so', async () => {
    http.answers['GET /debug/api/logs'] = () => Response.json({ records: [], next: null, dropped: 7 });
    await open('/logs?text=nothing');
    expect(await screen.findByText('No records fit these filters.')).toBeDefined();
    expect(screen.getByText(/7 records were dropped/)).toBeDefined();
  });
});

describe('the operator', () => {
  async function gate() {
    openToAll = false;
    address = visit('/logs');
    return await screen.findByTestId('operator-token');
  }

  function show(token: string) {
    const field = screen.getByTestId('operator-token');
    fireEvent.change(field, { target: { value: token } });
    fireEvent.submit(field);
  }

  it('is asked for a token, which no one can read over the shoulder', async () => {
    const field = await gate();
    expect(field.getAttribute('type')).toBe('password');
    expect(screen.getByText('videorooms operator token')).toBeDefined();
    expect(screen.queryByTestId('log-pause')).toBeNull();
    fireEvent.submit(field);
    expect((await screen.findByRole('alert')).textContent).toContain('Paste the token');
    expect(http.heard('POST /api/session')).toEqual([]);
  });

  it('is told when the token is not good, and comes in with one that is', async () => {
    await gate();
    show('wrong');
    expect((await screen.findByRole('alert')).textContent).toContain('does not take this token');
    show(' right ');
    await waitFor(() => expect(lines()).toHaveLength(2));
    expect(http.heard('POST /api/session').map(({ body }) => body)).toEqual([{ token: 'wrong' }, { token: 'right' }]);
    expect(socket.reconnect).toHaveBeenCalledOnce();
  });

  it('is told when the server could not look at it', async () => {
    await gate();
    http.answers['POST /api/session'] = () => problem(429, 'rate_limited');
    show('right');
    expect((await screen.findByRole('alert')).textContent).toContain('Wait a minute');
  });

  it('signs out: the records are gone from the screen, and the log is closed again', async () => {
    await gate();
    show('right');
    fireEvent.click(await screen.findByRole('button', { name: 'Sign out' }));
    await screen.findByTestId('operator-gate');
    expect(http.heard('DELETE /api/session')).toHaveLength(1);
    expect(lines()).toEqual([]);
    expect(socket.reconnect).toHaveBeenCalledTimes(2);
  });

  it('who could not be signed out is told so', async () => {
    await gate();
    show('right');
    http.answers['DELETE /api/session'] = () => Promise.reject(new TypeError('failed to fetch'));
    fireEvent.click(await screen.findByRole('button', { name: 'Sign out' }));
    expect((await screen.findByRole('alert')).textContent).toContain('You are still signed in.');
    expect(lines()).toHaveLength(2);
  });

  it('has nothing to sign out of where the log is open to all', async () => {
    await open();
    await waitFor(() => expect(lines()).toHaveLength(2));
    await waitFor(() => expect(http.heard('GET /api/session')).toHaveLength(1));
    expect(screen.queryByRole('button', { name: 'Sign out' })).toBeNull();
  });
});
