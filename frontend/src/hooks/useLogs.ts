/** The debug log for the `/logs` page: filtered, live, bounded. */
import { useMemo, useSyncExternalStore } from 'react';

import type { LogLevel } from '../services/api.ts';
import { LogStream, type LogView } from '../services/logStream.ts';

export interface LogFilter {
  /** The least level; empty for all. */
  level: LogLevel | '';
  service: string;
  room: string;
  text: string;
}

export interface LogsView extends LogView {
  /** Rejects with an `ApiError`. */
  signIn(token: string): Promise<void>;
}

export function useLogs({ level, service, room, text }: LogFilter): LogsView {
  const stream = useMemo(
    () => new LogStream({ ...(level === '' ? {} : { level }), service, room, text }),
    [level, service, room, text],
  );
  const view = useSyncExternalStore(stream.subscribe, stream.getSnapshot);
  return { ...view, signIn: (token) => stream.signIn(token) };
}
