/** What the page may do, over the channel. An action never rejects: a refusal is logged, and the room's state shows what is. */
import type { RoomActions, Source } from '../../types/roomHandle.ts';
import { debugLogger } from '../debugLogger.ts';
import type { Preferences } from '../preferences.ts';
import type { DurablePushes, RoomChannel } from '../roomChannel.ts';

import type { ChatLog } from './chatLog.ts';
import type { LocalMediaControl } from './localMedia.ts';

export interface ActionPorts {
  channel: RoomChannel;
  chat: ChatLog;
  media: LocalMediaControl;
  preferences: Preferences;
  handRaised(): boolean;
  changed(): void;
  leave(): Promise<void>;
  stats: RoomActions['stats'];
  takeMediaBack(): void;
}

export function actionsOf(ports: ActionPorts): RoomActions {
  const { channel, chat, media, preferences } = ports;
  const command = async <E extends keyof DurablePushes>(event: E, payload: Omit<DurablePushes[E], 'id'>) => {
    try {
      await channel.pushDurable(event, payload);
    } catch (error) {
      debugLogger.warn('command refused', { event, error: String(error) });
    }
  };
  const remember = (choice: Partial<Preferences['devices']>) => {
    preferences.devices = { ...preferences.devices, ...choice };
    ports.changed();
  };
  return {
    toggleMicrophone: () => media.toggle('microphone'),
    toggleCamera: () => media.toggle('camera'),
    toggleScreen: () => media.toggle('screen'),
    selectMicrophone: (deviceId) => {
      remember({ microphoneId: deviceId });
      return media.select('microphone', deviceId);
    },
    selectCamera: (deviceId) => {
      remember({ cameraId: deviceId });
      return media.select('camera', deviceId);
    },
    selectSpeaker: (deviceId) => {
      remember({ speakerId: deviceId });
      return Promise.resolve();
    },
    toggleHand: () => command(ports.handRaised() ? 'hand_lower' : 'hand_raise', {}),
    lowerHand: (participantId) => command('hand_lower', { participant_id: participantId }),
    react: (emoji) => void channel.push('reaction', { emoji }).catch(() => undefined),
    sendChat: (text) => chat.send(text),
    retryChat: (id) => chat.retry(id),
    leave: () => ports.leave(),
    muteMember: (participantId: string, source: Source) =>
      command('member_mute', { participant_id: participantId, source }),
    kick: (participantId) => command('member_kick', { participant_id: participantId }),
    rename: (name) => {
      preferences.name = name;
      return command('rename', { name });
    },
    toggleSounds: () => {
      preferences.sounds = !preferences.sounds;
      ports.changed();
    },
    stats: ports.stats,
    takeMediaBack: () => ports.takeMediaBack(),
  };
}
