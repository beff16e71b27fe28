/**
 * What happens to the connection, in words, and what is kept. Always in the page, silent while all is well. Nothing in it is to be
 * pressed, for nothing has to be done, but where the person went to another tab: only a press brings the media back from there.
 */
import { CloudOff, Copy, LoaderCircle } from 'lucide-react';
import { useSyncExternalStore } from 'react';
import { useTranslation } from 'react-i18next';

import type { ConnectionPhase, MediaPhase } from '../../types/roomHandle.ts';
import { Button } from '../ui/Button.tsx';
import { cx } from '../ui/cx.ts';
import styles from './ConnectionBar.module.css';

export interface ConnectionBarProps {
  phase: ConnectionPhase;
  media?: MediaPhase;
  /** In front of the door: the page itself tells it. */
  waiting?: boolean;
  onTakeBack?: () => void;
}

type Words = 'connecting' | 'connected' | 'reconnecting' | 'offline' | 'moving' | 'ended' | 'media' | 'replaced';

export function ConnectionBar({ phase, media = 'none', waiting = false, onTakeBack }: ConnectionBarProps) {
  const { t } = useTranslation();
  const online = useOnline();
  // The browser knows of a lost network at once, the socket only when the next heartbeat stays away.
  const now = phase === 'connected' && !online ? 'reconnecting' : phase;
  const words = wordsFor(now, online, media);
  const quiet = words === 'connected' || words === 'ended' || waiting;
  return (
    <div
      data-testid="connection-state"
      data-state={now}
      data-media={media}
      data-shown={quiet ? undefined : 'true'}
      data-surface="stage"
      role="status"
      className={cx(styles['bar'], quiet && styles['quiet'])}
    >
      {!quiet && <Icon words={words} />}
      <p className={styles['words']}>
        <span>{waiting && words !== 'offline' ? '' : t(`connection.${words}`)}</span>
        {(now === 'reconnecting' || now === 'moving') && <span className={styles['kept']}>{t('connection.kept')}</span>}
      </p>
      {words === 'replaced' && onTakeBack !== undefined && (
        <Button size="small" className={styles['action']} onPress={onTakeBack}>
          {t('connection.takeBack')}
        </Button>
      )}
    </div>
  );
}

/** The connection comes first: without it the media has nothing to stand on. */
function wordsFor(phase: ConnectionPhase, online: boolean, media: MediaPhase): Words {
  if (phase === 'reconnecting' && !online) return 'offline';
  if (phase !== 'connected') return phase;
  if (media === 'restoring') return 'media';
  return media === 'replaced' ? 'replaced' : 'connected';
}

function Icon({ words }: { words: Words }) {
  if (words === 'offline') return <CloudOff size={16} aria-hidden />;
  if (words === 'replaced') return <Copy size={16} aria-hidden />;
  return <LoaderCircle size={16} aria-hidden className={styles['turning']} />;
}

function useOnline(): boolean {
  return useSyncExternalStore(
    (changed) => {
      addEventListener('online', changed);
      addEventListener('offline', changed);
      return () => {
        removeEventListener('online', changed);
        removeEventListener('offline', changed);
      };
    },
    () => navigator.onLine,
  );
}
