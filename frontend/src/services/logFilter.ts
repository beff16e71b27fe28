/** The filters of `GET /debug/api/logs`, applied to what comes live. */
import type { LogLevel, LogQuery, LogRecord } from './api.ts';

export const LEVELS: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error'];

export function matches(record: LogRecord, filter: LogQuery): boolean {
  if (filter.level !== undefined && LEVELS.indexOf(record.level) < LEVELS.indexOf(filter.level)) return false;
  if (filter.service && record.service !== filter.service) return false;
  if (filter.room && record.room !== filter.room) return false;
  return !filter.text || record.message.toLowerCase().includes(filter.text.toLowerCase());
}
