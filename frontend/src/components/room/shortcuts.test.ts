import { renderHook } from '@testing-library/react';
import { afterEach, describe, expect, it, vi } from 'vitest';

import { shortcutOf, SHORTCUTS, type Shortcut, useShortcuts } from './shortcuts.ts';

function press(init: KeyboardEventInit, target: Element = document.body): KeyboardEvent {
  const event = new KeyboardEvent('keydown', { bubbles: true, ...init });
  target.dispatchEvent(event);
  return event;
}

afterEach(() => {
  document.body.replaceChildren();
});

describe('shortcutOf', () => {
  it('reads the physical key, so that any layout will do', () => {
    expect(shortcutOf(press({ code: 'KeyM', key: 'm' }))).toBe('microphone');
    expect(shortcutOf(press({ code: 'KeyM', key: 'ь' }))).toBe('microphone');
    expect(shortcutOf(press({ code: 'KeyV', key: 'м' }))).toBe('camera');
  });

  it('finds the help sheet wherever the question mark is', () => {
    expect(shortcutOf(press({ code: 'Slash', key: '?', shiftKey: true }))).toBe('help');
    expect(shortcutOf(press({ code: 'Digit7', key: '?', shiftKey: true }))).toBe('help');
  });

  it.each(['input', 'textarea', 'select'])('is silent while someone uses a %s', (tag) => {
    const field = document.body.appendChild(document.createElement(tag));
    expect(shortcutOf(press({ code: 'KeyM', key: 'm' }, field))).toBeNull();
  });

  it('lets Escape out of the chat, and leaves it to what closes by itself', () => {
    const field = document.body.appendChild(document.createElement('textarea'));
    expect(shortcutOf(press({ key: 'Escape' }, field))).toBe('escape');
    const dialog = document.body.appendChild(document.createElement('div'));
    dialog.setAttribute('role', 'dialog');
    expect(shortcutOf(press({ key: 'Escape' }, dialog))).toBeNull();
  });

  it.each(['menu', 'listbox', 'dialog'])('leaves letters to an open %s', (role) => {
    const box = document.body.appendChild(document.createElement('div'));
    box.setAttribute('role', role);
    const inner = box.appendChild(document.createElement('button'));
    expect(shortcutOf(press({ code: 'KeyM', key: 'm' }, inner))).toBeNull();
  });

  it('leaves the browser its own shortcuts and ignores a held key', () => {
    expect(shortcutOf(press({ code: 'KeyC', key: 'c', ctrlKey: true }))).toBeNull();
    expect(shortcutOf(press({ code: 'KeyS', key: 's', metaKey: true }))).toBeNull();
    expect(shortcutOf(press({ code: 'KeyM', key: 'm', repeat: true }))).toBeNull();
  });

  it('does not take Space away from buttons', () => {
    expect(shortcutOf(press({ code: 'Space', key: ' ' }))).toBeNull();
  });
});

describe('useShortcuts', () => {
  const actions = () =>
    Object.fromEntries(Object.keys(SHORTCUTS).map((name) => [name, vi.fn()])) as unknown as Record<
      Shortcut,
      () => void
    >;

  it('runs the newest action, and keeps the key from the browser', () => {
    const first = actions();
    const second = actions();
    const { rerender, unmount } = renderHook(
      ({ now }) => {
        useShortcuts(now, true);
      },
      { initialProps: { now: first } },
    );
    rerender({ now: second });
    const event = press({ code: 'KeyM', key: 'm', cancelable: true });
    expect(first.microphone).not.toHaveBeenCalled();
    expect(second.microphone).toHaveBeenCalledOnce();
    expect(event.defaultPrevented).toBe(true);
    unmount();
    press({ code: 'KeyM', key: 'm' });
    expect(second.microphone).toHaveBeenCalledOnce();
  });

  it('is deaf while it is switched off, and leaves Escape to others as well', () => {
    const off = actions();
    renderHook(() => {
      useShortcuts(off, false);
    });
    press({ code: 'KeyM', key: 'm' });
    expect(off.microphone).not.toHaveBeenCalled();
    const on = actions();
    renderHook(() => {
      useShortcuts(on, true);
    });
    expect(press({ key: 'Escape', cancelable: true }).defaultPrevented).toBe(false);
    expect(on.escape).toHaveBeenCalledOnce();
  });
});
