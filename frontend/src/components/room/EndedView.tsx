/** Why the call is over for this person, what stands, and the one or two ways on. */
import { Ban, DoorClosed, Hourglass, KeyRound, LogOut, SearchX, TriangleAlert, UserX, Users } from 'lucide-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

import type { EndedReason, RoomHandle } from '../../types/roomHandle.ts';
import { Button } from '../ui/Button.tsx';
import { Outcome } from './Outcome.tsx';

const SIZE = 24;

const ICONS: Record<EndedReason, ReactNode> = {
  left: <LogOut size={SIZE} />,
  kicked: <UserX size={SIZE} />,
  banned: <Ban size={SIZE} />,
  room_ended: <DoorClosed size={SIZE} />,
  not_found: <SearchX size={SIZE} />,
  locked: <DoorClosed size={SIZE} />,
  full: <Users size={SIZE} />,
  wrong_password: <KeyRound size={SIZE} />,
  unauthorized: <KeyRound size={SIZE} />,
  refused: <UserX size={SIZE} />,
  lapsed: <Hourglass size={SIZE} />,
  failed: <TriangleAlert size={SIZE} />,
};

/** Where there is no way back in, only the home page is offered. */
const FINAL: ReadonlySet<EndedReason> = new Set<EndedReason>(['banned', 'room_ended', 'not_found']);

export interface EndedViewProps {
  ended: NonNullable<RoomHandle['ended']>;
  onAgain: () => void;
  onHome: () => void;
}

export function EndedView({ ended: { reason, by }, onAgain, onHome }: EndedViewProps) {
  const { t } = useTranslation();
  const title =
    reason === 'kicked' && by !== undefined && by !== '' ? t('ended.kickedBy', { name: by }) : t(`ended.${reason}`);
  const final = FINAL.has(reason);
  return (
    <Outcome icon={ICONS[reason]} title={title} text={t(`ended.${reason}Text`)}>
      {!final && (
        <Button kind="primary" onPress={onAgain}>
          {t(reason === 'left' ? 'ended.again' : 'ended.retry')}
        </Button>
      )}
      <Button kind={final ? 'primary' : 'secondary'} onPress={onHome}>
        {t('ended.home')}
      </Button>
    </Outcome>
  );
}
