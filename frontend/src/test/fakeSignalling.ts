/** A topic in a test's hand, with the node's side of `sfu:<id>` played as far as an adapter needs. */
import type { Signalling, SignallingHandlers } from '../adapters/sfu/types.ts';

export interface Pushed {
  event: string;
  payload: Record<string, unknown>;
}

export class FakeSignalling implements Signalling {
  joined = false;
  readonly pushed: Pushed[] = [];
  readonly joins: Record<string, unknown>[] = [];
  /** Peers the node still knows. */
  readonly living = new Set<number>();
  /** What the node does with an offer; replaced by tests that want it lost or refused. */
  answer: (payload: Record<string, unknown>) => Promise<unknown> = (payload) =>
    Promise.resolve({ gen: payload['gen'], sdp: 'answer' });
  readonly #params: () => object;
  readonly #handlers: SignallingHandlers;
  #peers = 0;
  #redeeming: string | null = null;
  /** With a reason, the node refuses every join. */
  refusal: string | null = null;
  closed = false;

  constructor(params: () => object, handlers: SignallingHandlers) {
    this.#params = params;
    this.#handlers = handlers;
  }

  open(): void {
    this.closed = false;
    queueMicrotask(() => this.join());
  }

  restart(): void {
    this.close();
    this.open();
  }

  close(): void {
    this.joined = false;
    this.closed = true;
  }

  push(event: string, payload: object): Promise<unknown> {
    this.pushed.push({ event, payload: payload as Record<string, unknown> });
    if (!this.joined) return Promise.reject(Object.assign(new Error('not joined'), { reason: 'not_joined' }));
    return event === 'offer' ? this.answer(payload as Record<string, unknown>) : Promise.resolve({});
  }

  /** The node answers a join, re-attaching the peer if it lives. */
  join(): void {
    if (this.closed) return;
    const params = this.#params() as Record<string, unknown>;
    this.joins.push(params);
    if (this.#redeeming !== null && params['token'] === this.#redeeming) this.refusal = null;
    if (this.refusal !== null) {
      this.#handlers.refused(Object.assign(new Error(this.refusal), { reason: this.refusal }));
      return;
    }
    const asked = params['peer'];
    const resumed = typeof asked === 'number' && this.living.has(asked);
    const peer = resumed ? asked : (this.#peers += 1);
    this.living.add(peer);
    this.joined = true;
    this.#handlers.joined({ peer, resumed, ice_servers: [], slots: { audio: 8, video: 8 } });
  }

  /** Refuses joins that show any other token. */
  refuseUntil(token: string, reason: string): void {
    this.refusal = reason;
    this.#redeeming = token;
  }

  drop(): void {
    this.joined = false;
    this.#handlers.down();
  }

  /** The node says something. */
  say(event: string, payload: object): void {
    this.#handlers.event(event, payload);
  }

  sent(event: string): Record<string, unknown>[] {
    return this.pushed.filter((push) => push.event === event).map((push) => push.payload);
  }
}
