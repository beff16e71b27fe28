/** An adapter without a network, for tests and for looking at the page: own tracks are real, the others are put in by hand. */
import { LocalTracks } from './localTracks.ts';
import type { DeviceSource, SFUAdapter, SFUCallbacks, SFUConfig, SFUParticipant, SFUState, SFUStats } from './types.ts';

export class FakeAdapter implements SFUAdapter {
  #local: LocalTracks | null = null;
  #config: SFUConfig | null = null;
  #callbacks: SFUCallbacks | null = null;
  #remote: SFUParticipant[] = [];
  #state: SFUState = 'closed';

  connect(config: SFUConfig, callbacks: SFUCallbacks): Promise<void> {
    this.#config = config;
    this.#callbacks = callbacks;
    this.#local = new LocalTracks(config.devices, {
      changed: () => this.#callbacks?.participantsChanged(),
      ended: (source) => this.#callbacks?.sourceEnded(source),
    });
    this.become('connecting');
    queueMicrotask(() => this.become('connected'));
    return Promise.resolve();
  }

  disconnect(): Promise<void> {
    this.#callbacks = null;
    this.#local?.stopAll();
    this.#local = null;
    this.#remote = [];
    return Promise.resolve();
  }

  renew(): void {
    if (this.#state === 'expired') this.become('connected');
  }

  resume(): void {
    if (this.#state === 'replaced' || this.#state === 'failed') this.become('connected');
  }

  async setAudioEnabled(enabled: boolean): Promise<void> {
    await this.#switch('microphone', enabled);
  }

  async setVideoEnabled(enabled: boolean): Promise<void> {
    await this.#switch('camera', enabled);
  }

  async setScreenEnabled(enabled: boolean): Promise<void> {
    if (enabled) return this.#local?.shareScreen();
    this.#local?.switchOff('screen');
    this.#local?.switchOff('screen_audio');
  }

  async selectDevice(source: DeviceSource, deviceId: string | null): Promise<void> {
    await this.#local?.select(source, deviceId);
  }

  getLocalParticipant(): SFUParticipant | null {
    return this.#local?.asParticipant(this.#config?.participantId ?? '') ?? null;
  }

  getRemoteParticipants(): SFUParticipant[] {
    return this.#remote;
  }

  getStats(): Promise<SFUStats | null> {
    return Promise.resolve(null);
  }

  /** Pretends that the transport changed. */
  become(state: SFUState): void {
    this.#state = state;
    this.#callbacks?.stateChanged(state);
  }

  /** Puts others into the room. */
  setRemote(participants: SFUParticipant[]): void {
    this.#remote = participants;
    this.#callbacks?.participantsChanged();
  }

  /** Lets people be heard. */
  setSpeakers(levels: ReadonlyMap<string, number>): void {
    this.#callbacks?.speakers(levels);
  }

  async #switch(source: DeviceSource, enabled: boolean): Promise<void> {
    if (enabled) await this.#local?.switchOn(source);
    else this.#local?.switchOff(source);
  }
}
