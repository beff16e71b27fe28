import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { FakeDevices } from '../../test/fakeMedia.ts';
import { FakePeerConnection } from '../../test/fakePeerConnection.ts';
import { FakeSignalling } from '../../test/fakeSignalling.ts';

import { adapterContract } from './contract.ts';
import { EmbeddedAdapter } from './embeddedAdapter.ts';
import type { SFUCallbacks } from './types.ts';

function setUp() {
  const adapter = new EmbeddedAdapter(FakePeerConnection.factory);
  let node: FakeSignalling | null = null;
  return {
    adapter,
    signalling: (...args: ConstructorParameters<typeof FakeSignalling>) => (node = new FakeSignalling(...args)),
    get node(): FakeSignalling {
      if (node === null) throw new Error('not connected');
      return node;
    },
  };
}

beforeEach(() => {
  FakePeerConnection.all = [];
});

adapterContract('EmbeddedAdapter', () => {
  const subject = setUp();
  let rev = 0;
  const entry = (participant_id: string) => ({
    mid: '3',
    participant_id,
    source: 'camera',
    kind: 'video',
    muted: false,
  });
  return {
    adapter: subject.adapter,
    config: { signalling: subject.signalling },
    remoteJoins: (id) => subject.node.say('slots', { rev: (rev += 1), map: [entry(id)] }),
    remoteLeaves: () => subject.node.say('slots', { rev: (rev += 1), map: [] }),
    speak: (levels) =>
      subject.node.say('speakers', {
        levels: [...levels].map(([participant_id, level]) => ({ participant_id, level })),
      }),
    expire: () => {
      subject.node.refuseUntil('fresh', 'unauthorized');
      subject.node.say('reset', { reason: 'idle' });
    },
    loseAndRecover: async () => {
      subject.node.living.clear();
      subject.node.say('reset', { reason: 'node restarted' });
      await vi.waitFor(() => expect(FakePeerConnection.all).toHaveLength(2));
      await vi.waitFor(() => expect(FakePeerConnection.latest.connectionState).toBe('connected'));
    },
  };
});

describe('the embedded adapter', () => {
  const devices = () => new FakeDevices();
  const quiet: SFUCallbacks = {
    stateChanged: () => undefined,
    participantsChanged: () => undefined,
    speakers: () => undefined,
    sourceEnded: () => undefined,
  };

  async function connected(callbacks: Partial<SFUCallbacks> = {}) {
    const subject = setUp();
    const config = {
      provider: 'embedded',
      roomId: 'r',
      participantId: 'me',
      token: 't',
      devices: devices(),
      signalling: subject.signalling,
    };
    await subject.adapter.connect(config, { ...quiet, ...callbacks });
    await vi.waitFor(() => expect(FakePeerConnection.latest.connectionState).toBe('connected'));
    return subject;
  }

  afterEach(() => vi.useRealTimers());

  test('the first offer has a line for each own source and eight pairs to receive on', async () => {
    const { node } = await connected();
    expect(FakePeerConnection.latest.lines.map((line) => line.direction)).toEqual([
      ...Array<string>(2).fill('sendonly'),
      ...Array<string>(16).fill('recvonly'),
    ]);
    expect(node.sent('offer')).toEqual([
      {
        gen: 1,
        sdp: 'offer-1',
        tracks: [
          { mid: '0', source: 'microphone' },
          { mid: '1', source: 'camera' },
        ],
      },
    ]);
    expect(node.sent('mute')).toEqual([
      { source: 'microphone', muted: true },
      { source: 'camera', muted: true },
    ]);
  });

  test('a slot table puts people on lines, and a new person on a line gets a new stream', async () => {
    const { adapter, node } = await connected();
    const entry = (participant_id: string) => ({
      mid: '3',
      participant_id,
      source: 'camera',
      kind: 'video',
      muted: false,
    });
    node.say('slots', { rev: 1, map: [entry('anna')] });
    const first = adapter.getRemoteParticipants()[0]?.tracks.get('camera');
    expect(first?.track).toBe(FakePeerConnection.latest.lines[3]?.receiver.track);
    expect(adapter.getRemoteParticipants()[0]?.tracks.get('camera')?.stream).toBe(first?.stream);
    node.say('slots', { rev: 2, map: [entry('boris')] });
    const [boris] = adapter.getRemoteParticipants();
    expect(boris?.id).toBe('boris');
    expect(boris?.tracks.get('camera')?.stream).not.toBe(first?.stream);
    node.say('slots', { rev: 1, map: [] });
    expect(adapter.getRemoteParticipants()).toHaveLength(1);
  });

  test('muting tells the node and takes the track off its line', async () => {
    const { adapter, node } = await connected();
    await adapter.setAudioEnabled(true);
    expect(FakePeerConnection.latest.sending).toHaveLength(1);
    await adapter.setAudioEnabled(false);
    expect(FakePeerConnection.latest.sending).toHaveLength(0);
    expect(node.sent('mute').slice(-2)).toEqual([
      { source: 'microphone', muted: false },
      { source: 'microphone', muted: true },
    ]);
  });

  test('a screen is offered once and its line used again', async () => {
    const { adapter, node } = await connected();
    await adapter.setScreenEnabled(true);
    await vi.waitFor(() => expect(node.sent('offer')).toHaveLength(2));
    expect(node.sent('offer')[1]).toMatchObject({ gen: 2 });
    await adapter.setScreenEnabled(false);
    await adapter.setScreenEnabled(true);
    expect(node.sent('offer')).toHaveLength(2);
    expect(FakePeerConnection.latest.sending).toHaveLength(1);
  });

  test('a lost socket leaves the peer alone and asks for it again', async () => {
    const { adapter, node } = await connected();
    await adapter.setAudioEnabled(true);
    node.drop();
    await adapter.setAudioEnabled(false);
    node.join();
    expect(node.joins.at(-1)).toMatchObject({ peer: 1 });
    expect(FakePeerConnection.all).toHaveLength(1);
    expect(node.sent('offer')).toHaveLength(1);
    expect(node.sent('mute').slice(-2)).toContainEqual({ source: 'microphone', muted: true });
  });

  test('an offer that was lost with the socket is made again on the same peer', async () => {
    const { adapter, node } = await connected();
    node.drop();
    await adapter.setScreenEnabled(true);
    await vi.waitFor(() => expect(node.sent('offer')).toHaveLength(2)); // refused: not joined
    node.join();
    await vi.waitFor(() => expect(node.sent('offer')).toHaveLength(3));
    expect(FakePeerConnection.all).toHaveLength(1);
  });

  test('a peer the node does not know is replaced, with the living tracks and no others', async () => {
    const { adapter, node } = await connected();
    await adapter.setAudioEnabled(true);
    await adapter.setScreenEnabled(true);
    const sending = FakePeerConnection.latest.sending;
    node.drop();
    node.living.clear();
    node.join();
    expect(FakePeerConnection.all.map((pc) => pc.closed)).toEqual([true, false]);
    await vi.waitFor(() => expect(FakePeerConnection.latest.sending).toEqual(sending));
    await vi.waitFor(() => expect(node.sent('mute').slice(-3)).toContainEqual({ source: 'camera', muted: true }));
  });

  test('media that moves to another node is built anew there, with what was on and nothing else', async () => {
    const states: string[] = [];
    const { adapter, node } = await connected({ stateChanged: (state) => states.push(state) });
    await adapter.setVideoEnabled(true);
    await adapter.setAudioEnabled(true);
    await adapter.setAudioEnabled(false);
    const sending = FakePeerConnection.latest.sending;
    const before = node.pushed.length;
    vi.useFakeTimers();
    // The room has no media node yet: the topic joins again by itself.
    node.refusal = 'unavailable';
    node.say('reset', { reason: 'signalling lost' });
    await vi.advanceTimersByTimeAsync(0);
    expect(node.closed).toBe(false);
    expect(states.at(-1)).toBe('reconnecting');
    // The next one knows neither the token nor the peer.
    node.refuseUntil('fresh', 'unauthorized');
    node.join();
    expect(states.at(-1)).toBe('expired');
    adapter.renew({ token: 'fresh' });
    await vi.advanceTimersByTimeAsync(5000);
    expect(states.at(-1)).toBe('connected');
    expect(node.joins.at(-1)).toEqual({ token: 'fresh' });
    expect(FakePeerConnection.all.map((pc) => pc.closed)).toEqual([true, false]);
    expect(FakePeerConnection.latest.sending).toEqual(sending);
    const told = node.pushed.slice(before).filter((push) => push.event === 'mute');
    expect(told.map((push) => push.payload)).toEqual([
      { source: 'microphone', muted: true },
      { source: 'camera', muted: false },
    ]);
  });

  test('a microphone that is switched off while media moves stays off', async () => {
    const { adapter, node } = await connected();
    await adapter.setAudioEnabled(true);
    node.refusal = 'unavailable';
    node.say('reset', { reason: 'signalling lost' });
    await vi.waitFor(() => expect(node.joins).toHaveLength(2));
    await adapter.setAudioEnabled(false);
    node.refusal = null;
    node.join();
    await vi.waitFor(() => expect(node.sent('offer')).toHaveLength(2));
    await vi.waitFor(() => expect(node.sent('mute').slice(-2)).toContainEqual({ source: 'microphone', muted: true }));
    expect(FakePeerConnection.latest.sending).toEqual([]);
    expect(adapter.getLocalParticipant()?.tracks.size).toBe(0);
  });

  test('three seconds without a transport restart ICE, one second does not', async () => {
    const { node } = await connected();
    vi.useFakeTimers();
    FakePeerConnection.latest.become('disconnected');
    await vi.advanceTimersByTimeAsync(1000);
    FakePeerConnection.latest.become('connected');
    await vi.advanceTimersByTimeAsync(5000);
    expect(node.sent('offer')).toHaveLength(1);
    FakePeerConnection.latest.become('disconnected');
    await vi.advanceTimersByTimeAsync(3000);
    expect(FakePeerConnection.latest.iceRestarts).toEqual([false, true]);
  });

  test('a failed transport is replaced through a join without the old peer', async () => {
    const states: string[] = [];
    const { node } = await connected({ stateChanged: (state) => states.push(state) });
    FakePeerConnection.latest.become('failed');
    await vi.waitFor(() => expect(FakePeerConnection.all).toHaveLength(2));
    expect(node.joins.at(-1)).not.toHaveProperty('peer');
    await vi.waitFor(() => expect(states.at(-1)).toBe('connected'));
    expect(states).toContain('reconnecting');
  });

  test('more people than lines means more lines and an offer', async () => {
    const { node } = await connected();
    node.say('need_slots', { audio: 2, video: 1 });
    await vi.waitFor(() => expect(node.sent('offer')).toHaveLength(2));
    expect(FakePeerConnection.latest.lines).toHaveLength(21);
  });

  test('a message that cannot be read changes nothing', async () => {
    const { adapter, node } = await connected();
    node.say('slots', { rev: 'x' });
    node.say('speakers', {});
    expect(adapter.getRemoteParticipants()).toEqual([]);
  });

  test('a refused token is not tried again until it is renewed', async () => {
    const states: string[] = [];
    const { adapter, node } = await connected({ stateChanged: (state) => states.push(state) });
    node.refusal = 'unauthorized';
    node.say('reset', { reason: 'idle' });
    await vi.waitFor(() => expect(states.at(-1)).toBe('expired'));
    expect(node.closed).toBe(true);
    const joins = node.joins.length;
    adapter.resume();
    expect(node.joins).toHaveLength(joins);
    node.refusal = null;
    adapter.renew({ token: 'fresh' });
    await vi.waitFor(() => expect(states.at(-1)).toBe('connected'));
    expect(node.joins.at(-1)).toEqual({ token: 'fresh' });
  });

  test('a grant that is refused again and again is tried at a growing distance', async () => {
    const { adapter, node } = await connected();
    vi.useFakeTimers();
    node.refusal = 'not_found';
    node.say('reset', { reason: 'room expired' });
    await vi.advanceTimersByTimeAsync(0);
    for (let second = 0; second < 60; second += 1) {
      adapter.renew({ token: `t${second}` });
      await vi.advanceTimersByTimeAsync(1000);
    }
    expect(node.joins.length).toBeLessThan(20);
  });

  test('a page that was replaced by another does not take the media back unasked', async () => {
    const states: string[] = [];
    const { adapter, node } = await connected({ stateChanged: (state) => states.push(state) });
    vi.useFakeTimers();
    node.say('reset', { reason: 'replaced' });
    adapter.renew({ token: 'newer' });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(states.at(-1)).toBe('replaced');
    expect(node.joins).toHaveLength(1);
    expect(FakePeerConnection.latest.closed).toBe(true);
    adapter.resume();
    await vi.advanceTimersByTimeAsync(0);
    expect(node.joins.at(-1)).toEqual({ token: 'newer' });
    expect(states.at(-1)).toBe('connected');
  });

  test('media that does not come back is told as failed, still tried, and well again when it comes', async () => {
    const states: string[] = [];
    const { node } = await connected({ stateChanged: (state) => states.push(state) });
    vi.useFakeTimers();
    node.answer = () => Promise.reject(Object.assign(new Error('no'), { reason: 'invalid' }));
    FakePeerConnection.latest.become('failed');
    await vi.advanceTimersByTimeAsync(1000);
    expect(states.at(-1)).toBe('reconnecting');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(states.at(-1)).toBe('failed');
    const joins = node.joins.length;
    node.answer = (payload) => Promise.resolve({ gen: payload['gen'], sdp: 'answer' });
    await vi.advanceTimersByTimeAsync(20_000);
    expect(node.joins.length).toBeGreaterThan(joins);
    expect(states.at(-1)).toBe('connected');
  });

  test('a renewed token is the one the next join shows', async () => {
    const { adapter, node } = await connected();
    adapter.renew({ token: 'newer' });
    node.drop();
    node.join();
    expect(node.joins.at(-1)).toMatchObject({ token: 'newer', peer: 1 });
  });
});
