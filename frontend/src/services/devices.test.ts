import { afterEach, expect, test, vi } from 'vitest';

import { FakeMediaStream, FakeTrack } from '../test/fakeMedia.ts';

import { acquireTrack, browserDevices, causeOf, DeviceError, listDevices } from './devices.ts';

afterEach(() => {
  Reflect.deleteProperty(navigator, 'mediaDevices');
});

function give(mediaDevices: object | undefined) {
  Object.defineProperty(navigator, 'mediaDevices', { value: mediaDevices, configurable: true });
}

function named(name: string) {
  return new DOMException('no', name);
}

test('on an insecure address, where the browser hides devices, the cause is the address', async () => {
  vi.stubGlobal('isSecureContext', false);
  give(undefined);
  await expect(acquireTrack('microphone', null)).rejects.toMatchObject({ deviceCause: 'insecure' });
  await expect(browserDevices.acquireScreen()).rejects.toMatchObject({ deviceCause: 'insecure' });
  expect(await listDevices()).toEqual({ microphones: [], cameras: [], speakers: [] });
});

test('on a secure one it is the browser', async () => {
  vi.stubGlobal('isSecureContext', true);
  give({});
  await expect(acquireTrack('camera', null)).rejects.toMatchObject({ deviceCause: 'unsupported' });
});

test('a remembered device that is gone gives way to the default one', async () => {
  const asked: unknown[] = [];
  const track = new FakeTrack('audio').asTrack();
  give({
    getUserMedia: (constraints: { audio: { deviceId?: unknown } }) => {
      asked.push(constraints.audio.deviceId);
      return constraints.audio.deviceId === undefined
        ? Promise.resolve(new FakeMediaStream([track]))
        : Promise.reject(named('OverconstrainedError'));
    },
  });
  expect(await acquireTrack('microphone', 'gone')).toBe(track);
  expect(asked).toEqual([{ exact: 'gone' }, undefined]);
});

test('a refusal is not tried on another device', async () => {
  const getUserMedia = vi.fn(() => Promise.reject(named('NotAllowedError')));
  give({ getUserMedia });
  await expect(acquireTrack('camera', 'mine')).rejects.toMatchObject({ deviceCause: 'denied' });
  expect(getUserMedia).toHaveBeenCalledOnce();
});

test.each([
  [named('NotAllowedError'), 'denied'],
  [named('SecurityError'), 'insecure'],
  [named('NotFoundError'), 'not_found'],
  [named('NotReadableError'), 'busy'],
  [new DeviceError('busy', ''), 'busy'],
  ['what', 'unknown'],
])('%s is called %s', (error, cause) => {
  expect(causeOf(error)).toBe(cause);
});
