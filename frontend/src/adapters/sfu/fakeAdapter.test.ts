import { FakeTrack } from '../../test/fakeMedia.ts';
import { FakeSignalling } from '../../test/fakeSignalling.ts';

import { adapterContract } from './contract.ts';
import { FakeAdapter } from './fakeAdapter.ts';
import type { SFUParticipant } from './types.ts';

function someone(id: string): SFUParticipant {
  const track = new FakeTrack('video').asTrack();
  const camera = { source: 'camera' as const, track, stream: new MediaStream([track]), muted: false };
  return { id, local: false, tracks: new Map([['camera', camera]]) };
}

adapterContract('FakeAdapter', () => {
  const adapter = new FakeAdapter();
  return {
    adapter,
    config: { signalling: (params, handlers) => new FakeSignalling(params, handlers) },
    remoteJoins: (id) => adapter.setRemote([...adapter.getRemoteParticipants(), someone(id)]),
    remoteLeaves: (id) => adapter.setRemote(adapter.getRemoteParticipants().filter((each) => each.id !== id)),
    speak: (levels) => adapter.setSpeakers(levels),
    expire: () => adapter.become('expired'),
    loseAndRecover: () => {
      adapter.become('reconnecting');
      adapter.become('connected');
      return Promise.resolve();
    },
  };
});
