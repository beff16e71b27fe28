/**
 * What this browser remembers. Habits (name, devices, recent rooms) are the browser's: localStorage. Who one is in a room is
 * the tab's: sessionStorage, so a reload keeps the identity and two tabs are two people.
 */
import { fields } from './decode.ts';

export interface RecentRoom {
  id: string;
  name: string;
  at: number;
}

export interface DeviceChoice {
  microphone: boolean;
  camera: boolean;
}

export interface ChosenDevices {
  microphoneId: string | null;
  cameraId: string | null;
  speakerId: string | null;
}

/** What a tab knows of itself in one room. */
export interface RoomIdentity {
  token?: string;
  resume?: string;
  participantId?: string;
}

/** What the eye had arranged in a call. */
export interface RoomLayout {
  panel: string | null;
  pinned: string | null;
  /** Typed and not sent. */
  draft: string;
}

const RECENT = 8;

export class Preferences {
  readonly #local: Storage | null;
  readonly #session: Storage | null;

  constructor(local: Storage | null = storage('localStorage'), session: Storage | null = storage('sessionStorage')) {
    this.#local = local;
    this.#session = session;
  }

  get name(): string {
    return read<string>(this.#local, 'name') ?? '';
  }

  set name(value: string) {
    write(this.#local, 'name', value);
  }

  get devices(): ChosenDevices {
    return {
      microphoneId: null,
      cameraId: null,
      speakerId: null,
      ...read<Partial<ChosenDevices>>(this.#local, 'devices'),
    };
  }

  set devices(value: ChosenDevices) {
    write(this.#local, 'devices', value);
  }

  /** What was on when the last lobby was left. */
  get choice(): DeviceChoice {
    return { microphone: true, camera: true, ...read<Partial<DeviceChoice>>(this.#local, 'choice') };
  }

  set choice(value: DeviceChoice) {
    write(this.#local, 'choice', value);
  }

  /** Whether the page may make sounds of its own. */
  get sounds(): boolean {
    return read<string>(this.#local, 'sounds') !== 'off';
  }

  set sounds(value: boolean) {
    write(this.#local, 'sounds', value ? 'on' : 'off');
  }

  get recentRooms(): RecentRoom[] {
    const rooms = read<RecentRoom[]>(this.#local, 'recent');
    return Array.isArray(rooms) ? rooms.slice(0, RECENT) : [];
  }

  rememberRoom(id: string, name: string): void {
    const others = this.recentRooms.filter((room) => room.id !== id);
    write(this.#local, 'recent', [{ id, name, at: Date.now() }, ...others].slice(0, RECENT));
  }

  forgetRoom(id: string): void {
    write(
      this.#local,
      'recent',
      this.recentRooms.filter((room) => room.id !== id),
    );
  }

  /** The token of creation or of `POST …/join`. A new token is a new identity. */
  rememberToken(roomId: string, token: string, participantId?: string): void {
    write(this.#session, `room.${roomId}`, {
      token,
      ...(participantId === undefined ? {} : { participantId }),
    } satisfies RoomIdentity);
  }

  rememberResume(roomId: string, participantId: string, resume: string): void {
    write(this.#session, `room.${roomId}`, { ...this.identity(roomId), participantId, resume } satisfies RoomIdentity);
  }

  /** Empty when this tab was never let into the room. */
  identity(roomId: string): RoomIdentity {
    return read<RoomIdentity>(this.#session, `room.${roomId}`) ?? {};
  }

  /** A reload may walk straight in: this tab was in the room and has not left it. */
  wasInside(roomId: string): boolean {
    return this.identity(roomId).resume !== undefined;
  }

  /** After leaving or being refused: whoever comes next in this tab is someone new. */
  forgetIdentity(roomId: string): void {
    this.#session?.removeItem(key(`room.${roomId}`));
    this.#session?.removeItem(key(`media.${roomId}`));
    this.#session?.removeItem(key(`layout.${roomId}`));
  }

  /** How the call looked when the page was last alive: a reload keeps it. */
  roomLayout(roomId: string): RoomLayout {
    const { panel, pinned, draft } =
      read<Partial<Record<keyof RoomLayout, unknown>>>(this.#session, `layout.${roomId}`) ?? {};
    const text = (value: unknown) => (typeof value === 'string' ? value : null);
    return { panel: text(panel), pinned: text(pinned), draft: text(draft) ?? '' };
  }

  rememberRoomLayout(roomId: string, layout: RoomLayout): void {
    write(this.#session, `layout.${roomId}`, layout);
  }

  /** What was on in this room when the page was last alive; null before the first choice. */
  roomMedia(roomId: string): DeviceChoice | null {
    return read<DeviceChoice>(this.#session, `media.${roomId}`);
  }

  rememberRoomMedia(roomId: string, choice: DeviceChoice): void {
    write(this.#session, `media.${roomId}`, choice);
  }
}

export const preferences = new Preferences();

function key(name: string): string {
  return `videorooms.${name}`;
}

function storage(name: 'localStorage' | 'sessionStorage'): Storage | null {
  try {
    return globalThis[name];
  } catch {
    return null; // Blocked by the browser's settings: the page works, it just forgets.
  }
}

function read<T>(from: Storage | null, name: string): T | null {
  try {
    const json = from?.getItem(key(name));
    if (json == null) return null;
    const value: unknown = JSON.parse(json);
    return (typeof value === 'string' || Array.isArray(value) ? value : fields(value, name)) as T;
  } catch {
    return null;
  }
}

function write(to: Storage | null, name: string, value: unknown): void {
  try {
    to?.setItem(key(name), JSON.stringify(value));
  } catch {
    // Full or forbidden: forgetting is all that happens.
  }
}
