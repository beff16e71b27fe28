/**
 * Every key of the room page, in one place. Letters are physical keys (`code`), so they work on a Russian layout too; none
 * fires while someone types, chooses from a list, or holds a modifier.
 */
import { useEffect, useRef } from 'react';

export const SHORTCUTS = {
  microphone: 'M',
  camera: 'V',
  screen: 'S',
  hand: 'H',
  chat: 'C',
  people: 'P',
  help: '?',
  escape: 'Esc',
} as const;

export type Shortcut = keyof typeof SHORTCUTS;

const CODES: Record<string, Shortcut> = {
  KeyM: 'microphone',
  KeyV: 'camera',
  KeyS: 'screen',
  KeyH: 'hand',
  KeyC: 'chat',
  KeyP: 'people',
};

/** Where keys mean something else: fields, lists that search by typing, dialogs, menus. */
const BUSY =
  'input, textarea, select, [contenteditable="true"], [role="dialog"], [role="alertdialog"], [role="menu"], [role="listbox"], [aria-haspopup="listbox"]';

/** What closes or gives up by itself on Escape. The field of the chat is none: from there it closes the panel. */
const ESCAPES = 'input, select, [role="dialog"], [role="alertdialog"], [role="menu"], [role="listbox"]';

export function shortcutOf(event: KeyboardEvent): Shortcut | null {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.isComposing) return null;
  const within = (places: string) => event.target instanceof Element && event.target.closest(places) !== null;
  if (event.key === 'Escape') return within(ESCAPES) ? null : 'escape';
  if (within(BUSY)) return null;
  if (event.key === '?' || (event.code === 'Slash' && event.shiftKey)) return 'help';
  return event.shiftKey ? null : (CODES[event.code] ?? null);
}

export function useShortcuts(actions: Record<Shortcut, () => void>, enabled: boolean): void {
  const latest = useRef(actions);
  useEffect(() => {
    latest.current = actions;
  });
  useEffect(() => {
    if (!enabled) return;
    const listen = (event: KeyboardEvent) => {
      const shortcut = shortcutOf(event);
      if (shortcut === null) return;
      if (shortcut !== 'escape') event.preventDefault();
      latest.current[shortcut]();
    };
    document.addEventListener('keydown', listen);
    return () => {
      document.removeEventListener('keydown', listen);
    };
  }, [enabled]);
}
