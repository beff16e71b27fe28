import { expect, test, vi } from 'vitest';

import { FakeAdapter } from '../../adapters/sfu/fakeAdapter.ts';
import { FakeDevices } from '../../test/fakeMedia.ts';
import { FakeSignalling } from '../../test/fakeSignalling.ts';
import { DeviceError } from '../devices.ts';

import { type ControlledSource, LocalMediaControl, PERMIT_MS, type Refusal } from './localMedia.ts';

const SOURCES: readonly ControlledSource[] = ['microphone', 'camera', 'screen'];

async function setUp(initial = { microphone: false, camera: false }) {
  const devices = new FakeDevices();
  const permit = vi.fn<(source: ControlledSource) => Promise<Refusal | null>>(() => Promise.resolve(null));
  const control = new LocalMediaControl(initial, { changed: () => undefined, permit });
  const connect = async () => {
    const adapter = new FakeAdapter();
    const signalling = (...args: ConstructorParameters<typeof FakeSignalling>) => new FakeSignalling(...args);
    await adapter.connect(
      { provider: 'fake', roomId: 'r', participantId: 'me', token: 't', devices, signalling },
      {
        stateChanged: () => undefined,
        participantsChanged: () => undefined,
        speakers: () => undefined,
        sourceEnded: (source) => {
          if (source !== 'screen_audio') control.ended(source);
        },
      },
    );
    await control.attach(adapter);
    return adapter;
  };
  return { control, devices, permit, connect, adapter: await connect() };
}

test('what was chosen in front of the door is on inside', async () => {
  const { devices } = await setUp({ microphone: true, camera: false });
  expect(devices.live).toEqual(['microphone']);
});

test('a device that does not come on is off and says why', async () => {
  const { control, devices } = await setUp();
  devices.failWith = new DeviceError('busy', 'in use');
  await control.toggle('camera');
  expect(control.flags.camera).toBe(false);
  expect(control.problem).toEqual({ source: 'camera', cause: 'busy' });
});

test('closing the screen picker is no problem to speak of', async () => {
  const { control, devices } = await setUp();
  devices.failWith = new DeviceError('denied', 'closed');
  await control.toggle('screen');
  expect(control).toMatchObject({ flags: { screen: false }, problem: null });
});

test('without permission nothing is acquired', async () => {
  const { control, devices, permit } = await setUp();
  permit.mockResolvedValue('not_allowed_by_moderator');
  await control.toggle('microphone');
  expect(devices.acquired).toEqual([]);
  expect(control.problem).toEqual({ source: 'microphone', cause: 'not_allowed_by_moderator' });
});

test('a moderator’s mute while the permission is asked for wins', async () => {
  const { control, devices, permit } = await setUp();
  let allow: (answer: null) => void = () => undefined;
  permit.mockReturnValue(new Promise((resolve) => (allow = resolve)));
  const pressed = control.toggle('microphone');
  control.forceOff('microphone');
  allow(null);
  await pressed;
  expect(devices.acquired).toEqual([]);
  expect(control.flags.microphone).toBe(false);
});

test('a moderator’s mute while the device is opening wins', async () => {
  const { control, devices } = await setUp();
  const pressed = control.toggle('microphone');
  await Promise.resolve();
  control.forceOff('microphone');
  await pressed;
  expect(devices.live).toEqual([]);
  expect(control.flags.microphone).toBe(false);
});

test('a second press while the permission is asked for takes the first one back', async () => {
  const { control, devices, permit } = await setUp();
  let allow: (answer: null) => void = () => undefined;
  permit.mockReturnValue(new Promise((resolve) => (allow = resolve)));
  const pressed = control.toggle('microphone');
  await control.toggle('microphone');
  allow(null);
  await pressed;
  expect(permit).toHaveBeenCalledOnce();
  expect(devices.acquired).toEqual([]);
  expect(control.flags.microphone).toBe(false);
});

test('a permission that comes late, or after the connection was lost, opens nothing', async () => {
  vi.useFakeTimers();
  const { control, devices, permit } = await setUp();
  const answers: ((answer: null) => void)[] = [];
  permit.mockImplementation(() => new Promise((resolve) => answers.push(resolve)));
  const late = control.toggle('microphone');
  await vi.advanceTimersByTimeAsync(PERMIT_MS);
  await late;
  expect(control.problem).toEqual({ source: 'microphone', cause: 'no_answer' });
  const cut = control.toggle('camera');
  control.connectionLost();
  expect(control.problem).toEqual({ source: 'camera', cause: 'no_answer' });
  answers.forEach((answer) => answer(null));
  await cut;
  expect(devices.acquired).toEqual([]);
  vi.useRealTimers();
});

function random(seed: number) {
  let state = seed;
  return (below: number) => {
    state = (state * 1664525 + 1013904223) % 4294967296;
    return Math.floor((state / 4294967296) * below);
  };
}

test.each(Array.from({ length: 60 }, (_, i) => i + 1))(
  'nothing turns on by itself, whatever happens in whatever order (seed %i)',
  async (seed) => {
    const pick = random(seed);
    const { control, devices, adapter: first, connect } = await setUp();
    let adapter = first;
    /** What the user's own presses allow at most. */
    const allowed = new Set<string>();
    const settled = async () => {
      for (let i = 0; i < 10; i += 1) await Promise.resolve();
    };
    for (let step = 0; step < 40; step += 1) {
      const source = SOURCES[pick(3)] ?? 'microphone';
      switch (pick(6)) {
        case 0:
          if (control.flags[source]) allowed.delete(source);
          else allowed.add(source);
          await control.toggle(source);
          break;
        case 1:
          allowed.delete(source);
          control.forceOff(source);
          break;
        case 2:
          adapter.become('reconnecting');
          adapter.become('connected');
          break;
        case 3: // another adapter altogether
          control.detach();
          await adapter.disconnect();
          adapter = await connect();
          break;
        case 4:
          devices.acquired.findLast(({ track }) => track.readyState === 'live')?.track.vanish();
          break;
        default:
          devices.failWith = devices.failWith === null ? new DeviceError('busy', 'in use') : null;
      }
      await settled();
      for (const live of devices.live) expect(allowed, `${live} after step ${step}`).toContain(live);
      for (const each of SOURCES) {
        if (control.flags[each]) continue;
        expect(devices.live).not.toContain(each);
        allowed.delete(each); // It takes another press to come on again.
      }
      expect(new Set(devices.live).size).toBe(devices.live.length);
    }
  },
);
