import { describe, expect, it, vi } from 'vitest';

import { commandId } from './commandId.ts';

describe('commandId', () => {
  it('is never the same and fits the room’s bound', () => {
    const ids = new Set(Array.from({ length: 1000 }, commandId));
    expect(ids.size).toBe(1000);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{32}$/u);
  });

  it('is to be had where the page is not secure', () => {
    vi.stubGlobal('crypto', { getRandomValues: (bytes: Uint8Array) => bytes.fill(7) });
    expect(commandId()).toBe('07'.repeat(16));
  });
});
