import { describe, expect, it } from 'vitest';

import { fieldsText } from './logLine.ts';

describe('fieldsText', () => {
  it('puts names and values on one line, in quotes where they would run together', () => {
    expect(fieldsText({ peer: 41, state: 'connected', why: 'no answer', more: { a: [1] } })).toBe(
      'peer=41 state=connected why="no answer" more={"a":[1]}',
    );
  });

  it('is never longer than a line or two', () => {
    const text = fieldsText({ stack: 'x'.repeat(6000) });
    expect(text).toHaveLength(201);
    expect(text.endsWith('…')).toBe(true);
  });
});
