/**
 * The port to whatever carries the media. An adapter never switches a microphone or camera on by itself: recovering, it sends
 * again exactly the tracks that are on, and a source that is off stays off until `set…Enabled(true)`.
 */
import type { SfuPushes, Source } from '../../services/protocol.ts';

export type { Source };
export type DeviceSource = Extract<Source, 'microphone' | 'camera'>;

/** One track of someone, on its way to a tile. */
export interface SFUTrack {
  source: Source;
  track: MediaStreamTrack;
  /** Holds just `track`; the same object for as long as this track is this participant's. */
  stream: MediaStream;
  muted: boolean;
}

export interface SFUParticipant {
  id: string;
  local: boolean;
  tracks: ReadonlyMap<Source, SFUTrack>;
}

/**
 * The adapter tries again by itself in every state but three: `expired` needs `renew` with a grant from a new join of the room,
 * `replaced` (another page of the same participant has the media now) needs `resume`, and `closed` is the end. `failed` says that
 * trying has not helped so far; it goes on at a slow pace, or at once by `resume`.
 */
export type SFUState = 'connecting' | 'connected' | 'reconnecting' | 'failed' | 'expired' | 'replaced' | 'closed';

/** Where tracks come from; rejects with a `DeviceError`. */
export interface DevicePort {
  acquire(source: DeviceSource, deviceId: string | null): Promise<MediaStreamTrack>;
  /** The picture, and the sound if it was shared. */
  acquireScreen(): Promise<{ video: MediaStreamTrack; audio: MediaStreamTrack | null }>;
}

export interface SignallingHandlers {
  joined(reply: unknown): void;
  refused(error: Error & { reason: string }): void;
  event(name: string, payload: unknown): void;
  down(): void;
  closed(): void;
}

/** The topic that an adapter may signal on; it rejoins by itself. */
export interface Signalling {
  readonly joined: boolean;
  open(): void;
  restart(): void;
  close(): void;
  push<E extends keyof SfuPushes>(event: E, payload: SfuPushes[E]): Promise<unknown>;
}

export interface SFUConfig {
  provider: string;
  roomId: string;
  participantId: string;
  token: string;
  /** For providers with a server of their own. */
  url?: string;
  devices: DevicePort;
  /** `params` is asked at each join. */
  signalling(params: () => object, handlers: SignallingHandlers): Signalling;
}

export interface SFUCallbacks {
  stateChanged(state: SFUState): void;
  /** Someone's tracks changed, or the own ones. */
  participantsChanged(): void;
  /** Who is heard now; RFC 6464 levels, 0 is loudest. */
  speakers(levels: ReadonlyMap<string, number>): void;
  /** A source that was on ended from outside: unplugged, or sharing stopped in the browser's bar. */
  sourceEnded(source: Source): void;
}

export interface SFUTrackStats {
  participantId: string;
  source: Source;
  kbps: number;
  framesPerSecond: number;
  width: number;
  height: number;
  packetsLost: number;
  packetsReceived: number;
}

export interface SFUStats {
  rttMs: number | null;
  outboundKbps: number;
  inboundKbps: number;
  packetsLost: number;
  /** What is received; own tracks are not in it. */
  tracks: SFUTrackStats[];
}

export interface SFUAdapter {
  /** Resolves when the connecting has begun; `stateChanged` tells the rest. */
  connect(config: SFUConfig, callbacks: SFUCallbacks): Promise<void>;
  /** Stops all own tracks. Nothing is called back afterwards. */
  disconnect(): Promise<void>;
  /** A fresh grant after the room was rejoined; living media is not disturbed. */
  renew(grant: Pick<SFUConfig, 'token' | 'url'>): void;
  /** Takes the media back after `replaced`, and tries at once after `failed`; nothing otherwise. */
  resume(): void;
  /** Rejects with a `DeviceError`, and then the source is off. */
  setAudioEnabled(enabled: boolean): Promise<void>;
  setVideoEnabled(enabled: boolean): Promise<void>;
  setScreenEnabled(enabled: boolean): Promise<void>;
  /** Takes effect at once on a source that is on, and on the next switching on otherwise. */
  selectDevice(source: DeviceSource, deviceId: string | null): Promise<void>;
  getLocalParticipant(): SFUParticipant | null;
  getRemoteParticipants(): SFUParticipant[];
  getStats(): Promise<SFUStats | null>;
}
