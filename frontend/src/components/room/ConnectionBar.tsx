/**
 * What happens to the connection, in words, and what is kept. Always in the page, silent while all is well; nothing in it is to
 * be pressed, for nothing has to be done.
 */
import { CloudOff, LoaderCircle } from 'lucide-react';
import { useSyncExternalStore } from 'react';
import { useTranslation } from 'react-i18next';

import type { ConnectionPhase } from '../../hooks/roomHandle.ts';
import { cx } from '../ui/cx.ts';
import styles from './ConnectionBar.module.css';

export interface ConnectionBarProps {
  phase: ConnectionPhase;
  /** In front of the door: the page itself tells it. */
  waiting?: boolean;
}

export function ConnectionBar({ phase, waiting = false }: ConnectionBarProps) {
  const { t } = useTranslation();
  const online = useOnline();
  const quiet = phase === 'connected' || phase === 'ended' || waiting;
  const offline = phase === 'reconnecting' && !online;
  const text = offline ? t('connection.offline') : waiting ? '' : t(`connection.${phase}`);
  return (
    <div
      data-testid="connection-state"
      data-state={phase}
      data-surface="stage"
      role="status"
      className={cx(styles['bar'], quiet && styles['quiet'])}
    >
      {!quiet &&
        (offline ? (
          <CloudOff size={16} aria-hidden />
        ) : (
          <LoaderCircle size={16} aria-hidden className={styles['turning']} />
        ))}
      <p className={styles['words']}>
        <span>{text}</span>
        {(phase === 'reconnecting' || phase === 'moving') && (
          <span className={styles['kept']}>{t('connection.kept')}</span>
        )}
      </p>
    </div>
  );
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
