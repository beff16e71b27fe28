/** What jsdom lacks and every test may meet. */
import { afterEach } from 'vitest';

import { FakeMediaStream } from './fakeMedia.ts';

globalThis.MediaStream ??= FakeMediaStream as unknown as typeof MediaStream;

afterEach(() => {
  localStorage.clear();
  sessionStorage.clear();
});
