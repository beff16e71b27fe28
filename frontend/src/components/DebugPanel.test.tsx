import { cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';

import { startI18n } from '../i18n/index.ts';
import { DebugPanel, type NodeStatusView } from './DebugPanel.tsx';

const STATUS: NonNullable<NodeStatusView['status']> = {
  node: 'a',
  version: '0.1.0',
  state: 'live',
  uptime_ms: 60_000,
  services: [
    { name: 'store', status: 'ok' },
    { name: 'media', status: 'down', detail: 'no port' },
  ],
  sfu: { provider: 'embedded', status: 'ok' },
  rooms: 1200,
  connections: 3,
};

beforeAll(() => startI18n('en'));
afterEach(cleanup);

function open(view: Partial<NodeStatusView>) {
  const onClose = vi.fn();
  const whole = { status: null, loading: false, unreachable: false, ...view };
  render(<DebugPanel view={whole} open onClose={onClose} logsLink={<a href="/logs">Open the logs</a>} />);
  return { onClose, panel: screen.getByTestId('debug-panel') };
}

describe('DebugPanel', () => {
  it('tells the node, its media and its services in words', () => {
    const { panel } = open({ status: STATUS });
    for (const words of ['a', '0.1.0', 'ready', '1,200', 'embedded, ready', 'not working', 'no port'])
      expect(panel.textContent).toContain(words);
    expect(screen.getByRole('link', { name: 'Open the logs' })).toBeDefined();
  });

  it('keeps the last answer when the node falls silent, and says so', () => {
    const { panel } = open({ status: STATUS, unreachable: true });
    expect(screen.getByRole('status').textContent).toContain('The server does not answer');
    expect(panel.textContent).toContain('0.1.0');
  });

  it('says that it asks while there is no answer yet, and closes by its cross', () => {
    const { panel, onClose } = open({ loading: true });
    expect(panel.textContent).toContain('Asking the server…');
    fireEvent.click(screen.getByRole('button', { name: 'Close' }));
    expect(onClose).toHaveBeenCalled();
  });
});
