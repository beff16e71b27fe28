/** The filters of `GET /debug/api/logs`, applied to what comes live: the rules of the service, held to them by shared cases. */
import type { LogLevel, LogQuery, LogRecord } from './api.ts';

const LEVELS: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error'];

export function matches(record: LogRecord, filter: LogQuery): boolean {
  if (filter.level !== undefined && LEVELS.indexOf(record.level) < LEVELS.indexOf(filter.level)) return false;
  if (filter.service && !isOf(record.service, filter.service)) return false;
  if (filter.room && record.room !== filter.room) return false;
  return !filter.text || speaksOf(record, filter.text.toLowerCase());
}

/** This service, or a part of it: `frontend` finds `frontend:media` too. */
function isOf(service: string, wanted: string): boolean {
  return service === wanted || service.startsWith(`${wanted}:`);
}

/** In the message, or in a field's value. */
function speaksOf({ message, fields }: LogRecord, text: string): boolean {
  const words = (value: unknown) => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));
  return [message, ...Object.values(fields ?? {})].some((value) => words(value).toLowerCase().includes(text));
}
