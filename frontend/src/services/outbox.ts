/**
 * Durable pushes on their way. Each carries an id made here and is sent again with the same id, after a reconnect or when
 * no answer came, until the room has committed it, refused it, or a minute has passed: the room counts it once.
 */
import { commandId } from './commandId.ts';
import type { Position } from './events.ts';
import { parsePosition } from './parse.ts';
import { PushError } from './topic.ts';

export const GIVE_UP_MS = 60_000;
const CAPACITY = 200;
const TRANSIENT = new Set(['timeout', 'unavailable', 'rate_limited', 'not_joined', 'unmatched topic']);

interface Pending {
  event: string;
  payload: object;
  inFlight: boolean;
  deadline: ReturnType<typeof setTimeout>;
  settle: { resolve: (at: Position) => void; reject: (error: PushError) => void };
}

export class Outbox {
  readonly #pending = new Map<string, Pending>();
  readonly #send: (event: string, payload: object) => Promise<unknown>;
  #online = false;

  constructor(send: (event: string, payload: object) => Promise<unknown>) {
    this.#send = send;
  }

  /** Resolves with the position at which the room committed it. */
  push(event: string, payload: object, id: string = commandId()): Promise<Position> {
    if (this.#pending.size >= CAPACITY)
      return Promise.reject(new PushError('rate_limited', 'too much is waiting to be sent'));
    return new Promise((resolve, reject) => {
      const deadline = setTimeout(() => this.#fail(id, new PushError('timeout')), GIVE_UP_MS);
      this.#pending.set(id, {
        event,
        payload: { ...payload, id },
        inFlight: false,
        deadline,
        settle: { resolve, reject },
      });
      this.#transmit(id);
    });
  }

  /** The topic is joined: everything unanswered goes out again, in the order it was given. */
  online(): void {
    this.#online = true;
    for (const [id, entry] of this.#pending) {
      entry.inFlight = false;
      this.#transmit(id);
    }
  }

  offline(): void {
    this.#online = false;
  }

  /** The room is over for us. */
  close(): void {
    this.offline();
    for (const id of [...this.#pending.keys()]) this.#fail(id, new PushError('closed'));
  }

  #transmit(id: string): void {
    const entry = this.#pending.get(id);
    if (entry === undefined || entry.inFlight || !this.#online) return;
    entry.inFlight = true;
    this.#send(entry.event, entry.payload).then(
      (reply) => this.#commit(id, reply),
      (error: unknown) => this.#refuse(id, entry, error),
    );
  }

  #commit(id: string, reply: unknown): void {
    const entry = this.#take(id);
    try {
      entry?.settle.resolve(parsePosition(reply, 'reply'));
    } catch {
      entry?.settle.reject(new PushError('invalid', 'the answer to a durable push has no position'));
    }
  }

  #refuse(id: string, entry: Pending, error: unknown): void {
    const refusal = error instanceof PushError ? error : new PushError('unavailable', String(error));
    if (!TRANSIENT.has(refusal.reason)) return this.#fail(id, refusal);
    setTimeout(() => {
      if (this.#pending.get(id) !== entry) return;
      entry.inFlight = false;
      this.#transmit(id);
    }, refusal.retryAfterMs ?? 500);
  }

  #fail(id: string, error: PushError): void {
    this.#take(id)?.settle.reject(error);
  }

  #take(id: string): Pending | undefined {
    const entry = this.#pending.get(id);
    if (entry !== undefined) clearTimeout(entry.deadline);
    this.#pending.delete(id);
    return entry;
  }
}
