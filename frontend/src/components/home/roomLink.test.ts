import { describe, expect, it } from 'vitest';

import { roomIdIn, roomLink } from './roomLink.ts';

const ID = '3v9k1x2c4b5n6m7q8w0e1r2t3y';

describe('roomIdIn', () => {
  it.each([
    ['an id', ID],
    ['an id in capitals', ID.toUpperCase()],
    ['a link', `https://calls.example.org/rooms/${ID}`],
    ['a link with a query and a fragment', `https://calls.example.org/rooms/${ID}?from=mail#x`],
    ['a link inside a sentence', `Join us: https://calls.example.org/rooms/${ID}, at noon`],
    ['an id with spaces around', `  ${ID}\n`],
    ['an id with letters that look like digits', ID.replace('0', 'O').replace('1', 'l')],
  ])('finds the id in %s', (_, text) => {
    expect(roomIdIn(text)).toBe(ID);
  });

  it.each([
    ['nothing', ''],
    ['another link', 'https://example.org/about'],
    ['an id cut short', ID.slice(1)],
    ['an id with a letter too many', `${ID}z`],
    ['a letter outside the alphabet', `u${ID.slice(1)}`],
  ])('finds none in %s', (_, text) => {
    expect(roomIdIn(text)).toBeNull();
  });

  it('makes a link that it reads itself', () => {
    expect(roomIdIn(roomLink(ID, 'https://calls.example.org'))).toBe(ID);
  });
});
