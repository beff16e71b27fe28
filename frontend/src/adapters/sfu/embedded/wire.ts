/** What topic `sfu:<id>` says, read from `unknown`. */
import { fields, flag, integer, list, oneOf, text } from '../../../services/decode.ts';
import type { SfuJoined, SlotCounts } from '../../../services/protocol.ts';
import type { Source } from '../types.ts';

const SOURCES: readonly Source[] = ['microphone', 'camera', 'screen', 'screen_audio'];

/** The node's name for a peer: only shown back to it. */
export type PeerId = SfuJoined['peer'];

export interface PeerGrant {
  peer: PeerId;
  resumed: boolean;
  iceServers: RTCIceServer[];
  slots: SlotCount;
}

export type SlotCount = SlotCounts;

/** Who is on which receiving m-line. */
export interface SlotEntry {
  mid: string;
  participantId: string;
  source: Source;
  muted: boolean;
}

export interface SlotTable {
  rev: number;
  map: SlotEntry[];
}

export function parsePeerGrant(value: unknown): PeerGrant {
  const path = 'sfu join';
  const from = fields(value, path);
  return {
    peer: integer(from, 'peer', path),
    resumed: flag(from, 'resumed', path),
    iceServers: list(from, 'ice_servers', path, (item, at) => fields(item, at) as unknown as RTCIceServer),
    slots: parseSlotCount(from['slots']),
  };
}

export function parseSlotCount(value: unknown): SlotCount {
  const from = fields(value, 'slots');
  return { audio: integer(from, 'audio', 'slots'), video: integer(from, 'video', 'slots') };
}

export function parseSlotTable(value: unknown): SlotTable {
  const from = fields(value, 'slots');
  return { rev: integer(from, 'rev', 'slots'), map: list(from, 'map', 'slots', slotEntry) };
}

export function parseSpeakers(value: unknown): ReadonlyMap<string, number> {
  const levels = list(fields(value, 'speakers'), 'levels', 'speakers', (item, path) => {
    const from = fields(item, path);
    return [text(from, 'participant_id', path), integer(from, 'level', path)] as const;
  });
  return new Map(levels);
}

export function parseReset(value: unknown): string {
  return text(fields(value, 'reset'), 'reason', 'reset');
}

export function parseAnswer(value: unknown): { gen: number; sdp: string } {
  const from = fields(value, 'answer');
  return { gen: integer(from, 'gen', 'answer'), sdp: text(from, 'sdp', 'answer') };
}

function slotEntry(value: unknown, path: string): SlotEntry {
  const from = fields(value, path);
  return {
    mid: text(from, 'mid', path),
    participantId: text(from, 'participant_id', path),
    source: oneOf(from, 'source', path, SOURCES),
    muted: flag(from, 'muted', path),
  };
}
