import { afterEach, expect, test, vi } from 'vitest';

import { authenticateWith, CallSocket, socketUrl } from './socket.ts';

class RecordingTransport {
  static protocols: unknown[] = [];
  static urls: string[] = [];
  static all: RecordingTransport[] = [];
  onclose: ((event: { code: number }) => void) | null = null;
  readyState = 0;

  constructor(url: string, protocols?: unknown) {
    RecordingTransport.urls.push(url);
    RecordingTransport.protocols.push(protocols);
    RecordingTransport.all.push(this);
  }

  send(): void {}

  close(): void {
    this.readyState = 3;
  }

  drop(): void {
    this.readyState = 3;
    this.onclose?.({ code: 1006 });
  }
}

function connect() {
  RecordingTransport.protocols = [];
  const socket = new CallSocket(socketUrl(), { transport: RecordingTransport, reconnectAfterMs: () => 10 });
  socket.connect();
  return socket;
}

afterEach(() => {
  authenticateWith(() => null);
  vi.useRealTimers();
});

test('the socket is on the page’s own host', () => {
  expect(socketUrl()).toBe(`ws://${window.location.host}/ws`);
});

test('whoever has a credential shows it at each connect, whoever has none shows none', () => {
  connect();
  expect(RecordingTransport.protocols).toEqual([undefined]);
  authenticateWith(() => 'secret');
  connect();
  expect(RecordingTransport.protocols).toEqual([
    ['phoenix', `base64url.bearer.phx.${btoa('secret').replaceAll('=', '')}`],
  ]);
});

test('a hidden page reconnects like a visible one', async () => {
  vi.useFakeTimers();
  vi.spyOn(document, 'visibilityState', 'get').mockReturnValue('hidden');
  connect();
  const before = RecordingTransport.urls.length;
  RecordingTransport.all.at(-1)?.drop();
  await vi.advanceTimersByTimeAsync(1000);
  expect(RecordingTransport.urls.length).toBeGreaterThan(before);
});
