/**
 * What the room page gets from `useRoom`, and nothing else: the seam between behaviour (services, adapters, hooks) and drawing
 * (pages, components). It is below both and imports nothing, so that neither side needs the other to speak of the room. Behaviour
 * keeps every promise about devices: nothing here ever turns a microphone or camera on but a user's own press.
 */

export type Source = 'microphone' | 'camera' | 'screen' | 'screen_audio';
export type Role = 'host' | 'moderator' | 'participant' | 'viewer';
export type ConnectionPhase = 'connecting' | 'connected' | 'reconnecting' | 'moving' | 'ended';

/** Sound and picture, apart from the room: `replaced` is another page of the same participant that has them now. */
export type MediaPhase = 'none' | 'connecting' | 'connected' | 'restoring' | 'replaced';

export interface Member {
  participantId: string;
  name: string;
  role: Role;
  joinedAt: number;
  state: 'connected' | 'reconnecting';
  media: { microphone: boolean; camera: boolean; screen: boolean };
  mutedByModerator: Source[];
  rights: Source[];
}

export interface ChatMessage {
  id: string;
  from: string;
  name: string;
  text: string;
  at: number;
  /** `sending` until the server committed it; `failed` offers a retry. */
  status: 'sending' | 'sent' | 'failed';
}

/** One picture on the stage: a person, or a person's screen. */
export interface Tile {
  /** Stable: `<participantId>` or `<participantId>:screen`. */
  key: string;
  participantId: string;
  name: string;
  local: boolean;
  screen: boolean;
  /** What the `<video>` shows; null while there is none (draw the initials). */
  stream: MediaStream | null;
  /** Someone else's voice, to be played by a hidden `<audio>`; always null for local tiles. */
  audio: MediaStream | null;
  microphoneOn: boolean;
  cameraOn: boolean;
  speaking: boolean;
  handRaised: boolean;
  /** `reconnecting` dims the last frame. */
  state: 'connected' | 'reconnecting';
  quality: 'good' | 'fair' | 'poor' | 'unknown';
}

export type EndedReason =
  | 'left'
  | 'kicked'
  | 'banned'
  | 'room_ended'
  | 'not_found'
  | 'locked'
  | 'full'
  | 'wrong_password'
  | 'unauthorized'
  | 'refused'
  /** Away for longer than the room keeps a place: it takes another press to come in. */
  | 'lapsed'
  | 'failed';

export interface Reaction {
  key: number;
  from: string;
  name: string;
  emoji: string;
}

/** What someone else did to or before me; shown as a toast. */
export interface Notice {
  key: number;
  kind: 'hand_raised' | 'muted_by' | 'rights_changed' | 'role_changed' | 'joined' | 'left';
  name: string;
  detail?: string;
}

export interface LocalMedia {
  microphone: boolean;
  camera: boolean;
  screen: boolean;
  /** Why a device did not come on at the last press. */
  problem: {
    source: Source;
    cause:
      | 'insecure'
      | 'denied'
      | 'not_found'
      | 'busy'
      | 'not_allowed_by_moderator'
      /** The room did not say in time whether it may go on. */
      | 'no_answer'
      | 'unsupported'
      | 'unknown';
  } | null;
  devices: { microphones: MediaDeviceInfo[]; cameras: MediaDeviceInfo[]; speakers: MediaDeviceInfo[] };
  microphoneId: string | null;
  cameraId: string | null;
  speakerId: string | null;
}

export interface MediaStats {
  rttMs: number | null;
  outboundKbps: number;
  inboundKbps: number;
  packetsLost: number;
  tiles: Array<{
    key: string;
    name: string;
    kbps: number;
    framesPerSecond: number;
    width: number;
    height: number;
    lost: number;
  }>;
}

export interface RoomActions {
  toggleMicrophone(): Promise<void>;
  toggleCamera(): Promise<void>;
  toggleScreen(): Promise<void>;
  selectMicrophone(deviceId: string): Promise<void>;
  selectCamera(deviceId: string): Promise<void>;
  selectSpeaker(deviceId: string): Promise<void>;
  toggleHand(): Promise<void>;
  lowerHand(participantId: string): Promise<void>;
  react(emoji: string): void;
  sendChat(text: string): void;
  retryChat(id: string): void;
  /** Leaves for good; the handle's `connection` becomes `ended` with reason `left`. */
  leave(): Promise<void>;
  muteMember(participantId: string, source: Source): Promise<void>;
  kick(participantId: string): Promise<void>;
  rename(name: string): Promise<void>;
  /** The page's own sounds, off or on; remembered. */
  toggleSounds(): void;
  stats(): Promise<MediaStats | null>;
  /** Brings sound and picture back from another page of the same participant. */
  takeMediaBack(): void;
}

/** How someone comes in from the lobby step. */
export interface JoinIntent {
  name: string;
  microphone: boolean;
  camera: boolean;
  microphoneId: string | null;
  cameraId: string | null;
  password?: string;
  /** A reload in the middle of a call: nobody pressed anything. */
  returning?: boolean;
}

export interface RoomHandle {
  connection: ConnectionPhase;
  media: MediaPhase;
  /** Set when `connection` is `ended`. */
  ended: { reason: EndedReason; by?: string; message?: string } | null;
  /** Waiting to be admitted. */
  waiting: boolean;
  room: { id: string; name: string; locked: boolean; lobby: boolean; createdAt: number } | null;
  node: string | null;
  me: Member | null;
  members: Member[];
  hands: string[];
  chat: ChatMessage[];
  tiles: Tile[];
  reactions: Reaction[];
  notices: Notice[];
  local: LocalMedia;
  sounds: boolean;
  actions: RoomActions;
}
