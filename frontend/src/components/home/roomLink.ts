/** A room's id out of what people paste: a link, an id, an id with capitals, a link inside a sentence. Pure. */

/** Crockford's alphabet, 128 bits. */
const ID = /(?<![0-9a-z])[0-9a-hjkmnp-tv-z]{26}(?![0-9a-z])/u;

/** The last id in the text, for a link ends with it; null when there is none. */
export function roomIdIn(text: string): string | null {
  const tidy = text.trim().toLowerCase();
  const afterRooms = /\/rooms\/([0-9a-z]+)/u.exec(tidy)?.[1];
  return (afterRooms === undefined ? tidy : normal(afterRooms)).match(ID)?.[0] ?? normal(tidy).match(ID)?.[0] ?? null;
}

/** Crockford's reading of letters that look like digits. */
function normal(text: string): string {
  return text.replace(/o/gu, '0').replace(/[il]/gu, '1');
}

export function roomLink(id: string, origin: string = location.origin): string {
  return `${origin}/rooms/${id}`;
}
