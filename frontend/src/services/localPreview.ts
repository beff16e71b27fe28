/** The lobby's look in the mirror: own tracks before anyone else sees them, each switched by its own press. */
import type { DeviceSource } from '../adapters/sfu/types.ts';

import { acquireTrack, causeOf, type DeviceCause } from './devices.ts';
import { Emitter } from './emitter.ts';
import { park } from './handover.ts';
import { meterLevel } from './levelMeter.ts';
import { preferences } from './preferences.ts';

export interface PreviewView {
  /** Of the camera; null while it is off. */
  stream: MediaStream | null;
  microphone: boolean;
  camera: boolean;
  /** 0..1 of the microphone. */
  level: number;
  problems: Partial<Record<DeviceSource, DeviceCause>>;
  microphoneId: string | null;
  cameraId: string | null;
}

export class LocalPreview {
  readonly #emitter = new Emitter();
  readonly #tracks = new Map<DeviceSource, MediaStreamTrack>();
  readonly #wish: Record<DeviceSource, number> = { microphone: 0, camera: 0 };
  #stopMeter: () => void = () => undefined;
  #view: PreviewView;

  constructor() {
    const { microphoneId, cameraId } = preferences.devices;
    this.#view = { stream: null, microphone: false, camera: false, level: 0, problems: {}, microphoneId, cameraId };
  }

  readonly subscribe = (listener: () => void): (() => void) => this.#emitter.subscribe(listener);
  readonly getSnapshot = (): PreviewView => this.#view;

  async setEnabled(source: DeviceSource, enabled: boolean): Promise<void> {
    const wish = ++this.#wish[source];
    if (!enabled) return this.#put(source, null);
    if (this.#tracks.has(source)) return;
    this.#set({ [source]: true, problems: { ...this.#view.problems, [source]: undefined } });
    try {
      const track = await acquireTrack(source, this.#deviceId(source));
      if (this.#wish[source] === wish) this.#put(source, track);
      else track.stop();
    } catch (error) {
      if (this.#wish[source] !== wish) return;
      this.#put(source, null);
      this.#set({ problems: { ...this.#view.problems, [source]: causeOf(error) } });
    }
  }

  async select(source: DeviceSource, deviceId: string | null): Promise<void> {
    const id = source === 'microphone' ? { microphoneId: deviceId } : { cameraId: deviceId };
    preferences.devices = { ...preferences.devices, ...id };
    this.#set(id);
    if (!this.#tracks.has(source)) return;
    this.#put(source, null);
    await this.setEnabled(source, true);
  }

  /** Gives the living tracks to the room that is about to be entered. */
  handOver(): void {
    for (const [source, track] of this.#tracks) park(source, track, this.#deviceId(source));
    this.#tracks.clear();
    this.stop();
  }

  stop(): void {
    this.#wish.microphone += 1;
    this.#wish.camera += 1;
    this.#put('microphone', null);
    this.#put('camera', null);
  }

  #put(source: DeviceSource, track: MediaStreamTrack | null): void {
    const old = this.#tracks.get(source);
    if (old !== undefined) {
      old.onended = null;
      old.stop();
    }
    if (track === null) this.#tracks.delete(source);
    else this.#tracks.set(source, track);
    if (track !== null) track.onended = () => this.#put(source, null);
    if (source === 'microphone') this.#meter(track);
    const stream = source === 'camera' ? { stream: track === null ? null : new MediaStream([track]) } : {};
    this.#set({ [source]: track !== null, ...stream });
  }

  #meter(track: MediaStreamTrack | null): void {
    this.#stopMeter();
    this.#stopMeter = track === null ? () => undefined : meterLevel(track, (level) => this.#set({ level }));
    if (track === null) this.#set({ level: 0 });
  }

  #deviceId(source: DeviceSource): string | null {
    return source === 'microphone' ? this.#view.microphoneId : this.#view.cameraId;
  }

  #set(change: Partial<PreviewView>): void {
    this.#view = { ...this.#view, ...change };
    this.#emitter.emit();
  }
}
