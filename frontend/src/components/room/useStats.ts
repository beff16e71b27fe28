/** Figures of the connection, asked for every two seconds while someone looks. */
import { useEffect, useState } from 'react';

import type { MediaStats, RoomActions } from '../../types/roomHandle.ts';

const PERIOD_MS = 2000;

export function useStats(actions: Pick<RoomActions, 'stats'>, watching: boolean): MediaStats | null {
  const [stats, setStats] = useState<MediaStats | null>(null);
  useEffect(() => {
    if (!watching) return;
    let current = true;
    const look = () => {
      void actions.stats().then((answer) => {
        if (current) setStats(answer);
      });
    };
    look();
    const timer = setInterval(look, PERIOD_MS);
    return () => {
      current = false;
      clearInterval(timer);
    };
  }, [actions, watching]);
  return stats;
}
