import { cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';

import { startI18n } from '../../i18n/index.ts';
import { ConnectionBar } from './ConnectionBar.tsx';

beforeAll(() => startI18n('en'));
afterEach(cleanup);

describe('ConnectionBar', () => {
  it.each(['connecting', 'connected', 'reconnecting', 'moving', 'ended'] as const)(
    'is in the page and tells: %s',
    (phase) => {
      render(<ConnectionBar phase={phase} />);
      expect(screen.getByTestId('connection-state').dataset['state']).toBe(phase);
    },
  );

  it('says what happens and what is kept while the server changes', () => {
    render(<ConnectionBar phase="moving" />);
    expect(screen.getByRole('status').textContent).toBe(
      'Moving to another server…Your place, your hand and the chat are kept.',
    );
  });

  it('leaves the word to the page while someone waits in front of the door', () => {
    render(<ConnectionBar phase="connecting" waiting />);
    expect(screen.getByRole('status').textContent).toBe('');
    expect(screen.getByTestId('connection-state').dataset['state']).toBe('connecting');
  });

  it('tells a lost network from a lost server', () => {
    vi.spyOn(navigator, 'onLine', 'get').mockReturnValue(false);
    render(<ConnectionBar phase="reconnecting" />);
    expect(screen.getByRole('status').textContent).toContain('No network. You will be back by yourself.');
  });

  it('knows of a lost network before the socket does', () => {
    vi.spyOn(navigator, 'onLine', 'get').mockReturnValue(false);
    render(<ConnectionBar phase="connected" media="connected" />);
    expect(screen.getByTestId('connection-state').dataset['state']).toBe('reconnecting');
    expect(screen.getByRole('status').textContent).toContain('No network. You will be back by yourself.');
  });

  it('says that sound and picture are away while the room is there, and leaves the first word to the room', () => {
    const { rerender } = render(<ConnectionBar phase="connected" media="restoring" />);
    expect(screen.getByRole('status').textContent).toBe('Sound and picture are being restored…');
    rerender(<ConnectionBar phase="moving" media="restoring" />);
    expect(screen.getByRole('status').textContent).toContain('Moving to another server…');
  });

  it('brings the media back from another tab by one press', () => {
    const onTakeBack = vi.fn();
    render(<ConnectionBar phase="connected" media="replaced" onTakeBack={onTakeBack} />);
    expect(screen.getByRole('status').textContent).toContain('in another tab');
    fireEvent.click(screen.getByRole('button', { name: 'Bring them here' }));
    expect(onTakeBack).toHaveBeenCalledOnce();
  });

  it('offers nothing to press, for nothing has to be done', () => {
    render(<ConnectionBar phase="reconnecting" />);
    expect(screen.queryByRole('button')).toBeNull();
  });
});
