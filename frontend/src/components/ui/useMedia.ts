/** Whether a media query holds now. Only for what CSS cannot decide (which controls exist at all). */
import { useSyncExternalStore } from 'react';

export const NARROW = '(max-width: 720px)';

export function useMedia(query: string): boolean {
  return useSyncExternalStore(
    (changed) => {
      const list = matchMedia(query);
      list.addEventListener('change', changed);
      return () => {
        list.removeEventListener('change', changed);
      };
    },
    () => matchMedia(query).matches,
  );
}
