/** What every adapter promises, as tests: run by the test file of each of them. */
import { beforeEach, describe, expect, test, vi } from 'vitest';

import { FakeDevices } from '../../test/fakeMedia.ts';

import type { SFUAdapter, SFUCallbacks, SFUConfig, SFUState, Source } from './types.ts';

export interface ContractSubject {
  adapter: SFUAdapter;
  /** Breaks the transport and lets the adapter mend it. */
  loseAndRecover(): Promise<void>;
  /** Puts someone with a camera into the room. */
  remoteJoins(id: string): void;
  remoteLeaves(id: string): void;
  /** Lets people be heard, by level. */
  speak(levels: ReadonlyMap<string, number>): void;
  /** Takes the grant's worth away: the next connecting is refused until `renew`. */
  expire(): void;
  config: Pick<SFUConfig, 'signalling'> & Partial<SFUConfig>;
}

export function adapterContract(name: string, make: () => ContractSubject): void {
  describe(`${name} keeps the contract`, () => {
    let devices: FakeDevices;
    let subject: ContractSubject;
    let states: SFUState[];
    let ended: Source[];
    let heard: ReadonlyMap<string, number>[];
    let changes: number;

    beforeEach(async () => {
      devices = new FakeDevices();
      subject = make();
      states = [];
      ended = [];
      heard = [];
      changes = 0;
      const callbacks: SFUCallbacks = {
        stateChanged: (state) => states.push(state),
        participantsChanged: () => (changes += 1),
        speakers: (levels) => heard.push(levels),
        sourceEnded: (source) => ended.push(source),
      };
      await subject.adapter.connect(
        { provider: name, roomId: 'room', participantId: 'me', token: 't', devices, ...subject.config },
        callbacks,
      );
      await vi.waitFor(() => expect(states.at(-1)).toBe('connected'));
    });

    const on = () => [...(subject.adapter.getLocalParticipant()?.tracks.keys() ?? [])];

    test('connecting switches nothing on', () => {
      expect(devices.acquired).toEqual([]);
      expect(on()).toEqual([]);
      expect(subject.adapter.getLocalParticipant()).toMatchObject({ id: 'me', local: true });
    });

    test('a source goes on and off by being told, and off means stopped', async () => {
      await subject.adapter.setAudioEnabled(true);
      await subject.adapter.setVideoEnabled(true);
      expect(on()).toEqual(['microphone', 'camera']);
      await subject.adapter.setVideoEnabled(false);
      expect(on()).toEqual(['microphone']);
      expect(devices.live).toEqual(['microphone']);
    });

    test('switching on twice acquires once', async () => {
      await subject.adapter.setAudioEnabled(true);
      await subject.adapter.setAudioEnabled(true);
      expect(devices.acquired).toHaveLength(1);
    });

    test('off wins over an acquisition that is still under way', async () => {
      const coming = subject.adapter.setVideoEnabled(true);
      await subject.adapter.setVideoEnabled(false);
      await coming;
      expect(on()).toEqual([]);
      expect(devices.live).toEqual([]);
    });

    test('a device that fails is off and says why', async () => {
      devices.failWith = new Error('denied');
      await expect(subject.adapter.setAudioEnabled(true)).rejects.toThrow('denied');
      expect(on()).toEqual([]);
    });

    test('a device that vanishes is off and tells so once', async () => {
      await subject.adapter.setAudioEnabled(true);
      devices.acquired[0]?.track.vanish();
      expect(ended).toEqual(['microphone']);
      expect(on()).toEqual([]);
    });

    test('recovering acquires nothing and changes nothing', async () => {
      await subject.adapter.setAudioEnabled(true);
      await subject.adapter.setVideoEnabled(true);
      await subject.adapter.setVideoEnabled(false);
      const acquired = devices.acquired.length;
      await subject.loseAndRecover();
      expect(devices.acquired).toHaveLength(acquired);
      expect(on()).toEqual(['microphone']);
      expect(devices.live).toEqual(['microphone']);
    });

    test('another device replaces the one that is on, and waits for one that is off', async () => {
      await subject.adapter.setAudioEnabled(true);
      await subject.adapter.selectDevice('microphone', 'usb');
      await subject.adapter.selectDevice('camera', 'wide');
      expect(devices.acquired.map((each) => each.deviceId)).toEqual([null, 'usb']);
      expect(devices.live).toEqual(['microphone']);
      await subject.adapter.setVideoEnabled(true);
      expect(devices.acquired.at(-1)?.deviceId).toBe('wide');
    });

    test('a screen is shared and unshared', async () => {
      await subject.adapter.setScreenEnabled(true);
      expect(on()).toEqual(['screen']);
      await subject.adapter.setScreenEnabled(false);
      expect(devices.live).toEqual([]);
    });

    test('who comes is there with tracks of their own, and who leaves is not', () => {
      const before = changes;
      subject.remoteJoins('anna');
      const [anna] = subject.adapter.getRemoteParticipants();
      expect(anna).toMatchObject({ id: 'anna', local: false });
      const camera = anna?.tracks.get('camera');
      expect(camera?.stream.getTracks()).toEqual([camera?.track]);
      expect(changes).toBeGreaterThan(before);
      subject.remoteLeaves('anna');
      expect(subject.adapter.getRemoteParticipants()).toEqual([]);
      expect(changes).toBeGreaterThan(before + 1);
    });

    test('who speaks is told by level', () => {
      const levels = new Map([
        ['anna', 20],
        ['boris', 40],
      ]);
      subject.speak(levels);
      expect(heard).toEqual([levels]);
    });

    test('a grant that is refused is told as expired, and a fresh one connects again', async () => {
      await subject.adapter.setAudioEnabled(true);
      subject.expire();
      await vi.waitFor(() => expect(states.at(-1)).toBe('expired'));
      subject.adapter.renew({ token: 'fresh' });
      await vi.waitFor(() => expect(states.at(-1)).toBe('connected'));
      expect(on()).toEqual(['microphone']);
    });

    test('disconnecting stops every track and calls nothing back', async () => {
      await subject.adapter.setAudioEnabled(true);
      await subject.adapter.setScreenEnabled(true);
      const before = [states.length, changes];
      await subject.adapter.disconnect();
      expect(devices.live).toEqual([]);
      expect([states.length, changes]).toEqual(before);
      expect(subject.adapter.getRemoteParticipants()).toEqual([]);
    });
  });
}
