import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { FakeAdapter } from '../adapters/sfu/fakeAdapter.ts';
import type { JoinIntent } from '../types/roomHandle.ts';
import { FakeDevices } from '../test/fakeMedia.ts';
import { FakeNode } from '../test/fakeNode.ts';
import { ANNA, BORIS, durable, ROOM, wireJoin, wireMember, wireSnapshot } from '../test/wire.ts';

import { ApiError } from './api.ts';
import { Preferences } from './preferences.ts';
import type { Snapshot } from './protocol.ts';
import { RoomSession } from './roomSession.ts';

const TOPIC = `room:${ROOM}`;
const INTENT: JoinIntent = { name: 'anna', microphone: true, camera: false, microphoneId: null, cameraId: null };

let node: FakeNode;
let devices: FakeDevices;
let adapters: FakeAdapter[];
let sessions: RoomSession[];
const chime = vi.fn();

beforeEach(() => {
  node = new FakeNode();
  devices = new FakeDevices();
  adapters = [];
  sessions = [];
  chime.mockClear();
  node.answer = (_topic, event) => (event === 'phx_join' ? { ok: wireJoin() } : { ok: { epoch: 1, seq: 11 } });
  vi.stubGlobal(
    'fetch',
    vi.fn(() => Promise.resolve(new Response('{}'))),
  );
});

afterEach(() => {
  sessions.forEach((session) => session.dispose());
  node.socket.disconnect();
});

function enter(
  intent: Partial<JoinIntent> = {},
  joinRoom = () => Promise.resolve({ participant_id: ANNA, token: 'fresh' }),
) {
  const session = new RoomSession(
    ROOM,
    { ...INTENT, ...intent },
    {
      socket: () => node.socket,
      createAdapter: () => {
        const adapter = new FakeAdapter();
        adapters.push(adapter);
        return Promise.resolve(adapter);
      },
      devices,
      preferences: new Preferences(),
      joinRoom,
      chime,
    },
  );
  sessions.push(session);
  session.start();
  return session;
}

async function inside(intent: Partial<JoinIntent> = {}) {
  const session = enter(intent);
  await connection(session, 'connected');
  await vi.waitFor(() => expect(devices.acquired.length).toBe(intent.microphone === false ? 0 : 1));
  return session;
}

function connection(session: RoomSession, phase: string) {
  return vi.waitFor(() => expect(session.getSnapshot().connection).toBe(phase));
}

test('it asks for a token, joins, and publishes what was chosen', async () => {
  const session = await inside();
  expect(node.heard('phx_join')).toEqual([{ token: 'fresh' }]);
  expect(session.getSnapshot()).toMatchObject({
    room: { name: 'Standup' },
    node: 'a@1',
    me: { participantId: ANNA },
    local: { microphone: true, camera: false },
  });
  expect(session.getSnapshot().tiles).toMatchObject([{ key: ANNA, local: true, microphoneOn: true, audio: null }]);
  await vi.waitFor(() =>
    expect(node.heard('media').at(-1)).toEqual({ microphone: true, camera: false, screen: false }),
  );
});

test('the view is the same object until something changes', async () => {
  const session = await inside();
  await vi.waitFor(() => expect(session.getSnapshot()).toBe(session.getSnapshot()));
  const before = session.getSnapshot();
  node.say(TOPIC, 'hand_raised', durable(11, { participant_id: ANNA }));
  await vi.waitFor(() => expect(session.getSnapshot()).not.toBe(before));
  expect(session.getSnapshot().hands).toEqual([ANNA]);
});

test('a hand raised to a host is heard, unless the sounds are off', async () => {
  node.answer = (_topic, event) =>
    event === 'phx_join'
      ? {
          ok: wireJoin({ snapshot: wireSnapshot([wireMember(ANNA, { role: 'host' }), wireMember(BORIS)]) as Snapshot }),
        }
      : { ok: { epoch: 1, seq: 11 } };
  const session = await inside();
  node.say(TOPIC, 'hand_raised', durable(11, { participant_id: BORIS }));
  await vi.waitFor(() => expect(chime).toHaveBeenCalledOnce());
  session.actions.toggleSounds();
  await vi.waitFor(() => expect(session.getSnapshot().sounds).toBe(false));
  node.say(TOPIC, 'hand_raised', durable(12, { participant_id: BORIS }));
  await vi.waitFor(() => expect(session.getSnapshot().notices).toHaveLength(2));
  expect(chime).toHaveBeenCalledOnce();
});

test('a hand raised beside a participant makes no sound', async () => {
  const session = await inside();
  node.say(TOPIC, 'hand_raised', durable(11, { participant_id: BORIS }));
  await vi.waitFor(() => expect(session.getSnapshot().notices).toHaveLength(1));
  expect(chime).not.toHaveBeenCalled();
});

test('a token of creation is used before any is asked for', async () => {
  new Preferences().rememberToken(ROOM, 'host-token');
  const joinRoom = vi.fn();
  const session = enter({}, joinRoom);
  await connection(session, 'connected');
  expect(node.heard('phx_join')).toEqual([{ token: 'host-token' }]);
  expect(joinRoom).not.toHaveBeenCalled();
});

test('after the node was killed and is back, it resumes as the same participant with what it has seen', async () => {
  const session = await inside();
  node.kill();
  await connection(session, 'reconnecting');
  await session.actions.toggleMicrophone();
  node.restart();
  node.answer = (_topic, event) =>
    event === 'phx_join'
      ? { ok: wireJoin({ epoch: 2, resume: undefined, snapshot: undefined, events: [] }) }
      : { ok: {} };
  await connection(session, 'connected');
  expect(node.heard('phx_join').at(-1)).toEqual({
    resume: expect.stringContaining(ANNA) as string,
    since: { epoch: 1, seq: 10 },
  });
  await vi.waitFor(() =>
    expect(node.heard('media').at(-1)).toEqual({ microphone: false, camera: false, screen: false }),
  );
  expect(devices.acquired).toHaveLength(1);
  expect(devices.live).toEqual([]);
});

test('what others did with their devices and connections while the page was away is right at once', async () => {
  const others = (change: object) => [wireMember(ANNA), wireMember(BORIS, change)];
  const talking = { microphone: true, camera: true, screen: false };
  node.answer = (_topic, event) =>
    event === 'phx_join'
      ? { ok: wireJoin({ snapshot: wireSnapshot(others({ media: talking })) as Snapshot }) }
      : { ok: {} };
  const session = await inside();
  const boris = () => session.getSnapshot().tiles.find((tile) => tile.participantId === BORIS);
  expect(boris()).toMatchObject({ microphoneOn: true, state: 'connected' });
  node.kill();
  await connection(session, 'reconnecting');
  const muted = { ...talking, microphone: false };
  node.answer = (_topic, event) =>
    event === 'phx_join'
      ? {
          ok: wireJoin({
            snapshot: undefined,
            events: [],
            live: [{ participant_id: BORIS, state: 'reconnecting', media: muted }],
          }),
        }
      : { ok: {} };
  node.restart();
  await connection(session, 'connected');
  expect(boris()).toMatchObject({ microphoneOn: false, cameraOn: true, state: 'reconnecting' });
});

test('a message written while the node is away is sent once it is back, and stands once', async () => {
  const session = await inside();
  node.kill();
  await connection(session, 'reconnecting');
  session.actions.sendChat('are you there?');
  await vi.waitFor(() =>
    expect(session.getSnapshot().chat).toMatchObject([{ text: 'are you there?', status: 'sending' }]),
  );
  node.restart();
  await vi.waitFor(() => expect(node.heard('chat_send')).toHaveLength(1));
  const [{ id, text }] = node.heard('chat_send') as [{ id: string; text: string }];
  node.say(TOPIC, 'chat_message', durable(11, { id, from: ANNA, name: 'anna', text }));
  await vi.waitFor(() => expect(session.getSnapshot().chat).toMatchObject([{ id, status: 'sent' }]));
});

test('missing events are made good by a snapshot', async () => {
  const session = await inside();
  node.answer = (_topic, event) =>
    event === 'snapshot'
      ? { ok: { epoch: 1, seq: 14, snapshot: wireSnapshot([wireMember(ANNA), wireMember(BORIS)]) } }
      : { ok: {} };
  node.say(TOPIC, 'hand_raised', durable(14, { participant_id: BORIS }));
  await vi.waitFor(() => expect(session.getSnapshot().members).toHaveLength(2));
  expect(node.heard('snapshot')).toHaveLength(1);
});

test('a snapshot that was overtaken on its way does not end the asking for one', async () => {
  const session = await inside();
  const answers = [
    { epoch: 1, seq: 11, snapshot: wireSnapshot() },
    { epoch: 2, seq: 12, snapshot: wireSnapshot([wireMember(ANNA), wireMember(BORIS)]) },
  ];
  node.answer = (_topic, event) => ({ ok: event === 'snapshot' ? (answers.shift() ?? {}) : {} });
  node.say(TOPIC, 'room_resumed', { epoch: 2, seq: 12, node: 'b@1' });
  await vi.waitFor(() => expect(session.getSnapshot().members).toHaveLength(2), { timeout: 5000 });
  expect(answers).toEqual([]);
});

test('a room that comes back with an older state than was seen is taken as it is', async () => {
  const session = await inside();
  node.answer = (_topic, event) =>
    event === 'phx_join'
      ? {
          ok: wireJoin({ epoch: 1, seq: 4, snapshot: wireSnapshot([wireMember(ANNA), wireMember(BORIS)]) as Snapshot }),
        }
      : { ok: {} };
  node.kill();
  await connection(session, 'reconnecting');
  node.restart();
  await connection(session, 'connected');
  expect(session.getSnapshot().members).toHaveLength(2);
  node.say(TOPIC, 'hand_raised', durable(5, { participant_id: BORIS }));
  await vi.waitFor(() => expect(session.getSnapshot().hands).toEqual([BORIS]));
});

test('a moderator’s mute switches off here, and the own press lifts it before it switches on', async () => {
  const session = await inside();
  node.say(TOPIC, 'member_muted', durable(11, { participant_id: ANNA, source: 'microphone', by: BORIS }));
  await vi.waitFor(() => expect(devices.live).toEqual([]));
  expect(session.getSnapshot().local.microphone).toBe(false);
  node.say(TOPIC, 'member_unmuted', durable(12, { participant_id: ANNA, source: 'microphone', by: BORIS }));
  await vi.waitFor(() => expect(session.getSnapshot().me?.mutedByModerator).toEqual([]));
  expect(devices.live).toEqual([]);
  node.say(TOPIC, 'member_muted', durable(13, { participant_id: ANNA, source: 'microphone', by: BORIS }));
  await vi.waitFor(() => expect(session.getSnapshot().me?.mutedByModerator).toEqual(['microphone']));
  await session.actions.toggleMicrophone();
  expect(node.heard('member_unmute')).toMatchObject([{ source: 'microphone' }]);
  expect(devices.live).toEqual(['microphone']);
});

test('a refused lift leaves the microphone off and says who is in the way', async () => {
  const session = await inside({ microphone: false });
  node.say(TOPIC, 'member_muted', durable(11, { participant_id: ANNA, source: 'microphone', by: BORIS }));
  await vi.waitFor(() => expect(session.getSnapshot().me?.mutedByModerator).toEqual(['microphone']));
  node.answer = () => ({ error: { reason: 'forbidden' } });
  await session.actions.toggleMicrophone();
  expect(devices.acquired).toEqual([]);
  await vi.waitFor(() =>
    expect(session.getSnapshot().local.problem).toEqual({ source: 'microphone', cause: 'not_allowed_by_moderator' }),
  );
});

test('a reload comes back as the same participant with the devices as they were, not as the lobby says', async () => {
  const first = await inside();
  await first.actions.toggleMicrophone();
  first.dispose();
  node.received.length = 0;
  const second = enter({ microphone: true, camera: true });
  await connection(second, 'connected');
  expect(node.heard('phx_join')[0]).toHaveProperty('resume');
  expect(second.getSnapshot().local).toMatchObject({ microphone: false, camera: false });
  expect(devices.acquired).toHaveLength(1);
});

test('a reload with everything off stays with everything off', async () => {
  const first = await inside({ microphone: false });
  first.dispose();
  const second = enter({ microphone: true, camera: true });
  await connection(second, 'connected');
  expect(second.getSnapshot().local).toMatchObject({ microphone: false, camera: false });
  expect(devices.acquired).toEqual([]);
});

test('a resume secret that is worth nothing any more is given up for a new identity, once', async () => {
  new Preferences().rememberResume(ROOM, ANNA, 'old');
  node.answer = (_topic, event, payload) =>
    event !== 'phx_join'
      ? { ok: {} }
      : 'resume' in payload
        ? { error: { reason: 'unauthorized' } }
        : { ok: wireJoin() };
  await inside();
  expect(node.heard('phx_join')).toEqual([{ resume: 'old' }, { token: 'fresh' }]);
});

test('a fresh resume secret takes the place of the one before', async () => {
  const session = await inside();
  node.say(TOPIC, 'resume', { resume: `${ANNA}.fresh` });
  await vi.waitFor(() => expect(new Preferences().identity(ROOM).resume).toBe(`${ANNA}.fresh`));
  node.kill();
  await connection(session, 'reconnecting');
  node.restart();
  await connection(session, 'connected');
  expect(node.heard('phx_join').at(-1)).toHaveProperty('resume', `${ANNA}.fresh`);
});

test('who was removed while away ends, and does not come in as someone new', async () => {
  new Preferences().rememberResume(ROOM, ANNA, 'old');
  node.answer = () => ({ error: { reason: 'kicked' } });
  const session = enter();
  await connection(session, 'ended');
  expect(node.heard('phx_join')).toEqual([{ resume: 'old' }]);
});

test('who finds its place taken keeps what it may come back by', async () => {
  new Preferences().rememberResume(ROOM, ANNA, 'old');
  node.answer = () => ({ error: { reason: 'full' } });
  const session = enter();
  await connection(session, 'ended');
  expect(session.getSnapshot().ended?.reason).toBe('full');
  expect(new Preferences().identity(ROOM).resume).toBe('old');
});

test.each(['unauthorized', 'not_joined'])(
  'a place given up meanwhile (%s) takes a press to come back to',
  async (reason) => {
    const joinRoom = vi.fn(() => Promise.resolve({ participant_id: ANNA, token: 'fresh' }));
    const session = enter({}, joinRoom);
    await connection(session, 'connected');
    await vi.waitFor(() => expect(devices.live).toEqual(['microphone']));
    node.kill();
    await connection(session, 'reconnecting');
    node.answer = () => ({ error: { reason } });
    node.restart();
    await connection(session, 'ended');
    expect(session.getSnapshot()).toMatchObject({
      ended: { reason: 'lapsed' },
      local: { microphone: true, camera: false },
    });
    expect(joinRoom).toHaveBeenCalledOnce();
    expect(devices.live).toEqual([]);
  },
);

test('a reload that comes too late asks for no new identity by itself', async () => {
  new Preferences().rememberResume(ROOM, ANNA, 'old');
  node.answer = () => ({ error: { reason: 'not_joined' } });
  const joinRoom = vi.fn();
  const session = enter({ returning: true }, joinRoom);
  await connection(session, 'ended');
  expect(session.getSnapshot().ended?.reason).toBe('lapsed');
  expect(joinRoom).not.toHaveBeenCalled();
  expect(devices.acquired).toEqual([]);
});

test('someone removed while away is told so, and does not come back by itself', async () => {
  const session = await inside();
  node.kill();
  await connection(session, 'reconnecting');
  node.answer = () => ({ error: { reason: 'kicked' } });
  node.restart();
  await connection(session, 'ended');
  expect(session.getSnapshot().ended?.reason).toBe('kicked');
  expect(devices.live).toEqual([]);
});

test('media that falters, is lost or is elsewhere is told apart from the room’s connection', async () => {
  const session = await inside();
  const [adapter] = adapters;
  const media = (phase: string) => vi.waitFor(() => expect(session.getSnapshot().media).toBe(phase));
  await media('connected');
  adapter?.become('reconnecting');
  await media('restoring');
  adapter?.become('connected');
  await media('connected');
  adapter?.become('replaced');
  await media('replaced');
  session.actions.takeMediaBack();
  await media('connected');
  expect(session.getSnapshot().connection).toBe('connected');
});

test.each(['expired', 'closed'] as const)(
  'media that is %s gets a new grant by joining the room anew',
  async (state) => {
    const session = await inside();
    await vi.waitFor(() => expect(session.getSnapshot().media).toBe('connected'));
    adapters[0]?.become(state);
    await vi.waitFor(() => expect(session.getSnapshot().media).toBe('restoring'));
    await vi.waitFor(() => expect(session.getSnapshot().media).toBe('connected'), { timeout: 10_000 });
    expect(node.heard('phx_join', TOPIC)).toHaveLength(2);
    expect(devices.live).toEqual(['microphone']);
  },
  20_000,
);

test('a room that offers no media, or an adapter that fails, is asked again until it does', async () => {
  let joins = 0;
  node.answer = (_topic, event) => {
    if (event !== 'phx_join') return { ok: {} };
    joins += 1;
    return { ok: wireJoin(joins === 1 ? { media: undefined } : {}) };
  };
  const session = enter();
  await vi.waitFor(() => expect(session.getSnapshot().media).toBe('restoring'));
  expect(devices.acquired).toEqual([]);
  await vi.waitFor(() => expect(session.getSnapshot().media).toBe('connected'), { timeout: 10_000 });
  expect(devices.live).toEqual(['microphone']);
}, 20_000);

test('without a connection a moderator’s mark is not lifted later', async () => {
  const session = await inside({ microphone: false });
  node.say(TOPIC, 'member_muted', durable(11, { participant_id: ANNA, source: 'microphone', by: BORIS }));
  await vi.waitFor(() => expect(session.getSnapshot().me?.mutedByModerator).toEqual(['microphone']));
  const answer = node.answer;
  node.answer = (topic, event, payload) => (event === 'member_unmute' ? 'silence' : answer(topic, event, payload));
  void session.actions.toggleMicrophone();
  await vi.waitFor(() => expect(node.heard('member_unmute')).toHaveLength(1));
  node.kill();
  await vi.waitFor(() =>
    expect(session.getSnapshot().local.problem).toEqual({ source: 'microphone', cause: 'no_answer' }),
  );
  await session.actions.toggleMicrophone();
  node.answer = answer;
  node.restart();
  await connection(session, 'connected');
  await vi.waitFor(() => expect(node.heard('member_unmute').length).toBeGreaterThan(1));
  expect(devices.acquired).toEqual([]);
  expect(session.getSnapshot().local.microphone).toBe(false);
});

test('a passing refusal of the join is tried again', async () => {
  let tries = 0;
  node.answer = (_topic, event) => {
    if (event !== 'phx_join') return { ok: {} };
    tries += 1;
    return tries < 3 ? { error: { reason: 'unavailable' } } : { ok: wireJoin() };
  };
  await inside();
  expect(tries).toBe(3);
});

test.each([
  ['locked', 'locked'],
  ['full', 'full'],
  ['kicked', 'kicked'],
  ['banned', 'banned'],
  ['ended', 'room_ended'],
  ['wrong_password', 'wrong_password'],
  ['what_is_this', 'failed'],
])('a join refused as %s ends as %s', async (reason, ended) => {
  node.answer = () => ({ error: { reason } });
  const session = enter();
  await connection(session, 'ended');
  expect(session.getSnapshot().ended?.reason).toBe(ended);
  expect(devices.acquired).toEqual([]);
});

test('a room that does not exist ends before any socket is asked', async () => {
  const session = enter({}, () => Promise.reject(new ApiError(404, 'not_found', 'no such room')));
  await connection(session, 'ended');
  expect(session.getSnapshot().ended).toEqual({ reason: 'not_found', message: 'no such room' });
  expect(node.received).toEqual([]);
});

test('someone in front of the door waits, and walks in with the same token when admitted', async () => {
  node.answer = () => ({ ok: { participant_id: ANNA, waiting: true, epoch: 1, seq: 10 } });
  const session = enter();
  await vi.waitFor(() => expect(session.getSnapshot().waiting).toBe(true));
  expect(devices.acquired).toEqual([]);
  node.answer = (_topic, event) => (event === 'phx_join' ? { ok: wireJoin() } : { ok: {} });
  node.say(TOPIC, 'lobby_admitted', {});
  await connection(session, 'connected');
  expect(session.getSnapshot().waiting).toBe(false);
  expect(node.heard('phx_join')).toEqual([{ token: 'fresh' }, { token: 'fresh' }]);
});

test('a kick ends it, stops every device, and forgets who one was', async () => {
  const session = await inside();
  node.say(TOPIC, 'kicked', { by: ANNA, banned: false });
  node.say(TOPIC, 'phx_close', {});
  await connection(session, 'ended');
  expect(session.getSnapshot().ended).toEqual({ reason: 'kicked', by: 'anna' });
  expect(devices.live).toEqual([]);
  expect(new Preferences().identity(ROOM)).toEqual({});
});

test('leaving says so first, and the node’s goodbye does not turn it into a failure', async () => {
  const session = await inside();
  node.answer = (_topic, event) => {
    if (event === 'leave') node.say(TOPIC, 'phx_close', {});
    return { ok: { epoch: 1, seq: 11 } };
  };
  await session.actions.leave();
  await connection(session, 'ended');
  expect(session.getSnapshot().ended?.reason).toBe('left');
  expect(node.heard('leave', TOPIC)).toHaveLength(1);
  expect(devices.live).toEqual([]);
});

test('disposing detaches without leaving and keeps the identity', async () => {
  const session = await inside();
  session.dispose();
  await vi.waitFor(() => expect(node.heard('phx_leave', TOPIC)).toHaveLength(1));
  expect(node.heard('leave')).toEqual([]);
  expect(devices.live).toEqual([]);
  expect(new Preferences().wasInside(ROOM)).toBe(true);
});

test('a host whose token has no name yet takes the one from the lobby', async () => {
  await inside({ name: 'Анна' });
  await vi.waitFor(() => expect(node.heard('rename')).toMatchObject([{ name: 'Анна' }]));
});

test('others are announced, oneself is not, and reactions carry a name', async () => {
  const session = await inside();
  node.say(TOPIC, 'member_joined', durable(11, { member: wireMember(BORIS, { name: 'Boris' }) }));
  node.say(TOPIC, 'hand_raised', durable(12, { participant_id: ANNA }));
  node.say(TOPIC, 'reaction', { from: BORIS, emoji: '👏' });
  await vi.waitFor(() => expect(session.getSnapshot().reactions).toMatchObject([{ name: 'Boris', emoji: '👏' }]));
  expect(session.getSnapshot().notices).toMatchObject([{ kind: 'joined', name: 'Boris' }]);
});
