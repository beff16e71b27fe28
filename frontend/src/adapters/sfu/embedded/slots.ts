/**
 * From the server's slot table to people's tracks. The table is the whole truth with a revision: an older one is dropped, the
 * same one twice changes nothing. A stream object lives exactly as long as one person's source stays on one m-line, so
 * an element that shows it never shows a frame of whoever had the line before.
 */
import type { SFUParticipant, SFUTrack, Source } from '../types.ts';
import type { SlotEntry, SlotTable } from './wire.ts';

export class Slots {
  #rev = -1;
  #table: SlotEntry[] = [];
  #bound = new Map<string, SFUTrack>();

  /** False when nothing new is in it. */
  take(table: SlotTable): boolean {
    if (table.rev <= this.#rev) return false;
    this.#rev = table.rev;
    this.#table = table.map;
    return true;
  }

  /** A new peer counts its revisions anew and has other m-lines; until its first table nobody is on any. */
  reset(): void {
    this.#rev = -1;
    this.#table = [];
    this.#bound.clear();
  }

  /** Everyone with at least one track; `trackOf` finds the receiving track of an m-line, if it is there yet. */
  participants(trackOf: (mid: string) => MediaStreamTrack | null): SFUParticipant[] {
    const people = new Map<string, Map<Source, SFUTrack>>();
    const bound = new Map<string, SFUTrack>();
    for (const entry of this.#table) {
      const track = trackOf(entry.mid);
      if (track === null) continue;
      const key = `${entry.mid}/${entry.participantId}/${entry.source}`;
      const own = this.#bind(key, entry, track);
      bound.set(key, own);
      const tracks = people.get(entry.participantId) ?? new Map<Source, SFUTrack>();
      people.set(entry.participantId, tracks.set(entry.source, own));
    }
    this.#bound = bound;
    return [...people].map(([id, tracks]) => ({ id, local: false, tracks }));
  }

  /** Whose m-line this is now. */
  owner(mid: string): SlotEntry | null {
    return this.#table.find((entry) => entry.mid === mid) ?? null;
  }

  #bind(key: string, entry: SlotEntry, track: MediaStreamTrack): SFUTrack {
    const known = this.#bound.get(key);
    if (known?.track !== track)
      return { source: entry.source, track, stream: new MediaStream([track]), muted: entry.muted };
    return known.muted === entry.muted ? known : { ...known, muted: entry.muted };
  }
}
