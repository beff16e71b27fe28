/** The factory. An adapter is loaded when a room first asks for it: a page loads no media code that it does not use. */
import type { SFUAdapter } from './types.ts';

export type * from './types.ts';

/** The provider named by the room is none that this page knows. */
export class UnknownProvider extends Error {
  override readonly name = 'UnknownProvider';
}

export type SFUFactory = (config: { provider: string }) => Promise<SFUAdapter>;

export const createSFUAdapter: SFUFactory = async ({ provider }) => {
  switch (provider) {
    case 'embedded':
      return new (await import('./embeddedAdapter.ts')).EmbeddedAdapter();
    default:
      throw new UnknownProvider(`no adapter for media provider "${provider}"`);
  }
};
