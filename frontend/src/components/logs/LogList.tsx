/**
 * Log records, the oldest first, one line each, as in a terminal. It follows the newest record while its reader is at the end.
 * Arrow keys walk; Enter opens a record.
 */
import { memo, useLayoutEffect, useRef, type KeyboardEvent } from 'react';
import { useTranslation } from 'react-i18next';

import styles from './LogList.module.css';
import { fieldsText, type LogLine } from './logLine.ts';

const NEAR_BOTTOM_PX = 40;

export interface LogListProps {
  records: LogLine[];
  selected: number | null;
  onSelect: (record: LogLine) => void;
}

export function LogList({ records, selected, onSelect }: LogListProps) {
  const { t } = useTranslation();
  const list = useRef<HTMLDivElement>(null);
  const following = useRef(true);
  const last = records.at(-1)?.id;
  useLayoutEffect(() => {
    if (following.current && list.current !== null) list.current.scrollTop = list.current.scrollHeight;
  }, [last]);

  return (
    <div
      ref={list}
      className={styles['scroll']}
      onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) => {
        following.current = scrollHeight - scrollTop - clientHeight < NEAR_BOTTOM_PX;
      }}
    >
      <div className={styles['head']} aria-hidden>
        <span>{t('logs.time')}</span>
        <span>{t('logs.level')}</span>
        <span>{t('logs.service')}</span>
        <span>{t('logs.node')}</span>
        <span>{t('logs.room')}</span>
        <span>{t('logs.message')}</span>
      </div>
      <ol aria-label={t('logs.table')} className={styles['list']}>
        {records.map((record) => (
          <Line
            key={record.id}
            record={record}
            open={record.id === selected}
            entry={record.id === (selected ?? last)}
            onSelect={onSelect}
          />
        ))}
      </ol>
    </div>
  );
}

interface LineProps {
  record: LogLine;
  open: boolean;
  /** The one line that Tab stops at. */
  entry: boolean;
  onSelect: (record: LogLine) => void;
}

const Line = memo(function Line({ record, open, entry, onSelect }: LineProps) {
  return (
    <li>
      <button
        type="button"
        className={styles['line']}
        data-level={record.level}
        data-testid="log-record"
        aria-pressed={open}
        tabIndex={entry ? 0 : -1}
        onKeyDown={walk}
        onClick={() => {
          onSelect(record);
        }}
      >
        <time dateTime={new Date(record.at).toISOString()}>{timeText(record.at)}</time>
        <span className={styles['level']}>{record.level}</span>
        <span className={styles['cell']}>{record.service}</span>
        <span className={styles['cell']}>{record.node ?? ''}</span>
        <span className={styles['cell']}>{record.room ?? ''}</span>
        <span className={styles['message']}>
          {record.message}
          {record.fields != null && <span className={styles['fields']}> {fieldsText(record.fields)}</span>}
        </span>
      </button>
    </li>
  );
});

function walk(event: KeyboardEvent<HTMLButtonElement>): void {
  const item = event.currentTarget.parentElement;
  const next =
    event.key === 'ArrowDown'
      ? item?.nextElementSibling
      : event.key === 'ArrowUp'
        ? item?.previousElementSibling
        : null;
  const button = next?.querySelector('button');
  if (button == null) return;
  event.preventDefault();
  button.focus();
}

/** Local time to the millisecond, always of one width. */
export function timeText(at: number): string {
  const time = new Date(at);
  const pad = (value: number, width: number) => String(value).padStart(width, '0');
  return `${pad(time.getHours(), 2)}:${pad(time.getMinutes(), 2)}:${pad(time.getSeconds(), 2)}.${pad(time.getMilliseconds(), 3)}`;
}
