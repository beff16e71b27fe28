/** The debug log, live. Filters are the address: a link shows another person the same lines. */
import { useMutation } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { LogOut } from 'lucide-react';
import { useCallback, useState } from 'react';
import { useTranslation } from 'react-i18next';

import { LogDetail } from '../components/logs/LogDetail.tsx';
import { filtersIn, NO_FILTERS, type LogFilters, type LogLine } from '../components/logs/logLine.ts';
import { LogList } from '../components/logs/LogList.tsx';
import { LogToolbar } from '../components/logs/LogToolbar.tsx';
import { OperatorGate } from '../components/logs/OperatorGate.tsx';
import { IconButton } from '../components/ui/IconButton.tsx';
import { useLogs, type LogsView } from '../hooks/useLogs.ts';
import { ApiError } from '../services/api.ts';
import { useFailureText } from './frame/failure.ts';
import { PageFrame } from './frame/PageFrame.tsx';
import styles from './LogsPage.module.css';

const SHOWN = 1000;

export function LogsPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  // The router hands on what else stands in the address, too.
  const search = filtersIn(useSearch({ from: '/logs' }));
  const filters: LogFilters = { ...NO_FILTERS, ...search };
  const logs = useLogs(filters);
  const [frozen, setFrozen] = useState<LogLine[] | null>(null);
  const [selected, setSelected] = useState<LogLine | null>(null);
  const services = useServices(logs.records);
  const failure = useFailureText();
  const signingOut = useMutation({
    mutationFn: logs.signOut,
    onMutate: () => {
      setFrozen(null);
      setSelected(null);
    },
  });

  const setFilters = useCallback(
    (next: LogFilters) => {
      setFrozen(null);
      const given = Object.fromEntries(Object.entries(next).filter(([, value]) => value !== ''));
      void navigate({ to: '/logs', search: given, replace: true });
    },
    [navigate],
  );
  const records = (frozen ?? logs.records).slice(-SHOWN);
  const newest = frozen?.at(-1)?.id ?? -1;

  if (logs.forbidden) {
    return (
      <PageFrame title={t('logs.title')} logsLink={false}>
        <Gate signIn={logs.signIn} />
      </PageFrame>
    );
  }
  return (
    <PageFrame
      title={t('logs.title')}
      fixed
      logsLink={false}
      action={
        logs.signedIn && (
          <IconButton
            label={t('logs.signOut')}
            icon={<LogOut size={18} aria-hidden />}
            placement="bottom"
            data-testid="operator-sign-out"
            onPress={() => {
              signingOut.mutate();
            }}
          />
        )
      }
      bar={<h1 className={styles['title']}>{t('logs.title')}</h1>}
    >
      <LogToolbar
        filters={filters}
        services={services}
        count={records.length}
        dropped={logs.dropped}
        live={logs.live && logs.error === null}
        waiting={frozen === null ? null : logs.records.filter((record) => record.id > newest).length}
        onFilters={setFilters}
        onPause={(paused) => {
          setFrozen(paused ? logs.records : null);
        }}
      />
      {logs.error !== null && <Failure />}
      {signingOut.isError && (
        <p role="alert" className={styles['failure']}>
          <strong>{t('logs.signOutFailed')}</strong> {failure(signingOut.error)}
        </p>
      )}
      <div className={styles['panes']}>
        {records.length === 0 ? (
          <Empty logs={logs} filtered={Object.keys(search).length > 0} />
        ) : (
          <LogList records={records} selected={selected?.id ?? null} onSelect={setSelected} />
        )}
        {selected !== null && (
          <LogDetail
            record={selected}
            onFilter={(by) => {
              setFilters({ ...filters, ...by });
            }}
            onClose={() => {
              setSelected(null);
            }}
          />
        )}
      </div>
    </PageFrame>
  );
}

function Gate({ signIn }: Pick<LogsView, 'signIn'>) {
  const { t } = useTranslation();
  const failure = useFailureText();
  const opening = useMutation({ mutationFn: signIn });
  const refused = opening.error instanceof ApiError && [400, 401, 403, 422].includes(opening.error.status);
  return (
    <OperatorGate
      pending={opening.isPending}
      error={opening.isError ? (refused ? t('logs.tokenRefused') : failure(opening.error)) : null}
      onToken={(token) => {
        opening.mutate(token);
      }}
    />
  );
}

function Failure() {
  const { t } = useTranslation();
  return (
    <p role="status" className={styles['failure']}>
      <strong>{t('logs.failed')}</strong> {t('logs.failedText')}
    </p>
  );
}

function Empty({ logs, filtered }: { logs: LogsView; filtered: boolean }) {
  const { t } = useTranslation();
  if (logs.error !== null) return <div className={styles['empty']} />;
  return (
    <p className={styles['empty']}>{t(logs.loading ? 'logs.loading' : filtered ? 'logs.empty' : 'logs.emptyAll')}</p>
  );
}

/** Every service seen since the page was opened: narrowing to one must not take the others out of the choice. */
function useServices(records: LogLine[]): string[] {
  const [known, setKnown] = useState<string[]>([]);
  const fresh = [...new Set(records.map((record) => record.service))].filter((service) => !known.includes(service));
  if (fresh.length > 0) setKnown([...known, ...fresh].sort());
  return known;
}
