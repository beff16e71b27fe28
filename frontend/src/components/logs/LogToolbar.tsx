/** Filters of the log, each visible as a chip, and the switch between live and paused. */
import { Pause, Play, X } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';

import { Button } from '../ui/Button.tsx';
import { Select } from '../ui/Select.tsx';
import { TextField } from '../ui/TextField.tsx';
import { LOG_LEVELS, NO_FILTERS, type LogFilters } from './logLine.ts';
import styles from './LogToolbar.module.css';

const TYPING_PAUSE_MS = 250;
const ANY = 'any';

export interface LogToolbarProps {
  filters: LogFilters;
  services: string[];
  count: number;
  dropped: number;
  live: boolean;
  /** Null while live; otherwise how many records wait. */
  waiting: number | null;
  onFilters: (filters: LogFilters) => void;
  onPause: (paused: boolean) => void;
}

export function LogToolbar(props: LogToolbarProps) {
  const { t } = useTranslation();
  const { filters, services, onFilters } = props;
  const levels = [
    { id: ANY, label: t('logs.anyLevel') },
    ...LOG_LEVELS.map((level) => ({ id: level, label: level === 'error' ? level : t('logs.levelAtLeast', { level }) })),
  ];
  const known =
    filters.service === '' || services.includes(filters.service) ? services : [filters.service, ...services];
  const serviceOptions = [{ id: ANY, label: t('logs.anyService') }, ...known.map((id) => ({ id, label: id }))];
  return (
    <div className={styles['toolbar']}>
      <div className={styles['row']}>
        <Select
          label={t('logs.level')}
          labelHidden
          options={levels}
          value={filters.level === '' ? ANY : filters.level}
          onChange={(id) => {
            onFilters({ ...filters, level: LOG_LEVELS.find((level) => level === id) ?? '' });
          }}
        />
        <Select
          label={t('logs.service')}
          labelHidden
          options={serviceOptions}
          value={filters.service === '' ? ANY : filters.service}
          onChange={(id) => {
            onFilters({ ...filters, service: id === ANY ? '' : id });
          }}
        />
        <Search filters={filters} onFilters={onFilters} />
        <Tail {...props} />
      </div>
      <Chips {...props} />
    </div>
  );
}

/**
 * The address changes when the typing rests, not at every letter. The field keeps what is typed, whatever happens around it: records
 * arrive many times a second, and only a filter that was changed elsewhere replaces the words.
 */
function Search({ filters, onFilters }: Pick<LogToolbarProps, 'filters' | 'onFilters'>) {
  const { t } = useTranslation();
  const [text, setText] = useState(filters.text);
  const [seen, setSeen] = useState(filters.text);
  /** What this field itself has asked for; null when the last word came from elsewhere. */
  const [asked, setAsked] = useState<string | null>(null);
  if (filters.text !== seen) {
    setSeen(filters.text);
    if (filters.text !== asked) {
      setAsked(null);
      setText(filters.text);
    }
  }
  const latest = useRef({ filters, onFilters });
  useEffect(() => {
    latest.current = { filters, onFilters };
  });
  useEffect(() => {
    if (text === latest.current.filters.text) return;
    const timer = setTimeout(() => {
      setAsked(text);
      latest.current.onFilters({ ...latest.current.filters, text });
    }, TYPING_PAUSE_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [text]);
  return (
    <TextField
      type="search"
      label={t('logs.search')}
      labelHidden
      placeholder={t('logs.search')}
      value={text}
      onChange={setText}
      spellCheck={false}
      className={styles['search']}
      data-testid="log-search"
    />
  );
}

function Tail({ live, waiting, onPause }: LogToolbarProps) {
  const { t } = useTranslation();
  const paused = waiting !== null;
  const state = paused
    ? waiting > 0
      ? t('logs.pausedCount', { count: waiting })
      : t('logs.paused')
    : live
      ? t('logs.live')
      : '';
  return (
    <div className={styles['tail']}>
      <span role="status" className={styles['state']} data-state={paused ? 'paused' : live ? 'live' : 'polling'}>
        {state}
      </span>
      <Button
        icon={paused ? <Play size={16} aria-hidden /> : <Pause size={16} aria-hidden />}
        data-testid="log-pause"
        onPress={() => {
          onPause(!paused);
        }}
      >
        {t(paused ? 'logs.resume' : 'logs.pause')}
      </Button>
    </div>
  );
}

function Chips({ filters, count, dropped, onFilters }: LogToolbarProps) {
  const { t } = useTranslation();
  const named: Array<[keyof LogFilters, string]> = [
    ['level', t('logs.level')],
    ['service', t('logs.service')],
    ['room', t('logs.room')],
    ['text', t('logs.message')],
  ];
  const active = named.filter(([key]) => filters[key] !== '');
  return (
    <div className={styles['chips']}>
      {active.map(([key, name]) => (
        <button
          key={key}
          type="button"
          className={styles['chip']}
          aria-label={t('logs.removeFilter', { name, value: filters[key] })}
          onClick={() => {
            onFilters({ ...filters, [key]: '' });
          }}
        >
          <span className={styles['chipName']}>{name}</span> <span className={styles['chipValue']}>{filters[key]}</span>
          <X size={14} aria-hidden />
        </button>
      ))}
      {active.length > 1 && (
        <Button
          kind="quiet"
          size="small"
          onPress={() => {
            onFilters(NO_FILTERS);
          }}
        >
          {t('logs.clearFilters')}
        </Button>
      )}
      <span className={styles['count']}>
        {t('logs.records', { count })}
        {dropped > 0 && ` · ${t('logs.dropped', { count: dropped })}`}
      </span>
    </div>
  );
}
