import { expect, test } from 'vitest';

import { Preferences } from './preferences.ts';

test('habits are the browser’s, identities are the tab’s', () => {
  const tab = new Preferences();
  tab.name = 'Анна';
  tab.rememberToken('r1', 'token');
  tab.rememberResume('r1', 'p1', 'p1.secret');

  const reloaded = new Preferences();
  expect(reloaded.name).toBe('Анна');
  expect(reloaded.identity('r1')).toEqual({ token: 'token', participantId: 'p1', resume: 'p1.secret' });
  expect(reloaded.wasInside('r1')).toBe(true);

  sessionStorage.clear(); // another tab
  expect(new Preferences().name).toBe('Анна');
  expect(new Preferences().identity('r1')).toEqual({});
});

test('a new token is a new identity', () => {
  const tab = new Preferences();
  tab.rememberResume('r1', 'p1', 'p1.secret');
  tab.rememberToken('r1', 'another');
  expect(tab.wasInside('r1')).toBe(false);
});

test('forgetting an identity forgets what was on', () => {
  const tab = new Preferences();
  tab.rememberToken('r1', 't');
  tab.rememberRoomMedia('r1', { microphone: true, camera: false });
  expect(tab.roomMedia('r1')).toEqual({ microphone: true, camera: false });
  tab.forgetIdentity('r1');
  expect(tab.identity('r1')).toEqual({});
  expect(tab.roomMedia('r1')).toBeNull();
});

test('the newest rooms come first, each once, and only a few', () => {
  const tab = new Preferences();
  for (let i = 0; i < 20; i += 1) tab.rememberRoom(`r${i}`, `room ${i}`);
  tab.rememberRoom('r15', 'renamed');
  expect(tab.recentRooms).toHaveLength(8);
  expect(tab.recentRooms[0]).toMatchObject({ id: 'r15', name: 'renamed' });
  expect(new Set(tab.recentRooms.map((room) => room.id)).size).toBe(8);
});

test('without storage, and with rubbish in it, everything has its default', () => {
  const blocked = new Preferences(null, null);
  blocked.name = 'x';
  blocked.rememberToken('r1', 't');
  expect(blocked.name).toBe('');
  localStorage.setItem('videorooms.devices', '{{');
  localStorage.setItem('videorooms.recent', '"what"');
  expect(new Preferences().devices).toEqual({ microphoneId: null, cameraId: null, speakerId: null });
  expect(new Preferences().recentRooms).toEqual([]);
});

test('a reload finds the call arranged as it was, and leaving forgets it', () => {
  const tab = new Preferences();
  expect(tab.roomLayout('r1')).toEqual({ panel: null, pinned: null, draft: '' });
  tab.rememberRoomLayout('r1', { panel: 'chat', pinned: 'p1', draft: 'not sent' });
  expect(new Preferences().roomLayout('r1')).toEqual({ panel: 'chat', pinned: 'p1', draft: 'not sent' });
  sessionStorage.setItem('videorooms.layout.r1', '{"panel":7,"draft":[]}');
  expect(tab.roomLayout('r1')).toEqual({ panel: null, pinned: null, draft: '' });
  tab.forgetIdentity('r1');
  expect(sessionStorage.getItem('videorooms.layout.r1')).toBeNull();
});
