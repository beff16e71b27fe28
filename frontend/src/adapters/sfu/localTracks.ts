/**
 * The own tracks: acquired when a source is switched on, stopped (and the light with them) when it is switched off. Both adapters
 * stand on this, so the promise about devices is kept in one place: only `switchOn` acquires, and whoever switched off
 * in the meantime wins.
 */
import type { DevicePort, DeviceSource, SFUParticipant, SFUTrack, Source } from './types.ts';

export interface LocalTracksHandlers {
  /** The track to send for this source from now on; null for none. */
  changed(source: Source, track: MediaStreamTrack | null): void;
  /** Ended from outside; `changed` with null came before it. */
  ended(source: Source): void;
}

export class LocalTracks {
  readonly #devices: DevicePort;
  readonly #handlers: LocalTracksHandlers;
  readonly #tracks = new Map<Source, SFUTrack>();
  readonly #chosen = new Map<DeviceSource, string | null>();
  /** Rises with each switching, so that a slow acquisition knows that it was overtaken. */
  readonly #intent = new Map<Source, number>();

  constructor(devices: DevicePort, handlers: LocalTracksHandlers) {
    this.#devices = devices;
    this.#handlers = handlers;
  }

  get(source: Source): MediaStreamTrack | null {
    return this.#tracks.get(source)?.track ?? null;
  }

  asParticipant(id: string): SFUParticipant {
    return { id, local: true, tracks: new Map(this.#tracks) };
  }

  async switchOn(source: DeviceSource): Promise<void> {
    if (this.#tracks.has(source)) return;
    const intent = this.#next(source);
    const track = await this.#devices.acquire(source, this.#chosen.get(source) ?? null);
    if (this.#intent.get(source) === intent) this.#put(source, track);
    else track.stop();
  }

  async shareScreen(): Promise<void> {
    if (this.#tracks.has('screen')) return;
    const intent = this.#next('screen');
    const { video, audio } = await this.#devices.acquireScreen();
    if (this.#intent.get('screen') !== intent) {
      video.stop();
      audio?.stop();
      return;
    }
    this.#put('screen', video);
    if (audio !== null) this.#put('screen_audio', audio);
  }

  switchOff(source: Source): void {
    this.#next(source);
    const own = this.#tracks.get(source);
    if (own === undefined) return;
    this.#tracks.delete(source);
    own.track.onended = null;
    own.track.stop();
    this.#handlers.changed(source, null);
  }

  /** A source that is on goes over to the other device; if that one fails, the old one stays. */
  async select(source: DeviceSource, deviceId: string | null): Promise<void> {
    const before = this.#chosen.get(source) ?? null;
    this.#chosen.set(source, deviceId);
    if (!this.#tracks.has(source)) return;
    const intent = this.#next(source);
    const track = await this.#devices.acquire(source, deviceId).catch((error: unknown) => {
      this.#chosen.set(source, before);
      throw error;
    });
    if (this.#intent.get(source) !== intent) return track.stop();
    const old = this.#tracks.get(source)?.track;
    this.#put(source, track);
    if (old !== undefined) {
      old.onended = null;
      old.stop();
    }
  }

  stopAll(): void {
    for (const source of [...this.#tracks.keys()]) this.switchOff(source);
    for (const source of ['microphone', 'camera', 'screen'] as const) this.#next(source);
  }

  #put(source: Source, track: MediaStreamTrack): void {
    track.onended = () => this.#lost(source, track);
    this.#tracks.set(source, { source, track, stream: new MediaStream([track]), muted: false });
    this.#handlers.changed(source, track);
  }

  #lost(source: Source, track: MediaStreamTrack): void {
    if (this.#tracks.get(source)?.track !== track) return;
    this.switchOff(source);
    if (source === 'screen') this.switchOff('screen_audio');
    this.#handlers.ended(source);
  }

  #next(source: Source): number {
    const next = (this.#intent.get(source) ?? 0) + 1;
    this.#intent.set(source, next);
    return next;
  }
}
