import { cleanup, fireEvent, screen, waitFor } from '@testing-library/react';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { startI18n } from '../i18n/index.ts';
import { preferences } from '../services/preferences.ts';
import { FakeHttp, problem } from '../test/fakeHttp.ts';
import { visit } from '../test/pages.tsx';

const ID = '0123456789abcdefghjkmnpqrs';
const STATUS = {
  node: 'a',
  version: '0.1.0',
  state: 'ready',
  uptime_ms: 1000,
  services: [],
  sfu: { provider: 'embedded', status: 'ok' },
  rooms: 0,
  connections: 0,
};

let http: FakeHttp;
let address: () => string;

beforeAll(() => startI18n('en'));
beforeEach(() => {
  http = new FakeHttp({
    'GET /api/status': () => Response.json(STATUS),
    'POST /api/rooms': () =>
      Response.json({ id: ID, participant_id: 'anna000000000', token: 'host-token' }, { status: 201 }),
  });
});
afterEach(cleanup);

/** The page's own parts come in a later turn of the router. */
async function open() {
  address = visit('/');
  return { create: await screen.findByTestId('create-room'), link: screen.getByTestId('join-link') };
}

function type(field: HTMLElement, text: string) {
  fireEvent.change(field, { target: { value: text } });
}

describe('a new room', () => {
  it('is one press, and whoever made it comes in as its host', async () => {
    const { create } = await open();
    fireEvent.click(create);
    expect(await screen.findByText(`In the room ${ID}`)).toBeDefined();
    expect(address()).toBe(`/rooms/${ID}`);
    expect(http.heard('POST /api/rooms').map(({ body }) => body)).toEqual([{}]);
    expect(preferences.identity(ID)).toEqual({ token: 'host-token', participantId: 'anna000000000' });
  });

  it('takes along the name and password that were typed, and the name of whoever makes it', async () => {
    preferences.name = 'Anna';
    const { create } = await open();
    type(screen.getByLabelText(/Name of the room/), '  Standup ');
    type(screen.getByLabelText(/Password/), ' with spaces ');
    fireEvent.click(create);
    await screen.findByText(`In the room ${ID}`);
    expect(http.heard('POST /api/rooms')[0]?.body).toEqual({
      name: 'Standup',
      password: ' with spaces ',
      host_name: 'Anna',
    });
  });

  it('is one room however often the button is pressed', async () => {
    let answer: (response: Response) => void = () => undefined;
    http.answers['POST /api/rooms'] = () => new Promise((resolve) => (answer = resolve));
    const { create } = await open();
    fireEvent.click(create);
    await screen.findByText('Opening the room');
    fireEvent.click(create);
    fireEvent.click(create);
    answer(Response.json({ id: ID, participant_id: 'anna000000000', token: 'host-token' }, { status: 201 }));
    await screen.findByText(`In the room ${ID}`);
    expect(http.heard('POST /api/rooms')).toHaveLength(1);
  });

  it.each([
    ['too many tries', () => problem(429, 'rate_limited'), 'Wait a minute'],
    ['a node that is leaving', () => problem(503, 'unavailable', { retry_after_ms: 1000 }), 'is busy right now'],
    ['anything else, by its number', () => problem(500, 'internal'), 'tell its operator this number: r-7'],
    ['an answer that says nothing', () => new Response('oops', { status: 400 }), 'Something went wrong'],
    ['no network', () => Promise.reject(new TypeError('failed to fetch')), 'Check the network'],
    ['no answer in time', () => Promise.reject(new DOMException('', 'TimeoutError')), 'took too long'],
  ])('that is refused says what to do: %s', async (_, refusal, words) => {
    http.answers['POST /api/rooms'] = refusal;
    const { create } = await open();
    fireEvent.click(create);
    const alert = await screen.findByRole('alert');
    expect(alert.textContent).toContain('The room was not opened.');
    expect(alert.textContent).toContain(words);
    expect(address()).toBe('/');
    expect(preferences.identity(ID)).toEqual({});
  });

  it('that was refused can be tried again', async () => {
    const right = http.answers['POST /api/rooms'];
    http.answers['POST /api/rooms'] = () => problem(503, 'unavailable');
    const { create } = await open();
    fireEvent.click(create);
    await screen.findByRole('alert');
    if (right !== undefined) http.answers['POST /api/rooms'] = right;
    fireEvent.click(create);
    await screen.findByText(`In the room ${ID}`);
  });
});

describe('joining', () => {
  it.each([
    ['a link', `https://rooms.example/rooms/${ID}`],
    ['a link inside a sentence', `We meet at https://rooms.example/rooms/${ID}, see you`],
    ['an id', ID],
    ['an id as someone wrote it down', `  ${ID.toUpperCase()} `],
  ])('works by %s, and asks the server for nothing before', async (_, pasted) => {
    const { link } = await open();
    type(link, pasted);
    fireEvent.submit(link);
    await screen.findByText(`In the room ${ID}`);
    expect(http.asked.filter(({ what }) => what !== 'GET /api/status')).toEqual([]);
  });

  it.each(['my room', ID.slice(1), `${ID}0`, 'https://rooms.example/'])('by %j says what is wrong', async (pasted) => {
    const { link } = await open();
    type(link, pasted);
    fireEvent.submit(link);
    expect((await screen.findByRole('alert')).textContent).toContain('neither a link to a room nor its id');
    expect(address()).toBe('/');
    expect(link.getAttribute('aria-invalid')).toBe('true');
  });
});

describe('recent rooms', () => {
  it('lead back, and one that is forgotten is forgotten by the browser', async () => {
    preferences.rememberRoom('b'.repeat(26), 'Planning');
    preferences.rememberRoom(ID, 'Standup');
    await open();
    fireEvent.click(screen.getByRole('button', { name: 'Forget the room “Planning”' }));
    expect(screen.queryByText('Planning')).toBeNull();
    expect(preferences.recentRooms.map(({ name }) => name)).toEqual(['Standup']);
    fireEvent.click(screen.getByRole('link', { name: /Standup/ }));
    await screen.findByText(`In the room ${ID}`);
  });
});

describe('the foot', () => {
  it('says what serves the page, and opens what there is to know', async () => {
    await open();
    fireEvent.click(await screen.findByRole('button', { name: /a, version 0.1.0/ }));
    expect(await screen.findByRole('dialog', { name: 'This server' })).toBeDefined();
  });

  it('says so when nothing does', async () => {
    http.answers['GET /api/status'] = () => Promise.reject(new TypeError('failed to fetch'));
    await open();
    await waitFor(() => expect(screen.getByText('The server does not answer')).toBeDefined());
  });
});
