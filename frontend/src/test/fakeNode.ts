/** A node at the other end of a real phoenix.js socket: it speaks the frames, and a test decides what it answers. */
import { Socket } from 'phoenix';

type Frame = [
  joinRef: string | null,
  ref: string | null,
  topic: string,
  event: string,
  payload: Record<string, unknown>,
];
type Answer = { ok: object } | { error: { reason: string } } | 'silence';

export class FakeNode {
  readonly received: { topic: string; event: string; payload: Record<string, unknown> }[] = [];
  /** What it answers; a test replaces it. */
  answer: (topic: string, event: string, payload: Record<string, unknown>) => Answer = () => ({ ok: {} });
  readonly socket: Socket;
  readonly #joinRefs = new Map<string, string | null>();
  #connection: FakeConnection | null = null;
  #refuse = false;

  constructor() {
    const accept = (connection: FakeConnection) => this.#accept(connection);
    const transport = class extends FakeConnection {
      constructor() {
        super(accept);
      }
    };
    this.socket = new Socket('ws://node/ws', { transport, reconnectAfterMs: () => 5, rejoinAfterMs: () => 5 });
    this.socket.connect();
  }

  /** Kills all connections; nothing gets through until {@link restart}. */
  kill(): void {
    this.#refuse = true;
    const connection = this.#connection;
    this.#connection = null;
    connection?.fail();
  }

  restart(): void {
    this.#refuse = false;
  }

  say(topic: string, event: string, payload: object): void {
    this.#send([this.#joinRefs.get(topic) ?? null, null, topic, event, payload as Record<string, unknown>]);
  }

  /** Sent pushes of one event, the oldest first. */
  heard(event: string, topic?: string): Record<string, unknown>[] {
    return this.received
      .filter((each) => each.event === event && (topic === undefined || each.topic === topic))
      .map((each) => each.payload);
  }

  take(data: string): void {
    const [joinRef, ref, topic, event, payload] = JSON.parse(data) as Frame;
    if (event === 'heartbeat') return this.#send([null, ref, topic, 'phx_reply', { status: 'ok', response: {} }]);
    this.received.push({ topic, event, payload });
    if (event === 'phx_join') this.#joinRefs.set(topic, joinRef);
    const answer = this.answer(topic, event, payload);
    if (answer === 'silence') return;
    const reply = 'ok' in answer ? { status: 'ok', response: answer.ok } : { status: 'error', response: answer.error };
    this.#send([joinRef, ref, topic, 'phx_reply', reply]);
  }

  #accept(connection: FakeConnection): void {
    if (this.#refuse) return connection.fail();
    this.#connection = connection;
    connection.open(this);
  }

  #send(frame: Frame): void {
    this.#connection?.onmessage?.({ data: JSON.stringify(frame) });
  }
}

class FakeConnection {
  onopen: (() => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  onerror: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  readyState = 0;
  bufferedAmount = 0;
  #node: FakeNode | null = null;

  constructor(accept: (connection: FakeConnection) => void) {
    queueMicrotask(() => accept(this));
  }

  open(node: FakeNode): void {
    this.#node = node;
    this.readyState = 1;
    this.onopen?.();
  }

  send(data: string): void {
    queueMicrotask(() => this.#node?.take(data));
  }

  close(): void {
    this.readyState = 3;
    this.#node = null;
    queueMicrotask(() => this.onclose?.({ code: 1000 }));
  }

  fail(): void {
    this.readyState = 3;
    this.#node = null;
    this.onclose?.({ code: 1006 });
  }
}
