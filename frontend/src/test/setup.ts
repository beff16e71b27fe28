/** What jsdom lacks and every test may meet. */
import { afterEach } from 'vitest';

import { FakeMediaStream } from './fakeMedia.ts';

// Dialogs read a page's meta by it.
globalThis.CSS ??= { escape: (text: string) => text } as unknown as typeof CSS;
// The router scrolls to the top of a new page.
window.scrollTo = () => undefined;
globalThis.MediaStream ??= FakeMediaStream as unknown as typeof MediaStream;

afterEach(() => {
  localStorage.clear();
  sessionStorage.clear();
});
