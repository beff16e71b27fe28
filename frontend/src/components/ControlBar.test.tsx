import { cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

import type { LocalMedia } from '../types/roomHandle.ts';
import { startI18n } from '../i18n/index.ts';
import { ControlBar, type ControlBarProps } from './ControlBar.tsx';

const LOCAL: LocalMedia = {
  microphone: false,
  camera: true,
  screen: false,
  problem: null,
  devices: { microphones: [], cameras: [], speakers: [] },
  microphoneId: null,
  cameraId: null,
  speakerId: null,
};

function props(change: Partial<ControlBarProps> = {}): ControlBarProps {
  const done = () => Promise.resolve();
  return {
    local: LOCAL,
    sounds: true,
    handRaised: false,
    panel: null,
    unread: 0,
    people: 2,
    actions: {
      toggleMicrophone: vi.fn(done),
      toggleCamera: vi.fn(done),
      toggleScreen: vi.fn(done),
      toggleHand: vi.fn(done),
      react: vi.fn(),
      toggleSounds: vi.fn(),
      selectMicrophone: vi.fn(done),
      selectCamera: vi.fn(done),
      selectSpeaker: vi.fn(done),
    },
    onPanel: vi.fn(),
    onHelp: vi.fn(),
    onLeave: vi.fn(),
    ...change,
  };
}

function screenIs(narrow: boolean): void {
  vi.stubGlobal('matchMedia', (query: string) => ({
    matches: narrow,
    media: query,
    addEventListener: vi.fn(),
    removeEventListener: vi.fn(),
  }));
}

beforeAll(() => startI18n('en'));
beforeEach(() => {
  screenIs(false);
});
afterEach(cleanup);

describe('ControlBar', () => {
  it('tells which devices are on', () => {
    render(<ControlBar {...props()} />);
    expect(screen.getByTestId('toggle-mic').getAttribute('aria-pressed')).toBe('false');
    expect(screen.getByTestId('toggle-camera').getAttribute('aria-pressed')).toBe('true');
    expect(screen.getByTestId('toggle-screen').getAttribute('aria-pressed')).toBe('false');
    expect(screen.getByTestId('raise-hand').getAttribute('aria-pressed')).toBe('false');
  });

  it('asks for what is pressed, and for nothing else', () => {
    const given = props();
    render(<ControlBar {...given} />);
    fireEvent.click(screen.getByTestId('toggle-mic'));
    fireEvent.click(screen.getByTestId('raise-hand'));
    fireEvent.click(screen.getByTestId('chat-open'));
    fireEvent.click(screen.getByTestId('leave-room'));
    expect(given.actions.toggleMicrophone).toHaveBeenCalledOnce();
    expect(given.actions.toggleHand).toHaveBeenCalledOnce();
    expect(given.onPanel).toHaveBeenCalledExactlyOnceWith('chat');
    expect(given.onLeave).toHaveBeenCalledOnce();
    expect(given.actions.toggleCamera).not.toHaveBeenCalled();
    expect(given.actions.toggleScreen).not.toHaveBeenCalled();
  });

  it('switches the page’s own sounds from the menu', () => {
    vi.stubGlobal('CSS', { escape: (text: string) => text });
    const given = props();
    render(<ControlBar {...given} />);
    fireEvent.click(screen.getByLabelText('More'));
    fireEvent.click(screen.getByRole('menuitem', { name: 'Turn the signals off' }));
    expect(given.actions.toggleSounds).toHaveBeenCalledOnce();
  });

  it('has a name for every button', () => {
    render(<ControlBar {...props({ unread: 3 })} />);
    for (const button of screen.getAllByRole('button')) expect(button.getAttribute('aria-label')).not.toBe('');
    expect(screen.getByLabelText('Chat, 3 new messages')).toBe(screen.getByTestId('chat-open'));
    expect(screen.getByLabelText('Turn the microphone on')).toBe(screen.getByTestId('toggle-mic'));
  });

  it('keeps the rarer controls within reach on a narrow screen', () => {
    screenIs(true);
    // jsdom has none, and popovers use it.
    vi.stubGlobal('CSS', { escape: (text: string) => text });
    const given = props();
    render(<ControlBar {...given} />);
    expect(screen.queryByTestId('toggle-screen')).toBeNull();
    fireEvent.click(screen.getByLabelText('More'));
    fireEvent.click(screen.getByRole('menuitem', { name: 'Share the screen' }));
    expect(given.actions.toggleScreen).toHaveBeenCalledOnce();
  });

  it('tells the standard microphone from the standard speaker, though browsers name them alike', () => {
    vi.stubGlobal('CSS', { escape: (text: string) => text });
    const device = (kind: MediaDeviceKind, label: string) =>
      ({ kind, label, deviceId: 'default', groupId: '', toJSON: () => ({}) }) satisfies MediaDeviceInfo;
    const devices = {
      microphones: [device('audioinput', 'Desk microphone')],
      cameras: [],
      speakers: [device('audiooutput', 'Headphones')],
    };
    const given = props({ local: { ...LOCAL, devices } });
    render(<ControlBar {...given} />);
    fireEvent.click(screen.getByLabelText('Choose the microphone and speaker'));
    fireEvent.click(screen.getByRole('menuitemradio', { name: 'Headphones' }));
    expect(given.actions.selectSpeaker).toHaveBeenCalledExactlyOnceWith('default');
    expect(given.actions.selectMicrophone).not.toHaveBeenCalled();
  });
});
