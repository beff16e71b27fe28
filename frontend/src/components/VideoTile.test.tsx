import { act, cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

import type { Tile } from '../types/roomHandle.ts';
import { startI18n } from '../i18n/index.ts';
import { initialsOf } from './stage/Initials.tsx';
import { VideoTile } from './VideoTile.tsx';

const TILE: Tile = {
  key: 'p1',
  participantId: 'p1',
  name: 'Grace Hopper',
  local: false,
  screen: false,
  stream: null,
  audio: null,
  microphoneOn: true,
  cameraOn: false,
  speaking: false,
  handRaised: false,
  state: 'connected',
  quality: 'good',
};

beforeAll(() => startI18n('en'));
beforeEach(() => {
  vi.spyOn(HTMLMediaElement.prototype, 'play').mockResolvedValue();
});
afterEach(cleanup);

function tile(change: Partial<Tile> = {}) {
  render(<VideoTile tile={{ ...TILE, ...change }} />);
  return screen.getByTestId('participant-tile');
}

describe('VideoTile', () => {
  it('says whose it is', () => {
    const element = tile({ local: true });
    expect(element.dataset).toMatchObject({ participantId: 'p1', name: 'Grace Hopper', local: 'true' });
    expect(element.dataset['screen']).toBeUndefined();
    expect(element.getAttribute('aria-label')).toBe('Grace Hopper (you)');
  });

  it('shows the stream in a silent video', () => {
    const stream = new MediaStream();
    const video = tile({ stream, cameraOn: true }).querySelector('video');
    expect(video?.srcObject).toBe(stream);
    expect(video?.muted).toBe(true);
    expect(screen.queryByText('GH')).toBeNull();
  });

  it('stays with the initials until the first frame is there: no black tile', () => {
    let paint: () => void = () => undefined;
    Object.assign(HTMLVideoElement.prototype, {
      requestVideoFrameCallback: (heard: () => void) => {
        paint = heard;
        return 1;
      },
      cancelVideoFrameCallback: () => undefined,
    });
    try {
      tile({ stream: new MediaStream(), cameraOn: true });
      expect(screen.getByText('GH')).toBeTruthy();
      act(() => {
        paint();
      });
      expect(screen.queryByText('GH')).toBeNull();
    } finally {
      cleanup();
      Reflect.deleteProperty(HTMLVideoElement.prototype, 'requestVideoFrameCallback');
      Reflect.deleteProperty(HTMLVideoElement.prototype, 'cancelVideoFrameCallback');
    }
  });

  it('draws initials while there is no picture, and keeps the video for when there is', () => {
    const element = tile();
    expect(screen.getByText('GH')).toBeTruthy();
    expect(element.querySelector('video')).not.toBeNull();
  });

  it('tells state in words, not by colour alone', () => {
    const element = tile({ microphoneOn: false, handRaised: true, quality: 'poor', state: 'reconnecting' });
    expect(element.getAttribute('aria-label')).toBe('Grace Hopper, microphone off, hand raised, coming back');
    expect(screen.getByText('poor connection')).toBeTruthy();
    expect(screen.getByText('Coming back…')).toBeTruthy();
  });

  it('names a shared screen after its owner', () => {
    const element = tile({ screen: true });
    expect(element.dataset['screen']).toBe('true');
    expect(screen.getByText('Screen of Grace Hopper')).toBeTruthy();
  });

  it('can be pinned where there is a choice', () => {
    const onPin = vi.fn();
    render(<VideoTile tile={TILE} onPin={onPin} />);
    fireEvent.click(screen.getByRole('button', { name: 'Pin Grace Hopper' }));
    expect(onPin).toHaveBeenCalledExactlyOnceWith('p1');
  });

  it('writes no markup that a name brings along', () => {
    tile({ name: '<img src=x onerror=alert(1)>' });
    expect(document.querySelector('img')).toBeNull();
  });
});

describe('initialsOf', () => {
  it.each([
    ['Ada Lovelace', 'AL'],
    ['мария ивановна петрова', 'МП'],
    ['Boris', 'B'],
    ['  ', ''],
    ['👋 Kim', '👋K'],
  ])('of %j are %j', (name, initials) => {
    expect(initialsOf(name)).toBe(initials);
  });
});
