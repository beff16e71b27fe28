import { expect, test, vi } from 'vitest';

import { FakeTrack } from '../test/fakeMedia.ts';

import { loudness, meterLevel } from './levelMeter.ts';

function sleepingContext() {
  const resumed = vi.fn();
  class SleepingContext {
    state = 'suspended';
    createAnalyser = () => ({ fftSize: 0, getFloatTimeDomainData: (samples: Float32Array) => samples.fill(0.1) });
    createMediaStreamSource = () => ({ connect: () => undefined, disconnect: () => undefined });
    close = () => Promise.resolve();
    resume = () => {
      resumed();
      return Promise.resolve();
    };
  }
  vi.stubGlobal('AudioContext', SleepingContext);
  return resumed;
}

test('a browser that keeps sound asleep is asked at once, and again at the first press or key', () => {
  const resumed = sleepingContext();
  const stop = meterLevel(new FakeTrack('audio').asTrack(), () => undefined);
  expect(resumed).toHaveBeenCalledTimes(1);
  dispatchEvent(new Event('pointerdown'));
  dispatchEvent(new Event('keydown'));
  expect(resumed).toHaveBeenCalledTimes(3);
  stop();
  dispatchEvent(new Event('pointerdown'));
  expect(resumed).toHaveBeenCalledTimes(3);
});

test('silence is 0, speech lies between, and nothing is more than 1', () => {
  const of = (level: number) => loudness(new Float32Array(512).fill(level));
  expect(of(0)).toBe(0);
  expect(of(0.02)).toBeGreaterThan(0.3);
  expect(of(0.02)).toBeLessThan(0.9);
  expect(of(1)).toBe(1);
});
