/** Tracks and devices that exist in tests. */
import type { DevicePort, DeviceSource, Source } from '../adapters/sfu/types.ts';

export class FakeMediaStream {
  readonly #tracks: MediaStreamTrack[];

  constructor(tracks: MediaStreamTrack[] = []) {
    this.#tracks = tracks;
  }

  getTracks(): MediaStreamTrack[] {
    return this.#tracks;
  }
}

let serial = 0;

export class FakeTrack {
  readonly id = `track-${(serial += 1)}`;
  readonly kind: 'audio' | 'video';
  readyState: 'live' | 'ended' = 'live';
  onended: (() => void) | null = null;

  constructor(kind: 'audio' | 'video') {
    this.kind = kind;
  }

  stop(): void {
    this.readyState = 'ended';
  }

  /** As when the device is pulled out. */
  vanish(): void {
    this.readyState = 'ended';
    this.onended?.();
  }

  asTrack(): MediaStreamTrack {
    return this as unknown as MediaStreamTrack;
  }
}

/** Counts every acquisition: the proof of "nothing turns on by itself" stands on it. */
export class FakeDevices implements DevicePort {
  readonly acquired: { source: Source; track: FakeTrack; deviceId: string | null }[] = [];
  failWith: Error | null = null;

  acquire(source: DeviceSource, deviceId: string | null): Promise<MediaStreamTrack> {
    if (this.failWith !== null) return Promise.reject(this.failWith);
    const track = new FakeTrack(source === 'microphone' ? 'audio' : 'video');
    this.acquired.push({ source, track, deviceId });
    return Promise.resolve(track.asTrack());
  }

  acquireScreen(): Promise<{ video: MediaStreamTrack; audio: MediaStreamTrack | null }> {
    if (this.failWith !== null) return Promise.reject(this.failWith);
    const track = new FakeTrack('video');
    this.acquired.push({ source: 'screen', track, deviceId: null });
    return Promise.resolve({ video: track.asTrack(), audio: null });
  }

  get live(): Source[] {
    return this.acquired.filter(({ track }) => track.readyState === 'live').map(({ source }) => source);
  }
}
