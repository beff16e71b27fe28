/**
 * One topic on the socket, in promises and named errors. phoenix.js rejoins it after every loss; `restart` joins it afresh,
 * and whatever the former channel still says is not heard.
 */
import type { Channel, Socket } from 'phoenix';

/** A push or a join that was answered `error`, or not at all (`timeout`, `closed`). */
export class PushError extends Error {
  override readonly name = 'PushError';
  /** Stable; see the reasons of the contract. */
  readonly reason: string;
  readonly retryAfterMs: number | null;

  constructor(reason: string, message = reason, retryAfterMs: number | null = null) {
    super(message);
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
  }

  static from(response: unknown): PushError {
    const body = (typeof response === 'object' && response !== null ? response : {}) as Record<string, unknown>;
    const reason = typeof body['reason'] === 'string' ? body['reason'] : 'unavailable';
    const message = typeof body['message'] === 'string' ? body['message'] : reason;
    return new PushError(reason, message, typeof body['retry_after_ms'] === 'number' ? body['retry_after_ms'] : null);
  }
}

export interface TopicHandlers {
  /** After each join and rejoin. */
  joined(reply: unknown): void;
  /** A join was refused; phoenix.js tries again unless `close` is called. */
  refused(error: PushError): void;
  event(name: string, payload: unknown): void;
  /** Lost; a rejoin is under way. */
  down(): void;
  /** `phx_close`: the server is done with us. */
  closed(): void;
}

export class Topic {
  readonly #socket: Socket;
  readonly #name: string;
  readonly #params: () => object;
  readonly #handlers: TopicHandlers;
  #channel: Channel | null = null;

  /** `params` is asked anew at each join. */
  constructor(socket: Socket, name: string, params: () => object, handlers: TopicHandlers) {
    this.#socket = socket;
    this.#name = name;
    this.#params = params;
    this.#handlers = handlers;
  }

  get joined(): boolean {
    return this.#channel?.state === 'joined' && this.#socket.isConnected();
  }

  open(): void {
    const channel = this.#socket.channel(this.#name, this.#params);
    this.#channel = channel;
    const current = () => this.#channel === channel;
    channel.onMessage = (event, payload: unknown) => {
      if (current() && !isInternal(event)) this.#handlers.event(event, payload);
      return payload;
    };
    channel.onError(() => {
      if (current()) this.#handlers.down();
    });
    channel.onClose(() => {
      if (!current()) return;
      this.#channel = null;
      this.#handlers.closed();
    });
    channel
      .join()
      .receive('ok', (reply) => {
        if (current()) this.#handlers.joined(reply);
      })
      .receive('error', (reply) => {
        if (current()) this.#handlers.refused(PushError.from(reply));
      });
  }

  /** Joins afresh, as if never joined. */
  restart(): void {
    this.close();
    this.open();
  }

  /** Detaches; tells the server if it can be told. */
  close(): void {
    const channel = this.#channel;
    this.#channel = null;
    channel?.leave();
  }

  /** Sends now or fails: nothing is kept for later, whoever wants that retries (see `outbox.ts`). */
  push(event: string, payload: object, timeoutMs = 10_000): Promise<unknown> {
    const channel = this.#channel;
    if (channel === null || !this.joined) return Promise.reject(new PushError('not_joined'));
    return new Promise((resolve, reject) => {
      channel
        .push(event, payload, timeoutMs)
        .receive('ok', resolve)
        .receive('error', (reply) => reject(PushError.from(reply)))
        .receive('timeout', () => reject(new PushError('timeout')));
    });
  }
}

function isInternal(event: string): boolean {
  return event.startsWith('phx_') || event.startsWith('chan_reply_');
}
