/** The connection in figures: the whole, then each picture. */
import { useTranslation } from 'react-i18next';

import type { ConnectionPhase, MediaStats } from '../../types/roomHandle.ts';
import styles from './StatisticsPanel.module.css';

export interface StatisticsPanelProps {
  stats: MediaStats | null;
  phase: ConnectionPhase;
  node: string | null;
}

export function StatisticsPanel({ stats, phase, node }: StatisticsPanelProps) {
  const { t, i18n } = useTranslation();
  const number = new Intl.NumberFormat(i18n.language, { maximumFractionDigits: 0 });
  const value = (amount: number) => number.format(amount);
  const figures: Array<[string, string]> = [
    [t('statistics.state'), t(`connection.${phase}`)],
    [t('statistics.node'), node ?? t('statistics.unknown')],
    [
      t('statistics.roundTrip'),
      stats?.rttMs == null ? t('statistics.unknown') : t('statistics.ms', { value: value(stats.rttMs) }),
    ],
    [
      t('statistics.outbound'),
      stats === null ? t('statistics.unknown') : t('statistics.kbps', { value: value(stats.outboundKbps) }),
    ],
    [
      t('statistics.inbound'),
      stats === null ? t('statistics.unknown') : t('statistics.kbps', { value: value(stats.inboundKbps) }),
    ],
    [t('statistics.lost'), stats === null ? t('statistics.unknown') : value(stats.packetsLost)],
  ];
  return (
    <div className={styles['statistics']}>
      <dl className={styles['figures']}>
        {figures.map(([name, figure]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{figure}</dd>
          </div>
        ))}
      </dl>
      {stats === null || stats.tiles.length === 0 ? (
        <p className={styles['empty']}>{t('statistics.none')}</p>
      ) : (
        <table className={styles['pictures']}>
          <caption>{t('statistics.pictures')}</caption>
          <thead>
            <tr>
              <th scope="col">{t('people.title')}</th>
              <th scope="col">{t('statistics.size')}</th>
              <th scope="col">{t('statistics.frames')}</th>
              <th scope="col">{t('statistics.rate')}</th>
            </tr>
          </thead>
          <tbody>
            {stats.tiles.map((tile) => (
              <tr key={tile.key}>
                <th scope="row">{tile.name}</th>
                <td>{tile.width > 0 ? `${tile.width}×${tile.height}` : t('statistics.unknown')}</td>
                <td>{t('statistics.fps', { value: value(tile.framesPerSecond) })}</td>
                <td>{t('statistics.kbps', { value: value(tile.kbps) })}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </div>
  );
}
