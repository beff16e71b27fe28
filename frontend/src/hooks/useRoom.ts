/** The room page's only source. The session lives as long as the page shows it; what it does stands in `services/roomSession.ts`. */
import { useMemo, useSyncExternalStore } from 'react';

import { RoomSession } from '../services/roomSession.ts';
import type { JoinIntent, RoomHandle } from '../types/roomHandle.ts';

/** Hand in the same `intent` object for one stay; another one is another stay. */
export function useRoom(roomId: string, intent: JoinIntent): RoomHandle {
  const store = useMemo(() => mounted(() => new RoomSession(roomId, intent)), [roomId, intent]);
  return useSyncExternalStore(store.subscribe, store.getSnapshot);
}

/**
 * Starts the session with the first subscriber and disposes of it after the last. React's strict mode subscribes, unsubscribes and
 * subscribes again in one turn: that must be one stay.
 */
function mounted(create: () => RoomSession) {
  const session = create();
  let subscribers = 0;
  let started = false;
  const subscribe = (listener: () => void) => {
    const unsubscribe = session.subscribe(listener);
    subscribers += 1;
    if (!started) session.start();
    started = true;
    return () => {
      unsubscribe();
      subscribers -= 1;
      setTimeout(() => {
        if (subscribers === 0) session.dispose();
      }, 0);
    };
  };
  return { subscribe, getSnapshot: session.getSnapshot };
}
