/** The three answers to `phx_join` of a room: in, in with what was missed, or in front of the door. */
import { type Fields, fields, list, optionalText, text } from './decode.ts';
import type { Position, RoomEvent, Snapshot } from './events.ts';
import { parseEvent, parsePosition, parseSnapshot } from './parse.ts';

/** How to reach the media: the room's node decides on the provider, the page only builds the adapter of that name. */
export interface MediaGrant {
  provider: string;
  token: string;
  url?: string;
}

export interface JoinedReply {
  waiting: false;
  participantId: string;
  /** Given when it is new; the last one counts. */
  resume: string | null;
  position: Position;
  node: string;
  /** Null while the room has no media to offer. */
  media: MediaGrant | null;
  /** Null when `events` continues from our `since`. */
  snapshot: Snapshot | null;
  /** What was missed; at its end how everyone's connection and devices are now, whatever was said of them meanwhile. */
  events: RoomEvent[];
}

export interface WaitingReply {
  waiting: true;
  participantId: string;
}

export type JoinReply = JoinedReply | WaitingReply;

export function parseJoinReply(value: unknown): JoinReply {
  const path = 'join';
  const from = fields(value, path);
  const participantId = text(from, 'participant_id', path);
  if (from['waiting'] === true) return { waiting: true, participantId };
  return {
    waiting: false,
    participantId,
    resume: optionalText(from, 'resume', path) ?? null,
    position: parsePosition(from, path),
    node: text(from, 'node', path),
    media: from['media'] == null ? null : mediaGrant(from['media']),
    snapshot: from['snapshot'] == null ? null : parseSnapshot(from['snapshot'], `${path}.snapshot`),
    events: [
      ...optionalList(from, 'events', path, missedEvent),
      ...optionalList(from, 'live', path, liveMember),
    ].flat(),
  };
}

function mediaGrant(value: unknown): MediaGrant {
  const path = 'join.media';
  const from = fields(value, path);
  const url = optionalText(from, 'url', path);
  return {
    provider: text(from, 'provider', path),
    token: text(from, 'token', path),
    ...(url === undefined ? {} : { url }),
  };
}

function optionalList<T>(from: Fields, key: string, path: string, each: (value: unknown, path: string) => T): T[] {
  return from[key] == null ? [] : list(from, key, path, each);
}

function missedEvent(value: unknown, path: string): RoomEvent[] {
  const from = fields(value, path);
  const event = parseEvent(text(from, 'event', path), from['payload']);
  return event === null ? [] : [event];
}

/** As if both had just been said. */
function liveMember(value: unknown): RoomEvent[] {
  return ['connection_changed', 'media_changed'].flatMap((name) => parseEvent(name, value) ?? []);
}
