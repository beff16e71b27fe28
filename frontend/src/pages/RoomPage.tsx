/**
 * A room by its address. First the lobby; inside, the call; at the end, why. Coming back by a reload leads straight in: the person
 * never left.
 */
import { useNavigate, useParams } from '@tanstack/react-router';
import { useCallback, useState } from 'react';
import { useTranslation } from 'react-i18next';

import { roomLink } from '../components/home/roomLink.ts';
import type { JoinIntent } from '../types/roomHandle.ts';
import { preferences, type DeviceChoice } from '../services/preferences.ts';
import { useWindowTitle } from './frame/PageFrame.tsx';
import { CallStep } from './room/CallStep.tsx';
import { LobbyStep } from './room/LobbyStep.tsx';
import { returningIntent } from './room/returning.ts';

export function RoomPage() {
  const { roomId } = useParams({ from: '/rooms/$roomId' });
  // Another address is another room: nothing of the first one stays.
  return <Room key={roomId} roomId={roomId} />;
}

function Room({ roomId }: { roomId: string }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [intent, setIntent] = useState<JoinIntent | null>(() => returningIntent(roomId));
  const [passwordWrong, setPasswordWrong] = useState(false);
  const [lapsed, setLapsed] = useState<DeviceChoice | null>(null);
  const onLapsed = useCallback((devices: DeviceChoice) => {
    setLapsed(devices);
    setIntent(null);
  }, []);
  useWindowTitle(t('room.title'));

  if (intent === null) {
    return (
      <LobbyStep
        roomId={roomId}
        link={roomLink(roomId)}
        passwordWrong={passwordWrong}
        lapsed={lapsed}
        onJoin={(next) => {
          setPasswordWrong(false);
          setLapsed(null);
          setIntent(next);
        }}
      />
    );
  }
  return (
    <CallStep
      roomId={roomId}
      intent={intent}
      link={roomLink(roomId)}
      onAgain={(wrong) => {
        preferences.forgetIdentity(roomId);
        setPasswordWrong(wrong);
        setIntent(null);
      }}
      onHome={() => void navigate({ to: '/' })}
      onLapsed={onLapsed}
    />
  );
}
