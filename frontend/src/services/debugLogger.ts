/**
 * The browser's end of the debug flow: records go to `POST /debug/api/logs` in batches. It must never get in the way: it does not
 * throw, keeps a bounded buffer (the oldest fall out), and says nothing about its own failures.
 */
import type { LogLevel } from './api.ts';

const ENDPOINT = '/debug/api/logs';
const FLUSH_MS = 2000;
const BATCH = 20;
/** What the endpoint takes at once. */
const MOST_AT_ONCE = 100;
const CAPACITY = 500;
/** Of a request, encoded: the endpoint takes 256 KiB. */
const REQUEST_BYTES = 240 * 1024;
/** Browsers send no more than 64 KiB when the page goes away. */
const BEACON_BYTES = 60 * 1024;
/** The endpoint's bound is 8 KiB a record; this leaves room for the rest of it, whatever the script. */
const FIELDS_BYTES = 5000;
const MESSAGE_CHARACTERS = 500;

export interface OutgoingRecord {
  level: LogLevel;
  message: string;
  service: 'frontend';
  room?: string;
  at: number;
  fields?: Record<string, unknown>;
}

export class DebugLogger {
  #buffer: OutgoingRecord[] = [];
  #timer: ReturnType<typeof setTimeout> | null = null;
  #sending = false;
  #room: string | null = null;

  constructor() {
    globalThis.addEventListener?.('pagehide', () => this.#beacon());
  }

  /** Every record from now on tells this room. */
  inRoom(room: string | null): void {
    this.#room = room;
  }

  debug(message: string, fields?: Record<string, unknown>): void {
    this.#take('debug', message, fields);
  }

  info(message: string, fields?: Record<string, unknown>): void {
    this.#take('info', message, fields);
  }

  warn(message: string, fields?: Record<string, unknown>): void {
    this.#take('warn', message, fields);
  }

  error(message: string, fields?: Record<string, unknown>): void {
    this.#take('error', message, fields);
  }

  #take(level: LogLevel, message: string, fields: Record<string, unknown> | undefined): void {
    const record: OutgoingRecord = {
      level,
      message: [...message].slice(0, MESSAGE_CHARACTERS).join(''),
      service: 'frontend',
      at: Date.now(),
    };
    if (this.#room !== null) record.room = this.#room;
    if (fields !== undefined) record.fields = bounded(fields);
    this.#buffer.push(record);
    if (this.#buffer.length > CAPACITY) this.#buffer.shift();
    if (this.#buffer.length >= BATCH) void this.#flush();
    else this.#schedule();
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => void this.#flush(), FLUSH_MS);
  }

  async #flush(): Promise<void> {
    if (this.#sending || this.#buffer.length === 0) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const records = this.#buffer.splice(0, fitting(this.#buffer, REQUEST_BYTES));
    this.#sending = true;
    const reached = await post(records);
    this.#sending = false;
    if (!reached) this.#buffer = [...records, ...this.#buffer].slice(-CAPACITY);
    if (this.#buffer.length > 0) this.#schedule();
  }

  #beacon(): void {
    if (this.#buffer.length === 0) return;
    const newest = fitting(this.#buffer.toReversed(), BEACON_BYTES);
    const body = new Blob([JSON.stringify({ records: this.#buffer.slice(-newest) })], { type: 'application/json' });
    try {
      if (navigator.sendBeacon(ENDPOINT, body)) this.#buffer = [];
    } catch {
      // The page is going away: there is nobody left to tell.
    }
  }
}

export const debugLogger = new DebugLogger();

/** False when nobody answered or the node is overloaded: worth sending again. A refusal is final. */
async function post(records: OutgoingRecord[]): Promise<boolean> {
  try {
    const response = await fetch(ENDPOINT, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ records }),
    });
    return response.status < 500 && response.status !== 429;
  } catch {
    return false;
  }
}

/** How many of these, from the first on, go into one request; at least one. */
function fitting(records: readonly OutgoingRecord[], mostBytes: number): number {
  let bytes = 0;
  const over = records.slice(0, MOST_AT_ONCE).findIndex((record) => {
    bytes += encoded(JSON.stringify(record)) + 1;
    return bytes > mostBytes;
  });
  return over === -1 ? Math.min(records.length, MOST_AT_ONCE) : Math.max(1, over);
}

const encoder = new TextEncoder();

function encoded(text: string): number {
  return encoder.encode(text).length;
}

function bounded(fields: Record<string, unknown>): Record<string, unknown> {
  try {
    const json = JSON.stringify(fields);
    return encoded(json) <= FIELDS_BYTES
      ? (JSON.parse(json) as Record<string, unknown>)
      : { truncated: json.slice(0, FIELDS_BYTES / 4) };
  } catch {
    return { unserialisable: true };
  }
}
