import { cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

import { startI18n } from '../../i18n/index.ts';
import { Lobby, type LobbyProps } from './Lobby.tsx';

function props(change: Partial<LobbyProps> = {}): LobbyProps {
  return {
    room: { name: '', members: 2, locked: false, lobby: false, hasPassword: false },
    initialName: '',
    passwordWrong: false,
    passwordNeeded: true,
    link: 'https://calls.example.org/rooms/x',
    stream: null,
    microphone: true,
    camera: false,
    level: 0.5,
    problems: [],
    devices: { microphones: [], cameras: [], speakers: [] },
    microphoneId: null,
    cameraId: null,
    speakerId: null,
    onMicrophone: vi.fn(),
    onCamera: vi.fn(),
    onSelectMicrophone: vi.fn(),
    onSelectCamera: vi.fn(),
    onSelectSpeaker: vi.fn(),
    onJoin: vi.fn(),
    ...change,
  };
}

beforeAll(() => startI18n('en'));
beforeEach(() => {
  vi.spyOn(HTMLMediaElement.prototype, 'play').mockResolvedValue();
});
afterEach(cleanup);

describe('Lobby', () => {
  it('joins under the name that was typed', () => {
    const given = props();
    render(<Lobby {...given} />);
    fireEvent.change(screen.getByTestId('display-name'), { target: { value: ' Ada ' } });
    fireEvent.click(screen.getByTestId('join-room'));
    expect(given.onJoin).toHaveBeenCalledExactlyOnceWith('Ada', null);
  });

  it('asks for a name before it lets anyone in', () => {
    const given = props();
    render(<Lobby {...given} />);
    fireEvent.click(screen.getByTestId('join-room'));
    expect(given.onJoin).not.toHaveBeenCalled();
    expect(screen.getByRole('alert').textContent).toContain('Type a name');
  });

  it('asks for the password of a room that has one, unless it is one’s own room', () => {
    const room = { name: '', members: 0, locked: false, lobby: false, hasPassword: true };
    const given = props({ room, initialName: 'Ada' });
    const { rerender } = render(<Lobby {...given} />);
    fireEvent.click(screen.getByTestId('join-room'));
    expect(given.onJoin).not.toHaveBeenCalled();
    fireEvent.change(screen.getByTestId('room-password'), { target: { value: 'sesame' } });
    fireEvent.click(screen.getByTestId('join-room'));
    expect(given.onJoin).toHaveBeenCalledExactlyOnceWith('Ada', 'sesame');
    rerender(<Lobby {...given} passwordNeeded={false} />);
    expect(screen.queryByTestId('room-password')).toBeNull();
  });

  it('switches each device by its own press only', () => {
    const given = props();
    render(<Lobby {...given} />);
    expect(given.onCamera).not.toHaveBeenCalled();
    fireEvent.click(screen.getByTestId('lobby-toggle-camera'));
    expect(given.onCamera).toHaveBeenCalledExactlyOnceWith(true);
    expect(given.onMicrophone).not.toHaveBeenCalled();
  });

  it('says which device was refused, why, and where to press, and still lets join', () => {
    const given = props({ initialName: 'Ada', problems: [{ source: 'camera', cause: 'denied' }] });
    render(<Lobby {...given} />);
    const note = screen.getByRole('alert').textContent;
    expect(note).toContain('The camera did not come on');
    expect(note).toContain('does not let this page');
    expect(note).toContain('You can join without it');
    fireEvent.click(screen.getByTestId('join-room'));
    expect(given.onJoin).toHaveBeenCalledOnce();
  });

  it('tells who is already there', () => {
    render(<Lobby {...props()} />);
    expect(screen.getByText('2 people are here')).toBeTruthy();
  });
});
