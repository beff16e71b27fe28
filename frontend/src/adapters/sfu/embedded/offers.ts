/**
 * One offer at a time. Only this side offers, so there is no glare: a wish that comes while an offer is on its way is kept as one
 * bit and becomes the next offer. An answer to any but the newest offer is dropped.
 */
import { backoff } from '../../../services/backoff.ts';

export interface OfferSteps {
  /** Makes the local description and sends it as `gen`; resolves with the answer. */
  exchange(gen: number, iceRestart: boolean): Promise<{ gen: number; sdp: string }>;
  accept(sdp: string): Promise<void>;
  /** Trying again is no use with this peer. */
  broken(error: unknown): void;
}

/** Reasons after which the same peer may still take an offer. */
const TRANSIENT = new Set(['timeout', 'unavailable', 'rate_limited', 'not_joined']);
const TRIES = 5;

export class OfferQueue {
  readonly #steps: OfferSteps;
  #gen = 0;
  #busy = false;
  #wanted = false;
  #restart = false;
  #tries = 0;
  #closed = false;
  #answered = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;

  constructor(steps: OfferSteps) {
    this.#steps = steps;
  }

  /** The last offer made was answered and nothing more is wanted. */
  get settled(): boolean {
    return !this.#busy && !this.#wanted && this.#answered > 0 && this.#answered === this.#gen;
  }

  request(options: { iceRestart?: boolean } = {}): void {
    this.#wanted = true;
    this.#restart ||= options.iceRestart ?? false;
    void this.#run();
  }

  /** The topic is back: whatever was lost with it is offered again at once. */
  resume(): void {
    this.#tries = 0;
    if (!this.settled) this.request();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
  }

  async #run(): Promise<void> {
    if (this.#busy || this.#closed) return;
    clearTimeout(this.#retry);
    this.#busy = true;
    while (this.#wanted && !this.#closed) {
      const restart = this.#restart;
      this.#wanted = false;
      this.#restart = false;
      try {
        await this.#offer(restart);
        this.#tries = 0;
      } catch (error) {
        this.#restart ||= restart;
        this.#failed(error);
        break;
      }
    }
    this.#busy = false;
  }

  async #offer(iceRestart: boolean): Promise<void> {
    this.#gen += 1;
    const gen = this.#gen;
    const answer = await this.#steps.exchange(gen, iceRestart);
    if (this.#closed || answer.gen !== gen) return;
    await this.#steps.accept(answer.sdp);
    this.#answered = gen;
  }

  #failed(error: unknown): void {
    if (this.#closed) return;
    this.#tries += 1;
    const { reason, retryAfterMs } = error as { reason?: string; retryAfterMs?: number | null };
    if (reason === undefined || !TRANSIENT.has(reason) || this.#tries >= TRIES) return this.#steps.broken(error);
    this.#wanted = true;
    // Without the topic there is nothing to try on: `resume` comes when it is back.
    if (reason === 'not_joined') {
      this.#tries = 0;
      return;
    }
    this.#retry = setTimeout(() => void this.#run(), retryAfterMs ?? backoff(this.#tries, 200, 4000));
  }
}
