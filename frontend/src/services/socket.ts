/** The one Phoenix socket of this page. It reconnects by itself for as long as the page lives. */
import { Socket } from 'phoenix';

import { backoff } from './backoff.ts';

/** Where the node's socket is; phoenix.js appends `/websocket`. */
export function socketUrl(): string {
  const { protocol, host } = window.location;
  return `${protocol === 'https:' ? 'wss:' : 'ws:'}//${host}/ws`;
}

let credential: () => string | null = () => null;
let shared: Socket | null = null;

/**
 * Two differences from phoenix.js, each by one property of its `Socket`. It waits with reconnecting until a hidden page is shown
 * again; in a call the page is often behind another window, and waiting would outlive the grace in which the room keeps its
 * member. And a page without a credential sends none rather than an empty one.
 */
export class CallSocket extends Socket {
  readonly pageHidden = false;

  /** phoenix.js asks at each connect. */
  get authToken(): (() => string) | undefined {
    const bearer = credential();
    return bearer === null ? undefined : () => bearer;
  }

  /** The constructor of phoenix.js assigns; what counts is {@link authenticateWith}. */
  set authToken(_ignored: unknown) {
    // Nothing to keep.
  }
}

/** Tells who speaks on this socket: a resume secret or a token, null for nobody yet. */
export function authenticateWith(source: () => string | null): void {
  credential = source;
}

/** Connects anew, as whoever the browser's cookies say by now. */
export function reconnectSocket(): void {
  const socket = shared;
  socket?.disconnect(() => socket.connect());
}

/** The socket, connecting since the first call. */
export function getSocket(): Socket {
  if (shared === null) {
    shared = new CallSocket(socketUrl(), {
      reconnectAfterMs: (tries) => backoff(tries, 50, 4000),
      rejoinAfterMs: (tries) => backoff(tries, 200, 4000),
      heartbeatIntervalMs: 10_000,
    });
    shared.connect();
  }
  return shared;
}
