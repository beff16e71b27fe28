/** One quiet line over the stage: which room, how long, and its link. */
import { Check, Link2, Lock } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';

import { clockText } from '../ui/duration.ts';
import { IconButton } from '../ui/IconButton.tsx';
import { useCopied } from '../ui/useCopied.ts';
import styles from './CallHeader.module.css';

export interface CallHeaderProps {
  name: string;
  locked: boolean;
  link: string;
}

export function CallHeader({ name, locked, link }: CallHeaderProps) {
  const { t } = useTranslation();
  const [copied, copy] = useCopied();
  return (
    <header className={styles['header']}>
      <h1 className={styles['name']}>{name === '' ? t('room.title') : name}</h1>
      {locked && <Lock size={16} role="img" aria-label={t('room.locked')} />}
      <IconButton
        label={t(copied ? 'room.linkCopied' : 'room.copyLink')}
        icon={copied ? <Check size={16} aria-hidden /> : <Link2 size={16} aria-hidden />}
        placement="bottom"
        onPress={() => {
          copy(link);
        }}
      />
      <span role="status" className={styles['said']}>
        {copied ? t('room.linkCopied') : ''}
      </span>
      <Clock />
    </header>
  );
}

/** Time in the call, by this page's clock. */
function Clock() {
  const [start] = useState(() => Date.now());
  const [now, setNow] = useState(start);
  useEffect(() => {
    const timer = setInterval(() => {
      setNow(Date.now());
    }, 1000);
    return () => {
      clearInterval(timer);
    };
  }, []);
  return (
    <span role="timer" className={styles['clock']}>
      {clockText(now - start)}
    </span>
  );
}
