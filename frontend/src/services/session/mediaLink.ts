/** The adapter of a session: made at the first grant, told of later ones, replaced when the room changes its provider. */
import type { SFUAdapter, SFUCallbacks, SFUConfig, SFUParticipant, SFUStats } from '../../adapters/sfu/types.ts';
import { debugLogger } from '../debugLogger.ts';
import type { MediaGrant } from '../joinReply.ts';

export interface MediaLinkPorts {
  create(config: { provider: string }): Promise<SFUAdapter>;
  config(grant: MediaGrant): SFUConfig;
  callbacks: SFUCallbacks;
  /** The adapter takes tracks from now on. */
  attached(adapter: SFUAdapter): Promise<void>;
  detached(): void;
}

export class MediaLink {
  readonly #ports: MediaLinkPorts;
  #adapter: SFUAdapter | null = null;
  #provider: string | null = null;
  #disposed = false;

  constructor(ports: MediaLinkPorts) {
    this.#ports = ports;
  }

  async use(grant: MediaGrant): Promise<void> {
    if (this.#provider === grant.provider) {
      this.#adapter?.renew(grant);
      return;
    }
    this.#drop();
    this.#provider = grant.provider;
    try {
      const adapter = await this.#ports.create(grant);
      if (this.#disposed || this.#provider !== grant.provider) return;
      await adapter.connect(this.#ports.config(grant), this.#ports.callbacks);
      this.#adapter = adapter;
      await this.#ports.attached(adapter);
    } catch (error) {
      debugLogger.error('no media', { provider: grant.provider, error: String(error) });
      this.#provider = null; // The next join tries again.
    }
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
    this.#drop();
  }

  #drop(): void {
    const adapter = this.#adapter;
    this.#adapter = null;
    this.#provider = null;
    if (adapter === null) return;
    this.#ports.detached();
    adapter.disconnect().catch((error: unknown) => debugLogger.warn('media not closed', { error: String(error) }));
  }
}
