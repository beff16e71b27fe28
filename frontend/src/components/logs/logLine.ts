/** A record of the debug log, as far as it is drawn. */

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const;
export type Level = (typeof LOG_LEVELS)[number];

export interface LogLine {
  id: number;
  at: number;
  level: Level;
  service: string;
  node?: string | null;
  room?: string | null;
  message: string;
  fields?: Record<string, unknown> | null;
}

/** What the list is narrowed to; it lives in the address. An empty string narrows nothing. */
export interface LogFilters {
  level: Level | '';
  service: string;
  room: string;
  text: string;
}

export const NO_FILTERS: LogFilters = { level: '', service: '', room: '', text: '' };

/** What an address says about the log; anything else in it is ignored. */
export function filtersIn(search: Record<string, unknown>): Partial<LogFilters> {
  const level = LOG_LEVELS.find((known) => known === search['level']);
  const words = (['service', 'room', 'text'] as const).flatMap((key) => {
    const value = search[key];
    return typeof value === 'string' || typeof value === 'number' ? [[key, String(value)] as const] : [];
  });
  return { ...(level === undefined ? {} : { level }), ...Object.fromEntries(words) };
}

const LONGEST = 200;

/** The fields of a record as a terminal shows them, beside its message: `peer=41 took_ms=12.5`. */
export function fieldsText(fields: Record<string, unknown>): string {
  const text = Object.entries(fields)
    .map(
      ([name, value]) => `${name}=${typeof value === 'string' && /^\S+$/u.test(value) ? value : JSON.stringify(value)}`,
    )
    .join(' ');
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}
