/**
 * The adapter of a session: made at the first grant, told of later ones, replaced when the room changes its provider. What the
 * adapter cannot mend by itself needs a new grant, which only a new join of the room brings: that is asked for again and again,
 * spaced, for as long as the room is there.
 */
import type {
  SFUAdapter,
  SFUCallbacks,
  SFUConfig,
  SFUParticipant,
  SFUState,
  SFUStats,
} from '../../adapters/sfu/types.ts';
import type { MediaPhase } from '../../types/roomHandle.ts';
import { backoff } from '../backoff.ts';
import { debugLogger } from '../debugLogger.ts';
import type { MediaGrant } from '../joinReply.ts';

export interface MediaLinkPorts {
  create(config: { provider: string }): Promise<SFUAdapter>;
  config(grant: MediaGrant): SFUConfig;
  callbacks: Omit<SFUCallbacks, 'stateChanged'>;
  /** The adapter takes tracks from now on. */
  attached(adapter: SFUAdapter): Promise<void>;
  detached(): void;
  /** Joins the room anew for another grant. */
  askAgain(): void;
  changed(): void;
}

/** A first connection that takes longer is spoken of. */
const PATIENCE_MS = 8000;
const FIRST_MS = 1000;
const MOST_MS = 15_000;

export class MediaLink {
  readonly #ports: MediaLinkPorts;
  #adapter: SFUAdapter | null = null;
  #provider: string | null = null;
  #state: SFUState = 'closed';
  #phase: MediaPhase = 'none';
  #patience: ReturnType<typeof setTimeout> | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #tries = 0;
  #disposed = false;

  constructor(ports: MediaLinkPorts) {
    this.#ports = ports;
  }

  get phase(): MediaPhase {
    return this.#phase;
  }

  /** What a join of the room brought; null while the room has no media to offer. */
  async use(grant: MediaGrant | null): Promise<void> {
    clearTimeout(this.#retry);
    if (this.#disposed) return;
    if (grant === null) {
      if (this.#adapter === null || this.#state === 'expired') this.#askLater('the room offers none');
      return;
    }
    if (this.#provider === grant.provider && this.#state !== 'closed') {
      this.#adapter?.renew(grant);
      return;
    }
    this.#drop();
    this.#provider = grant.provider;
    this.#state = 'connecting';
    await this.#build(grant);
  }

  /** The room's connection is gone: the next join brings a grant by itself. */
  pause(): void {
    clearTimeout(this.#retry);
  }

  /** Another page of this participant has the media; a press brings it back here. */
  takeBack(): void {
    this.#adapter?.resume();
  }

  get local(): SFUParticipant | null {
    return this.#adapter?.getLocalParticipant() ?? null;
  }

  get remote(): SFUParticipant[] {
    return this.#adapter?.getRemoteParticipants() ?? [];
  }

  async stats(): Promise<SFUStats | null> {
    return (await this.#adapter?.getStats().catch(() => null)) ?? null;
  }

  dispose(): void {
    this.#disposed = true;
    clearTimeout(this.#retry);
    clearTimeout(this.#patience);
    this.#drop();
  }

  async #build(grant: MediaGrant): Promise<void> {
    try {
      const adapter = await this.#ports.create(grant);
      if (this.#disposed || this.#provider !== grant.provider) return;
      this.#adapter = adapter;
      const stateChanged = (state: SFUState) => {
        if (this.#adapter === adapter) this.#hear(state);
      };
      await adapter.connect(this.#ports.config(grant), { ...this.#ports.callbacks, stateChanged });
      if (this.#adapter === adapter) await this.#ports.attached(adapter);
    } catch (error) {
      if (this.#disposed || this.#provider !== grant.provider) return;
      debugLogger.error('no media', { provider: grant.provider, error: String(error) });
      this.#drop();
      this.#askLater('no adapter');
    }
  }

  #hear(state: SFUState): void {
    debugLogger.info('media', { state });
    this.#state = state;
    clearTimeout(this.#patience);
    switch (state) {
      case 'connected':
        this.#tries = 0;
        return this.#become('connected');
      case 'connecting':
        this.#patience = setTimeout(() => this.#become('restoring'), PATIENCE_MS);
        return this.#become('connecting');
      case 'reconnecting':
      case 'failed':
        return this.#become('restoring');
      case 'replaced':
        return this.#become('replaced');
      case 'expired':
      case 'closed':
        return this.#askLater(state);
      default:
        return state satisfies never;
    }
  }

  #askLater(why: string): void {
    this.#tries += 1;
    const delay = backoff(this.#tries, FIRST_MS, MOST_MS);
    debugLogger.warn('media is asked for again', { why, delay_ms: delay });
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#ports.askAgain(), delay);
    this.#become('restoring');
  }

  #become(phase: MediaPhase): void {
    if (this.#phase === phase) return;
    this.#phase = phase;
    this.#ports.changed();
  }

  #drop(): void {
    const adapter = this.#adapter;
    this.#adapter = null;
    this.#provider = null;
    this.#state = 'closed';
    clearTimeout(this.#patience);
    if (adapter === null) return;
    this.#ports.detached();
    adapter.disconnect().catch((error: unknown) => debugLogger.warn('media not closed', { error: String(error) }));
  }
}
