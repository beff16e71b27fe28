/**
 * The controls of a call, by how often they are used: microphone, camera, screen, hand, reactions, panels, more, and leave alone on
 * the right. On a narrow screen the rarer ones move into "more"; nothing disappears.
 */
import {
  Activity,
  Bell,
  BellOff,
  Ellipsis,
  Hand,
  Keyboard,
  LogOut,
  MessageSquare,
  Mic,
  MicOff,
  MonitorUp,
  MonitorX,
  Users,
  Video,
  VideoOff,
} from 'lucide-react';
import { useTranslation } from 'react-i18next';

import type { LocalMedia, RoomActions } from '../types/roomHandle.ts';
import styles from './ControlBar.module.css';
import { DeviceMenu, useDeviceGroups } from './room/DeviceMenu.tsx';
import { REACTIONS, ReactionMark } from './room/ReactionMark.tsx';
import { ReactionPicker } from './room/ReactionPicker.tsx';
import { SHORTCUTS } from './room/shortcuts.ts';
import { cx } from './ui/cx.ts';
import { IconButton } from './ui/IconButton.tsx';
import { Menu, type MenuGroup } from './ui/Menu.tsx';
import { NARROW, useMedia } from './ui/useMedia.ts';

export const PANELS = ['chat', 'people', 'statistics'] as const;
export type Panel = (typeof PANELS)[number];

export interface ControlBarProps {
  local: LocalMedia;
  /** The page's own sounds are on. */
  sounds: boolean;
  handRaised: boolean;
  /** Which side panel is open. */
  panel: Panel | null;
  unread: number;
  people: number;
  actions: Pick<
    RoomActions,
    | 'toggleMicrophone'
    | 'toggleCamera'
    | 'toggleScreen'
    | 'toggleHand'
    | 'react'
    | 'toggleSounds'
    | 'selectMicrophone'
    | 'selectCamera'
    | 'selectSpeaker'
  >;
  onPanel: (panel: Panel) => void;
  onHelp: () => void;
  onLeave: () => void;
}

const ICON = { size: 20, 'aria-hidden': true } as const;

export function ControlBar(props: ControlBarProps) {
  const { t } = useTranslation();
  const narrow = useMedia(NARROW);
  return (
    <div role="toolbar" aria-label={t('room.controls')} className={styles['bar']}>
      <div className={styles['media']}>
        <Microphone {...props} />
        <Camera {...props} />
        {!narrow && <Screen {...props} />}
        <HandButton {...props} />
        {!narrow && <ReactionPicker onReact={props.actions.react} />}
      </div>
      <div className={styles['panels']}>
        <ChatButton {...props} />
        {!narrow && <PanelButtons {...props} />}
        <More {...props} narrow={narrow} />
      </div>
      <IconButton
        label={t('room.leaveLong')}
        kind="danger"
        icon={<LogOut {...ICON} />}
        data-testid="leave-room"
        className={styles['leave']}
        onPress={props.onLeave}
      />
    </div>
  );
}

function Microphone({ local, actions }: ControlBarProps) {
  const { t } = useTranslation();
  return (
    <div className={styles['split']}>
      <IconButton
        label={t(local.microphone ? 'device.microphoneOff' : 'device.microphoneOn')}
        shortcut={SHORTCUTS.microphone}
        pressed={local.microphone}
        kind={local.microphone ? 'control' : 'off'}
        icon={local.microphone ? <Mic {...ICON} /> : <MicOff {...ICON} />}
        data-testid="toggle-mic"
        className={styles['main']}
        onPress={() => void actions.toggleMicrophone()}
      />
      <DeviceMenu label={t('device.microphoneMenu')} groups={useSoundDevices(local, actions)} />
    </div>
  );
}

function Camera({ local, actions }: ControlBarProps) {
  const { t } = useTranslation();
  return (
    <div className={styles['split']}>
      <IconButton
        label={t(local.camera ? 'device.cameraOff' : 'device.cameraOn')}
        shortcut={SHORTCUTS.camera}
        pressed={local.camera}
        kind={local.camera ? 'control' : 'off'}
        icon={local.camera ? <Video {...ICON} /> : <VideoOff {...ICON} />}
        data-testid="toggle-camera"
        className={styles['main']}
        onPress={() => void actions.toggleCamera()}
      />
      <DeviceMenu label={t('device.cameraMenu')} groups={useCameraDevices(local, actions)} />
    </div>
  );
}

function Screen({ local, actions }: ControlBarProps) {
  const { t } = useTranslation();
  return (
    <IconButton
      label={t(local.screen ? 'room.stopScreen' : 'room.shareScreen')}
      shortcut={SHORTCUTS.screen}
      pressed={local.screen}
      kind={local.screen ? 'active' : 'control'}
      icon={local.screen ? <MonitorX {...ICON} /> : <MonitorUp {...ICON} />}
      data-testid="toggle-screen"
      onPress={() => void actions.toggleScreen()}
    />
  );
}

function HandButton({ handRaised, actions }: ControlBarProps) {
  const { t } = useTranslation();
  return (
    <IconButton
      label={t(handRaised ? 'room.lowerHand' : 'room.raiseHand')}
      shortcut={SHORTCUTS.hand}
      pressed={handRaised}
      kind={handRaised ? 'active' : 'control'}
      icon={<Hand {...ICON} />}
      data-testid="raise-hand"
      onPress={() => void actions.toggleHand()}
    />
  );
}

function ChatButton({ panel, unread, onPanel }: ControlBarProps) {
  const { t } = useTranslation();
  return (
    <IconButton
      label={unread > 0 ? t('room.chatUnread', { count: unread }) : t('room.chat')}
      shortcut={SHORTCUTS.chat}
      pressed={panel === 'chat'}
      kind={panel === 'chat' ? 'active' : 'control'}
      icon={<MessageSquare {...ICON} />}
      badge={unread > 0 ? Math.min(unread, 99) : null}
      data-testid="chat-open"
      onPress={() => {
        onPanel('chat');
      }}
    />
  );
}

function PanelButtons({ panel, people, onPanel }: ControlBarProps) {
  const { t } = useTranslation();
  return (
    <>
      <IconButton
        label={`${t('room.people')}: ${people}`}
        shortcut={SHORTCUTS.people}
        pressed={panel === 'people'}
        kind={panel === 'people' ? 'active' : 'control'}
        icon={<Users {...ICON} />}
        data-testid="people-open"
        onPress={() => {
          onPanel('people');
        }}
      />
      <IconButton
        label={t('room.statistics')}
        pressed={panel === 'statistics'}
        kind={panel === 'statistics' ? 'active' : 'control'}
        icon={<Activity {...ICON} />}
        data-testid="statistics-open"
        onPress={() => {
          onPanel('statistics');
        }}
      />
    </>
  );
}

function More(props: ControlBarProps & { narrow: boolean }) {
  const { t } = useTranslation();
  const { narrow, local, sounds, people, actions, onPanel, onHelp } = props;
  const choose: Record<string, () => void> = {
    screen: () => void actions.toggleScreen(),
    people: () => {
      onPanel('people');
    },
    statistics: () => {
      onPanel('statistics');
    },
    sounds: actions.toggleSounds,
    help: onHelp,
  };
  const rare = [
    {
      id: 'screen',
      label: t(local.screen ? 'room.stopScreen' : 'room.shareScreen'),
      icon: <MonitorUp size={16} aria-hidden />,
      testId: 'toggle-screen',
    },
    {
      id: 'people',
      label: `${t('room.people')}: ${people}`,
      icon: <Users size={16} aria-hidden />,
      testId: 'people-open',
    },
    {
      id: 'statistics',
      label: t('room.statistics'),
      icon: <Activity size={16} aria-hidden />,
      testId: 'statistics-open',
    },
  ];
  const bell = {
    id: 'sounds',
    label: t(sounds ? 'room.soundsOff' : 'room.soundsOn'),
    icon: sounds ? <BellOff size={16} aria-hidden /> : <Bell size={16} aria-hidden />,
  };
  const help = {
    id: 'help',
    label: t('room.help'),
    icon: <Keyboard size={16} aria-hidden />,
    shortcut: SHORTCUTS.help,
  };
  const devices = useDeviceGroups([...useSoundDevices(local, actions), ...useCameraDevices(local, actions)]);
  const reactions: MenuGroup = {
    id: 'reactions',
    title: t('room.react'),
    inRow: true,
    entries: REACTIONS.map(({ emoji, name }) => ({
      id: emoji,
      label: t(`reaction.${name}`),
      icon: <ReactionMark emoji={emoji} />,
    })),
    onChoose: (emoji) => {
      actions.react(emoji);
    },
  };
  const main: MenuGroup = {
    id: 'actions',
    entries: narrow ? [...rare, bell, help] : [bell, help],
    onChoose: (id) => choose[id]?.(),
  };
  const groups = narrow ? [main, reactions, ...devices] : [main, ...devices];
  return (
    <Menu
      label={t('room.more')}
      placement="top end"
      trigger={
        <IconButton
          label={t('room.more')}
          kind="control"
          icon={<Ellipsis {...ICON} />}
          className={cx(narrow && styles['narrow'])}
        />
      }
      groups={groups}
    />
  );
}

type DeviceActions = ControlBarProps['actions'];

function useSoundDevices(local: LocalMedia, actions: DeviceActions) {
  const { t } = useTranslation();
  const microphones = {
    id: 'microphones',
    title: t('lobby.microphone'),
    devices: local.devices.microphones,
    selected: local.microphoneId,
    onSelect: (id: string) => void actions.selectMicrophone(id),
  };
  const speakers = {
    id: 'speakers',
    title: t('lobby.speaker'),
    devices: local.devices.speakers,
    selected: local.speakerId,
    onSelect: (id: string) => void actions.selectSpeaker(id),
  };
  // Some browsers do not tell speakers at all: then there is nothing to choose.
  return local.devices.speakers.length > 0 ? [microphones, speakers] : [microphones];
}

function useCameraDevices(local: LocalMedia, actions: DeviceActions) {
  const { t } = useTranslation();
  return [
    {
      id: 'cameras',
      title: t('lobby.camera'),
      devices: local.devices.cameras,
      selected: local.cameraId,
      onSelect: (id: string) => void actions.selectCamera(id),
    },
  ];
}
