import { FakeSignalling } from '../../test/fakeSignalling.ts';

import { adapterContract } from './contract.ts';
import { FakeAdapter } from './fakeAdapter.ts';

adapterContract('FakeAdapter', () => {
  const adapter = new FakeAdapter();
  return {
    adapter,
    config: { signalling: (params, handlers) => new FakeSignalling(params, handlers) },
    loseAndRecover: () => {
      adapter.become('reconnecting');
      adapter.become('connected');
      return Promise.resolve();
    },
  };
});
