/** One stay in a room: the session behind the call, the wait for a host, and the end. */
import { Hourglass } from 'lucide-react';
import { useCallback, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';

import { PANELS } from '../../components/ControlBar.tsx';
import { CallView, type CallLayout } from '../../components/room/CallView.tsx';
import { ConnectionBar } from '../../components/room/ConnectionBar.tsx';
import { EndedView } from '../../components/room/EndedView.tsx';
import { Outcome } from '../../components/room/Outcome.tsx';
import { Button } from '../../components/ui/Button.tsx';
import type { JoinIntent, RoomHandle } from '../../types/roomHandle.ts';
import { useRoom } from '../../hooks/useRoom.ts';
import { preferences, type DeviceChoice } from '../../services/preferences.ts';
import { PageFrame } from '../frame/PageFrame.tsx';
import { useWakeLock } from './useWakeLock.ts';

export interface CallStepProps {
  roomId: string;
  intent: JoinIntent;
  link: string;
  /** Back to the lobby; true when it was the password that did not fit. */
  onAgain: (passwordWrong: boolean) => void;
  onHome: () => void;
  /** Back to the lobby, since the place was given up meanwhile; with the devices as they are. */
  onLapsed: (devices: DeviceChoice) => void;
}

export function CallStep({ roomId, intent, link, onAgain, onHome, onLapsed }: CallStepProps) {
  const handle = useRoom(roomId, intent);
  useWakeLock(handle.connection !== 'ended');
  const wrongPassword = handle.ended?.reason === 'wrong_password';
  useEffect(() => {
    if (wrongPassword) onAgain(true);
  }, [wrongPassword, onAgain]);
  const lapsed = handle.ended?.reason === 'lapsed';
  const { microphone, camera } = handle.local;
  useEffect(() => {
    if (lapsed) onLapsed({ microphone, camera });
  }, [lapsed, microphone, camera, onLapsed]);
  return (
    <>
      <ConnectionBar
        phase={handle.connection}
        media={handle.media}
        waiting={handle.waiting}
        onTakeBack={() => {
          handle.actions.takeMediaBack();
        }}
      />
      <Body handle={handle} roomId={roomId} link={link} onAgain={onAgain} onHome={onHome} />
    </>
  );
}

function Body({
  handle,
  roomId,
  link,
  onAgain,
  onHome,
}: Omit<CallStepProps, 'intent' | 'onLapsed'> & { handle: RoomHandle }) {
  const { t } = useTranslation();
  const [layout] = useState(() => rememberedLayout(roomId));
  const onLayout = useCallback(
    (changed: CallLayout) => {
      preferences.rememberRoomLayout(roomId, changed);
    },
    [roomId],
  );
  if (handle.ended !== null) {
    return (
      <PageFrame title={t(`ended.${handle.ended.reason}`)}>
        <EndedView
          ended={handle.ended}
          onAgain={() => {
            onAgain(false);
          }}
          onHome={onHome}
        />
      </PageFrame>
    );
  }
  if (handle.waiting) {
    return (
      <PageFrame title={t('lobby.waitingTitle')}>
        <Outcome icon={<Hourglass size={24} />} title={t('lobby.waitingTitle')} text={t('lobby.waiting')}>
          <Button onPress={() => void handle.actions.leave()}>{t('common.cancel')}</Button>
        </Outcome>
      </PageFrame>
    );
  }
  return (
    <main>
      <CallView handle={handle} link={link} layout={layout} onLayout={onLayout} />
    </main>
  );
}

function rememberedLayout(roomId: string): CallLayout {
  const { panel, ...rest } = preferences.roomLayout(roomId);
  return { panel: PANELS.find((known) => known === panel) ?? null, ...rest };
}
