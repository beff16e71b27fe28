/** How loud the microphone hears: a bar that moves with the voice. */
import { Meter } from 'react-aria-components';
import { useTranslation } from 'react-i18next';

import styles from './LevelMeter.module.css';

export function LevelMeter({ level }: { level: number }) {
  const { t } = useTranslation();
  const share = Math.max(0, Math.min(1, level));
  return (
    <Meter aria-label={t('lobby.level')} value={Math.round(share * 100)} className={styles['meter'] ?? ''}>
      <div className={styles['fill']} style={{ transform: `scaleX(${share})` }} />
    </Meter>
  );
}
