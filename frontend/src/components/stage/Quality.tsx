/** How good someone's connection is: bars for the eye, a word for everyone, and the word is drawn when it is bad. */
import { useTranslation } from 'react-i18next';

import type { Tile } from '../../types/roomHandle.ts';
import styles from './Quality.module.css';

const BARS: Record<Tile['quality'], number> = { good: 3, fair: 2, poor: 1, unknown: 0 };

export function Quality({ quality }: { quality: Tile['quality'] }) {
  const { t } = useTranslation();
  if (quality === 'unknown' || quality === 'good') return null;
  return (
    <span className={styles['quality']} data-quality={quality} title={t(`tile.quality_${quality}`)}>
      <svg width="14" height="12" viewBox="0 0 14 12" role="img" aria-label={t(`tile.quality_${quality}`)}>
        {[0, 1, 2].map((bar) => (
          <rect
            key={bar}
            x={bar * 5}
            y={8 - bar * 4}
            width="3.5"
            height={4 + bar * 4}
            rx="1"
            opacity={bar < BARS[quality] ? 1 : 0.3}
          />
        ))}
      </svg>
      {quality === 'poor' && (
        <span className={styles['word']} aria-hidden>
          {t('tile.poor')}
        </span>
      )}
    </span>
  );
}
