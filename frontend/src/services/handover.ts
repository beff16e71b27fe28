/**
 * Tracks on their way from the lobby's preview into the room, so that the camera does not go dark in between. Whoever
 * does not come for them in time finds them stopped.
 */
import type { DeviceSource } from '../adapters/sfu/types.ts';

const PATIENCE_MS = 15_000;

interface Parked {
  track: MediaStreamTrack;
  deviceId: string | null;
  timer: ReturnType<typeof setTimeout>;
}

const parked = new Map<DeviceSource, Parked>();

export function park(source: DeviceSource, track: MediaStreamTrack, deviceId: string | null): void {
  discardParked(source);
  parked.set(source, { track, deviceId, timer: setTimeout(() => discardParked(source), PATIENCE_MS) });
}

/** The parked track if it is of this device and alive. */
export function takeParked(source: DeviceSource, deviceId: string | null): MediaStreamTrack | null {
  const found = parked.get(source);
  if (found === undefined) return null;
  if (found.deviceId !== deviceId || found.track.readyState !== 'live') {
    discardParked(source);
    return null;
  }
  clearTimeout(found.timer);
  parked.delete(source);
  return found.track;
}

export function discardParked(source: DeviceSource): void {
  const found = parked.get(source);
  if (found === undefined) return;
  clearTimeout(found.timer);
  parked.delete(source);
  found.track.stop();
}
