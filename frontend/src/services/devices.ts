/** Microphones, cameras and screens: acquiring with a named cause of failure, and lists of what there is. */

import type { DevicePort, DeviceSource } from '../adapters/sfu/types.ts';

import { takeParked } from './handover.ts';

export type DeviceCause = 'insecure' | 'denied' | 'not_found' | 'busy' | 'unsupported' | 'unknown';

/** A source did not come on, and why. */
export class DeviceError extends Error {
  override readonly name = 'DeviceError';
  readonly deviceCause: DeviceCause;

  constructor(cause: DeviceCause, message: string) {
    super(message);
    this.deviceCause = cause;
  }
}

export interface DeviceLists {
  microphones: MediaDeviceInfo[];
  cameras: MediaDeviceInfo[];
  speakers: MediaDeviceInfo[];
}

export const NO_DEVICES: DeviceLists = { microphones: [], cameras: [], speakers: [] };

const CAPTURE = {
  microphone: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
  camera: { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } },
} as const;

/** What adapters acquire from: a track parked by the lobby if there is one, otherwise the device itself. */
export const browserDevices: DevicePort = {
  acquire: async (source, deviceId) => takeParked(source, deviceId) ?? (await acquireTrack(source, deviceId)),
  acquireScreen: async () => {
    if (navigator.mediaDevices?.getDisplayMedia === undefined) throw unavailable();
    const stream = await navigator.mediaDevices
      .getDisplayMedia({ video: { frameRate: { ideal: 15 } }, audio: true })
      .catch(rethrow);
    return { video: first(stream.getVideoTracks()), audio: stream.getAudioTracks()[0] ?? null };
  },
};

/** A remembered device that is gone is no failure: the default one does. */
export async function acquireTrack(source: DeviceSource, deviceId: string | null): Promise<MediaStreamTrack> {
  if (navigator.mediaDevices?.getUserMedia === undefined) throw unavailable();
  try {
    return await capture(source, deviceId);
  } catch (error) {
    if (deviceId !== null && ['OverconstrainedError', 'NotFoundError'].includes(nameOf(error))) {
      return capture(source, null).catch(rethrow);
    }
    return rethrow(error);
  }
}

/** Labels are empty until a device was allowed once. */
export async function listDevices(): Promise<DeviceLists> {
  const all = (await navigator.mediaDevices?.enumerateDevices().catch(() => [])) ?? [];
  const of = (kind: MediaDeviceKind) => all.filter((device) => device.kind === kind && device.deviceId !== '');
  return { microphones: of('audioinput'), cameras: of('videoinput'), speakers: of('audiooutput') };
}

export function onDevicesChanged(listener: () => void): () => void {
  const devices = navigator.mediaDevices as MediaDevices | undefined;
  devices?.addEventListener?.('devicechange', listener);
  return () => devices?.removeEventListener?.('devicechange', listener);
}

export function causeOf(error: unknown): DeviceCause {
  if (error instanceof DeviceError) return error.deviceCause;
  switch (nameOf(error)) {
    case 'NotAllowedError':
    case 'PermissionDeniedError':
      return 'denied';
    case 'SecurityError':
      return 'insecure';
    case 'NotFoundError':
    case 'DevicesNotFoundError':
    case 'OverconstrainedError':
      return 'not_found';
    case 'NotReadableError':
    case 'TrackStartError':
    case 'AbortError':
      return 'busy';
    default:
      return 'unknown';
  }
}

async function capture(source: DeviceSource, deviceId: string | null): Promise<MediaStreamTrack> {
  const wanted = { ...CAPTURE[source], ...(deviceId === null ? {} : { deviceId: { exact: deviceId } }) };
  const stream = await navigator.mediaDevices.getUserMedia(
    source === 'microphone' ? { audio: wanted } : { video: wanted },
  );
  return first(stream.getTracks());
}

function first(tracks: MediaStreamTrack[]): MediaStreamTrack {
  const [track] = tracks;
  if (track === undefined) throw new DeviceError('not_found', 'no track was given');
  return track;
}

/** Outside a secure context browsers hide the whole API. */
function unavailable(): DeviceError {
  return globalThis.isSecureContext === false
    ? new DeviceError('insecure', 'not a secure context')
    : new DeviceError('unsupported', 'not supported');
}

function rethrow(error: unknown): never {
  throw new DeviceError(causeOf(error), String(error));
}

function nameOf(error: unknown): string {
  return error instanceof Error || error instanceof DOMException ? error.name : '';
}
