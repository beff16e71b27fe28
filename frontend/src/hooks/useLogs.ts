/** The debug log for the `/logs` page: filtered, live, bounded, and whoever reads it. */
import { useQuery } from '@tanstack/react-query';
import { useMemo, useSyncExternalStore } from 'react';

import { api, type LogLevel } from '../services/api.ts';
import { LogStream, type LogView } from '../services/logStream.ts';

export interface LogFilter {
  /** The least level; empty for all. */
  level: LogLevel | '';
  service: string;
  room: string;
  text: string;
}

export interface LogsView extends LogView {
  /** This browser has shown a token and may take it back; false also where the log is open to all. */
  signedIn: boolean;
  /** Rejects with an `ApiError`, and so does `signOut`. */
  signIn(token: string): Promise<void>;
  signOut(): Promise<void>;
}

export function useLogs({ level, service, room, text }: LogFilter): LogsView {
  const stream = useMemo(
    () => new LogStream({ ...(level === '' ? {} : { level }), service, room, text }),
    [level, service, room, text],
  );
  const view = useSyncExternalStore(stream.subscribe, stream.getSnapshot);
  // Of the browser, not of the filters: it outlives the stream.
  const session = useQuery({ queryKey: ['session'], queryFn: api.session, retry: false });
  const then = async (done: Promise<void>) => {
    await done;
    await session.refetch();
  };
  return {
    ...view,
    signedIn: session.data?.operator === true,
    signIn: (token) => then(stream.signIn(token)),
    signOut: () => then(stream.signOut()),
  };
}
