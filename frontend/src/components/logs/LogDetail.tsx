/** One record whole: every field, and a press on service or room narrows the list to it. */
import { Check, Copy, X } from 'lucide-react';
import { useTranslation } from 'react-i18next';

import { Button } from '../ui/Button.tsx';
import { IconButton } from '../ui/IconButton.tsx';
import { useCopied } from '../ui/useCopied.ts';
import styles from './LogDetail.module.css';
import type { LogLine } from './logLine.ts';

export interface LogDetailProps {
  record: LogLine;
  onFilter: (by: { service?: string; room?: string }) => void;
  onClose: () => void;
}

export function LogDetail({ record, onFilter, onClose }: LogDetailProps) {
  const { t, i18n } = useTranslation();
  const [copied, copy] = useCopied();
  const time = new Intl.DateTimeFormat(i18n.language, { dateStyle: 'medium', timeStyle: 'medium' }).format(record.at);
  const fields = Object.entries(record.fields ?? {});
  return (
    <aside aria-labelledby="log-detail" className={styles['detail']} data-testid="log-detail">
      <header className={styles['header']}>
        <h2 id="log-detail" className={styles['title']}>
          {t('logs.details')} <span className={styles['id']}>{record.id}</span>
        </h2>
        <IconButton label={t('common.close')} icon={<X size={20} aria-hidden />} placement="left" onPress={onClose} />
      </header>
      <div className={styles['body']}>
        <p className={styles['message']}>{record.message}</p>
        <dl className={styles['facts']}>
          <Fact name={t('logs.time')}>{time}</Fact>
          <Fact name={t('logs.level')}>{record.level}</Fact>
          <Fact name={t('logs.service')}>
            <Narrow
              value={record.service}
              onPress={() => {
                onFilter({ service: record.service });
              }}
            />
          </Fact>
          {record.node != null && <Fact name={t('logs.node')}>{record.node}</Fact>}
          {record.room != null && (
            <Fact name={t('logs.room')}>
              <Narrow
                value={record.room}
                onPress={() => {
                  onFilter({ room: record.room ?? '' });
                }}
              />
            </Fact>
          )}
        </dl>
        <h3 className={styles['subtitle']}>{t('logs.fields')}</h3>
        {fields.length === 0 ? (
          <p className={styles['none']}>{t('logs.noFields')}</p>
        ) : (
          <dl className={styles['facts']}>
            {fields.map(([name, value]) => (
              <Fact key={name} name={name}>
                {typeof value === 'string' ? value : JSON.stringify(value)}
              </Fact>
            ))}
          </dl>
        )}
        <Button
          size="small"
          icon={copied ? <Check size={16} aria-hidden /> : <Copy size={16} aria-hidden />}
          onPress={() => {
            copy(JSON.stringify(record, null, 2));
          }}
        >
          {t(copied ? 'common.copied' : 'logs.copyJson')}
        </Button>
      </div>
    </aside>
  );
}

function Fact({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Narrow({ value, onPress }: { value: string; onPress: () => void }) {
  const { t } = useTranslation();
  return (
    <button type="button" className={styles['narrow']} title={t('logs.filterBy', { value })} onClick={onPress}>
      {value}
    </button>
  );
}
