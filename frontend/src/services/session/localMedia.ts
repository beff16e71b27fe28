/**
 * What the user wants of microphone, camera and screen, and nobody else: a source goes on by {@link LocalMediaControl.toggle} only, or by
 * the choice with which the page was entered. Everything that happens to us (a moderator, a lost right, an unplugged device, a
 * new connection) can only switch off or leave as it is.
 */
import type { DeviceSource, SFUAdapter } from '../../adapters/sfu/types.ts';
import type { LocalMedia, Member } from '../../types/roomHandle.ts';
import { causeOf } from '../devices.ts';
import type { DeviceChoice } from '../preferences.ts';

export type ControlledSource = 'microphone' | 'camera' | 'screen';
export type MediaFlags = Member['media'];
type Problem = LocalMedia['problem'];
export type Refusal = 'not_allowed_by_moderator' | 'no_answer';

/** A device that opens longer after its press than this would open by itself. */
export const PERMIT_MS = 5000;

export interface LocalMediaPorts {
  changed(): void;
  /** Null when the source may go on; asks the room to lift a moderator's mark first if there is one. */
  permit(source: ControlledSource): Promise<Refusal | null>;
}

export class LocalMediaControl {
  readonly #ports: LocalMediaPorts;
  readonly #on: MediaFlags;
  /** Rises with each wish, so that what an older one comes to is ignored. */
  readonly #wish: Record<ControlledSource, number> = { microphone: 0, camera: 0, screen: 0 };
  /** Pressed, and the room has not said yet whether it may go on. */
  readonly #asking = new Set<ControlledSource>();
  #adapter: SFUAdapter | null = null;
  #problem: Problem = null;

  constructor(initial: DeviceChoice, ports: LocalMediaPorts) {
    this.#on = { microphone: initial.microphone, camera: initial.camera, screen: false };
    this.#ports = ports;
  }

  get flags(): MediaFlags {
    return { ...this.#on };
  }

  get problem(): Problem {
    return this.#problem;
  }

  /** Hands what is on over to an adapter that has just connected. A screen cannot be taken along: the browser asks each time. */
  async attach(adapter: SFUAdapter): Promise<void> {
    this.#adapter = adapter;
    if (this.#on.screen) this.forceOff('screen');
    const on = (['microphone', 'camera'] as const).filter((source) => this.#on[source]);
    await Promise.all(on.map((source) => this.#apply(source)));
  }

  detach(): void {
    this.#adapter = null;
  }

  /** A press while the room is still being asked takes the first one back. */
  async toggle(source: ControlledSource): Promise<void> {
    if (this.#on[source] || this.#asking.has(source)) {
      this.#problem = null;
      this.forceOff(source);
      return this.#ports.changed();
    }
    const wish = ++this.#wish[source];
    this.#problem = null;
    this.#asking.add(source);
    const refusal = await this.#permission(source);
    if (this.#wish[source] !== wish) return;
    this.#asking.delete(source);
    if (refusal !== null) {
      this.#problem = { source, cause: refusal };
      return this.#ports.changed();
    }
    this.#on[source] = true;
    this.#ports.changed();
    await this.#apply(source);
  }

  /** Off at once, whoever asked for it. */
  forceOff(source: ControlledSource): void {
    this.#wish[source] += 1;
    this.#asking.delete(source);
    const wasOn = this.#on[source];
    this.#on[source] = false;
    if (this.#adapter !== null) void enable(this.#adapter, source, false);
    if (wasOn) this.#ports.changed();
  }

  /** Whatever the room was being asked is void: an answer after the reconnect would come as a surprise. */
  connectionLost(): void {
    for (const source of [...this.#asking]) {
      this.forceOff(source);
      this.#problem = { source, cause: 'no_answer' };
      this.#ports.changed();
    }
  }

  /** The source stopped by itself; it stays off. */
  ended(source: ControlledSource): void {
    this.forceOff(source);
    if (source !== 'screen') this.#problem = { source, cause: 'not_found' };
    this.#ports.changed();
  }

  async select(source: DeviceSource, deviceId: string): Promise<void> {
    try {
      await this.#adapter?.selectDevice(source, deviceId);
      this.#problem = null;
    } catch (error) {
      this.#problem = { source, cause: causeOf(error) };
    }
    this.#ports.changed();
  }

  async #permission(source: ControlledSource): Promise<Refusal | null> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<Refusal>((resolve) => {
      timer = setTimeout(() => resolve('no_answer'), PERMIT_MS);
    });
    try {
      return await Promise.race([this.#ports.permit(source), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #apply(source: ControlledSource): Promise<void> {
    const adapter = this.#adapter;
    if (adapter === null) return;
    const wish = this.#wish[source];
    try {
      await enable(adapter, source, true);
    } catch (error) {
      if (this.#wish[source] !== wish) return;
      this.#on[source] = false;
      // Closing the browser's picker is an answer, not a failure.
      const cause = causeOf(error);
      this.#problem = source === 'screen' && cause === 'denied' ? null : { source, cause };
    }
    this.#ports.changed();
  }
}

function enable(adapter: SFUAdapter, source: ControlledSource, on: boolean): Promise<void> {
  switch (source) {
    case 'microphone':
      return adapter.setAudioEnabled(on);
    case 'camera':
      return adapter.setVideoEnabled(on);
    case 'screen':
      return adapter.setScreenEnabled(on);
    default:
      return source satisfies never;
  }
}
