import { cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';

import { startI18n } from '../../i18n/index.ts';
import { REACTIONS, ReactionMark } from './ReactionMark.tsx';
import { ReactionPicker } from './ReactionPicker.tsx';

beforeAll(() => startI18n('en'));
afterEach(cleanup);

describe('ReactionMark', () => {
  it.each(REACTIONS)('draws $name, with or without the selector for colour', ({ emoji, name }) => {
    for (const form of [emoji, emoji.replace('\u{fe0f}', ''), `${emoji.replace('\u{fe0f}', '')}\u{fe0f}`]) {
      const { container, unmount } = render(<ReactionMark emoji={form} />);
      expect(container.querySelector('svg')?.dataset['reaction']).toBe(name);
      unmount();
    }
  });

  it('shows one of another client as it comes', () => {
    render(<ReactionMark emoji="🦀" />);
    expect(screen.getByText('🦀')).toBeDefined();
  });
});

describe('ReactionPicker', () => {
  it('names each in words, sends its emoji, and stays open for another', () => {
    const onReact = vi.fn();
    render(<ReactionPicker onReact={onReact} />);
    fireEvent.click(screen.getByRole('button', { name: 'Send a reaction' }));
    fireEvent.click(screen.getByRole('button', { name: 'React: applause' }));
    fireEvent.click(screen.getByRole('button', { name: 'React: heart' }));
    expect(onReact.mock.calls).toEqual([['👏'], ['❤️']]);
  });
});
