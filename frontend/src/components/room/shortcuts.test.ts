import { afterEach, describe, expect, it } from 'vitest';

import { shortcutOf } from './shortcuts.ts';

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
