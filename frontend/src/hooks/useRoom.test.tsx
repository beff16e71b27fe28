import { act, cleanup, render, screen } from '@testing-library/react';
import { StrictMode } from 'react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import type { JoinIntent } from '../types/roomHandle.ts';
import { useRoom } from './useRoom.ts';

const lives: string[] = [];
let listener: () => void = () => undefined;
let view = { connection: 'connecting' };

vi.mock('../services/roomSession.ts', () => ({
  RoomSession: class {
    getSnapshot = () => view;
    subscribe = (heard: () => void) => {
      listener = heard;
      return () => undefined;
    };
    start = () => lives.push('start');
    dispose = () => lives.push('dispose');
  },
}));

const INTENT: JoinIntent = { name: 'a', microphone: false, camera: false, microphoneId: null, cameraId: null };

function Page() {
  return <p>{useRoom('r', INTENT).connection}</p>;
}

beforeEach(() => {
  vi.useFakeTimers();
  lives.length = 0;
  view = { connection: 'connecting' };
});

afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

test('strict mode’s double mount is one stay', () => {
  render(
    <StrictMode>
      <Page />
    </StrictMode>,
  );
  vi.runAllTimers();
  expect(lives).toEqual(['start']);
});

test('the page shows what the session publishes, and going away disposes of it', () => {
  const { unmount } = render(<Page />);
  act(() => {
    view = { connection: 'connected' };
    listener();
  });
  expect(screen.getByText('connected')).toBeDefined();
  unmount();
  vi.runAllTimers();
  expect(lives).toEqual(['start', 'dispose']);
});
