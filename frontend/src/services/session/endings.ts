/** Why it is over, in the page's words. */
import type { EndedReason } from '../../types/roomHandle.ts';

export interface Ended {
  reason: EndedReason;
  by?: string;
  message?: string;
}

const REASONS: Record<string, EndedReason> = {
  ended: 'room_ended',
  not_found: 'not_found',
  kicked: 'kicked',
  banned: 'banned',
  locked: 'locked',
  full: 'full',
  wrong_password: 'wrong_password',
  unauthorized: 'unauthorized',
  forbidden: 'unauthorized',
};

/** Codes after which the same request may well succeed. */
const PASSING = new Set(['network', 'timeout', 'unavailable', 'rate_limited']);

export function passes(code: string): boolean {
  return PASSING.has(code);
}

export function endedBy(code: string, message: string): Ended {
  return { reason: REASONS[code] ?? 'failed', message };
}
