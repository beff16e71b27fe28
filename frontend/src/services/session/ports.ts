/** The world around a session: the browser's by default, a test's where one is put in. */
import type { Socket } from 'phoenix';

import { createSFUAdapter, type SFUFactory } from '../../adapters/sfu/index.ts';
import type { DevicePort } from '../../adapters/sfu/types.ts';
import { api } from '../api.ts';
import { chime } from '../chime.ts';
import { browserDevices } from '../devices.ts';
import { preferences, type Preferences } from '../preferences.ts';
import { getSocket } from '../socket.ts';

export interface SessionPorts {
  socket(): Socket;
  createAdapter: SFUFactory;
  devices: DevicePort;
  preferences: Preferences;
  joinRoom: typeof api.joinRoom;
  /** A hand is raised to a host. */
  chime(): void;
}

export const BROWSER: SessionPorts = {
  socket: getSocket,
  createAdapter: createSFUAdapter,
  devices: browserDevices,
  preferences,
  joinRoom: api.joinRoom,
  chime,
};
