/**
 * What to do when the transport falters: three seconds of `disconnected` ask for an ICE restart, `failed` for a new
 * peer. New peers are spaced by a jittered backoff that a success resets.
 */
import { backoff } from '../../../services/backoff.ts';

const PATIENCE_MS = 3000;
const FIRST_MS = 200;
const MOST_MS = 4000;
/** As many failures in a row are more than a hiccup. */
const PATIENT_TRIES = 5;
const SLOW_MS = 15_000;

export interface Remedies {
  restartIce(): void;
  /** Throw this peer away and build another. */
  rebuild(): void;
}

export class Recovery {
  readonly #remedies: Remedies;
  #patience: ReturnType<typeof setTimeout> | undefined;
  #pending: ReturnType<typeof setTimeout> | undefined;
  #tries = 0;

  constructor(remedies: Remedies) {
    this.#remedies = remedies;
  }

  /** It went wrong so often that people should know. */
  get exhausted(): boolean {
    return this.#tries > PATIENT_TRIES;
  }

  /** Something failed that others try again. */
  count(): void {
    this.#tries += 1;
  }

  /** Someone asks for it: as if nothing had failed yet. */
  forgive(): void {
    this.#tries = 0;
  }

  observe(state: RTCPeerConnectionState): void {
    clearTimeout(this.#patience);
    if (state === 'connected') this.#tries = 0;
    else if (state === 'disconnected') this.#patience = setTimeout(() => this.#remedies.restartIce(), PATIENCE_MS);
    else if (state === 'failed') this.rebuildSoon();
  }

  /** Asking twice makes one new peer. */
  rebuildSoon(): void {
    if (this.#pending !== undefined) return;
    this.#tries += 1;
    const most = this.exhausted ? SLOW_MS : MOST_MS;
    const delay = this.#tries === 1 ? 0 : backoff(this.#tries - 1, FIRST_MS, most);
    this.#pending = setTimeout(() => {
      this.#pending = undefined;
      this.#remedies.rebuild();
    }, delay);
  }

  /** A new peer stands: what was planned for the old one is off. */
  settled(): void {
    clearTimeout(this.#patience);
    clearTimeout(this.#pending);
    this.#pending = undefined;
  }
}
