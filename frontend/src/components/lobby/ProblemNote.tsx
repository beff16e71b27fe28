/** A device did not come on: which one, why, where to press in this browser, and that nothing depends on it. */
import { MicOff, MonitorX, VideoOff, X } from 'lucide-react';
import { useTranslation } from 'react-i18next';

import type { LocalMedia, Source } from '../../types/roomHandle.ts';
import { Button } from '../ui/Button.tsx';
import { IconButton } from '../ui/IconButton.tsx';
import { browserFamily } from './browserFamily.ts';
import styles from './ProblemNote.module.css';

export type Problem = NonNullable<LocalMedia['problem']>;

export interface ProblemNoteProps {
  problem: Problem;
  /** Camera and microphone failed alike: one note speaks for both. */
  both?: boolean;
  onRetry: () => void;
  /** In a call the note can be put away; in the lobby it stays while it is true. */
  onDismiss?: () => void;
  /** In the lobby: joining without the device is fine. */
  joinAnyway?: boolean;
}

const TITLES = {
  microphone: 'problem.titleMicrophone',
  camera: 'problem.titleCamera',
  screen: 'problem.titleScreen',
  screen_audio: 'problem.titleScreen',
} as const satisfies Record<Source, string>;

export function ProblemNote({
  problem: { source, cause },
  both = false,
  onRetry,
  onDismiss,
  joinAnyway = false,
}: ProblemNoteProps) {
  const { t } = useTranslation();
  // Nothing that could be pressed on this page would change it.
  const hopeless = cause === 'insecure' || cause === 'unsupported';
  const Icon = source === 'microphone' ? MicOff : source === 'camera' ? VideoOff : MonitorX;
  return (
    <div role="alert" className={styles['note']}>
      <Icon size={20} aria-hidden />
      <div className={styles['words']}>
        <p className={styles['title']}>{t(both ? 'problem.titleBoth' : TITLES[source])}</p>
        <p>
          {t(both && cause === 'denied' ? 'problem.deniedBoth' : `problem.${cause}`)}{' '}
          {cause === 'denied' && source !== 'screen' && t(`problem.help${browserFamily()}`)}{' '}
          {joinAnyway && t(hopeless ? 'problem.joinWithout' : 'problem.joinAnyway')}
        </p>
        {!hopeless && (
          <Button kind="quiet" size="small" className={styles['retry']} onPress={onRetry}>
            {t('common.retry')}
          </Button>
        )}
      </div>
      {onDismiss !== undefined && (
        <IconButton
          label={t('problem.dismiss')}
          icon={<X size={16} aria-hidden />}
          placement="left"
          onPress={onDismiss}
        />
      )}
    </div>
  );
}
