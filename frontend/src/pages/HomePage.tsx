/** The way into a call: open a room, join one by its link, or go back to a recent one. At the foot, what serves the page. */
import { useMutation } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { Plus } from 'lucide-react';
import { lazy, Suspense, useState } from 'react';
import { useTranslation } from 'react-i18next';

import { JoinForm } from '../components/home/JoinForm.tsx';
import { NewRoomOptions } from '../components/home/NewRoomOptions.tsx';
import { NodeLine } from '../components/home/NodeLine.tsx';
import { RecentRooms } from '../components/home/RecentRooms.tsx';
import { Button } from '../components/ui/Button.tsx';
import { useServiceStatus } from '../hooks/useServiceStatus.ts';
import { api, type CreateRoom } from '../services/api.ts';
import { preferences } from '../services/preferences.ts';
import { useFailureText } from './frame/failure.ts';
import { PageFrame } from './frame/PageFrame.tsx';
import styles from './HomePage.module.css';

/** Rarely opened: loaded when it is. */
const DebugPanel = lazy(async () => ({ default: (await import('../components/DebugPanel.tsx')).DebugPanel }));

export function HomePage() {
  const { t } = useTranslation();
  return (
    <PageFrame title="" footer={<Foot />}>
      <div className={styles['home']}>
        <div>
          <h1 className={styles['title']}>{t('home.title')}</h1>
          <p className={styles['lead']}>{t('home.lead')}</p>
        </div>
        <Start />
        <Recents />
      </div>
    </PageFrame>
  );
}

function Start() {
  const { t } = useTranslation();
  const failure = useFailureText();
  const navigate = useNavigate();
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const enter = (roomId: string) => void navigate({ to: '/rooms/$roomId', params: { roomId } });
  const creation = useMutation({
    mutationFn: () => api.createRoom(newRoom(name.trim(), password)),
    onSuccess: ({ id, token, participant_id }) => {
      preferences.rememberToken(id, token, participant_id);
      enter(id);
    },
  });
  return (
    <div className={styles['start']}>
      <div className={styles['ways']}>
        <Button
          kind="primary"
          size="large"
          icon={<Plus size={20} aria-hidden />}
          data-testid="create-room"
          className={styles['create']}
          isPending={creation.isPending}
          onPress={() => {
            creation.mutate();
          }}
        >
          {t(creation.isPending ? 'home.creating' : 'home.newRoom')}
        </Button>
        <JoinForm onJoin={enter} />
      </div>
      {creation.isError && (
        <p role="alert" className={styles['failure']}>
          <strong>{t('home.createFailed')}</strong> {failure(creation.error)}
        </p>
      )}
      <NewRoomOptions name={name} password={password} onName={setName} onPassword={setPassword} />
    </div>
  );
}

function newRoom(name: string, password: string): CreateRoom {
  const host = preferences.name;
  return {
    ...(name === '' ? {} : { name }),
    ...(password === '' ? {} : { password }),
    ...(host === '' ? {} : { host_name: host }),
  };
}

function Recents() {
  const [rooms, setRooms] = useState(() => preferences.recentRooms);
  return (
    <RecentRooms
      rooms={rooms}
      link={(room, className, text) => (
        <Link to="/rooms/$roomId" params={{ roomId: room.id }} className={className}>
          {text}
        </Link>
      )}
      onForget={(id) => {
        preferences.forgetRoom(id);
        setRooms(preferences.recentRooms);
      }}
    />
  );
}

function Foot() {
  const { t } = useTranslation();
  const view = useServiceStatus();
  const [open, setOpen] = useState(false);
  return (
    <>
      <NodeLine
        view={view}
        onOpen={() => {
          setOpen(true);
        }}
      />
      {open && (
        <Suspense>
          <DebugPanel
            view={view}
            open
            onClose={() => {
              setOpen(false);
            }}
            logsLink={<Link to="/logs">{t('node.openLogs')}</Link>}
          />
        </Suspense>
      )}
    </>
  );
}
