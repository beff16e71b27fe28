import { cleanup, fireEvent, render, screen } from '@testing-library/react';
import { useState } from 'react';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';

import type { ChatMessage } from '../../types/roomHandle.ts';
import { startI18n } from '../../i18n/index.ts';
import { ChatPanel, type ChatPanelProps } from './ChatPanel.tsx';

const MESSAGE: ChatMessage = { id: 'm1', from: 'p1', name: 'Boris', text: 'Hello', at: 1_000_000, status: 'sent' };

function Chat(props: Partial<ChatPanelProps>) {
  const [draft, setDraft] = useState('');
  return (
    <ChatPanel
      messages={[]}
      ownId="me"
      onSend={vi.fn()}
      onRetry={vi.fn()}
      {...props}
      draft={draft}
      onDraft={setDraft}
    />
  );
}

function write(text: string): HTMLElement {
  const input = screen.getByTestId('chat-input');
  fireEvent.change(input, { target: { value: text } });
  return input;
}

beforeAll(() => startI18n('en'));
afterEach(cleanup);

describe('ChatPanel', () => {
  it('sends on Enter and is ready for the next message', () => {
    const onSend = vi.fn();
    render(<Chat onSend={onSend} />);
    const input = write('  Good morning ');
    fireEvent.keyDown(input, { key: 'Enter' });
    expect(onSend).toHaveBeenCalledExactlyOnceWith('Good morning');
    expect((input as HTMLTextAreaElement).value).toBe('');
  });

  it('breaks the line on Shift and Enter', () => {
    const onSend = vi.fn();
    render(<Chat onSend={onSend} />);
    fireEvent.keyDown(write('one'), { key: 'Enter', shiftKey: true });
    expect(onSend).not.toHaveBeenCalled();
  });

  it('sends neither nothing nor too much', () => {
    const onSend = vi.fn();
    render(<Chat onSend={onSend} />);
    fireEvent.keyDown(write('   '), { key: 'Enter' });
    fireEvent.keyDown(write('x'.repeat(4001)), { key: 'Enter' });
    expect(onSend).not.toHaveBeenCalled();
    expect(screen.getByRole('alert').textContent).toContain('4000');
  });

  it('keeps a message that did not get through and offers another try', () => {
    const onRetry = vi.fn();
    render(<Chat messages={[{ ...MESSAGE, status: 'failed' }]} onRetry={onRetry} />);
    expect(screen.getByTestId('chat-message').textContent).toContain('Hello');
    fireEvent.click(screen.getByText('Send again'));
    expect(onRetry).toHaveBeenCalledExactlyOnceWith('m1');
  });

  it('shows what people write as text, with addresses as links', () => {
    const text = '<script>alert(1)</script> see https://example.org/a?b=1, or javascript:alert(1)';
    render(<Chat messages={[{ ...MESSAGE, text }]} />);
    const links = screen.getAllByRole('link');
    expect(links.map((link) => link.getAttribute('href'))).toEqual(['https://example.org/a?b=1']);
    expect(links[0]?.getAttribute('rel')).toContain('noopener');
    expect(screen.getByTestId('chat-message').textContent).toContain(text);
    expect(document.querySelector('script')).toBeNull();
  });

  it('names the author once for messages in a row', () => {
    render(<Chat messages={[MESSAGE, { ...MESSAGE, id: 'm2', text: 'Again', at: MESSAGE.at + 1000 }]} />);
    expect(screen.getAllByTestId('chat-message')).toHaveLength(2);
    expect(screen.getAllByText('Boris')).toHaveLength(1);
  });
});
