/** What `useServiceStatus` knows of the node that serves this page: the node, its media engine, its services, its load. */
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';

import styles from './DebugPanel.module.css';
import { StateMark, useStateWord } from './home/StateMark.tsx';
import { Dialog } from './ui/Dialog.tsx';
import { durationText } from './ui/duration.ts';

/** The shape of `useServiceStatus`, as far as it is drawn. */
export interface NodeStatusView {
  status: {
    node: string;
    version: string;
    state: string;
    uptime_ms: number;
    services: Array<{ name: string; status: string; detail?: string | null }>;
    sfu: { provider: string; status: string };
    rooms: number;
    connections: number;
  } | null;
  loading: boolean;
  unreachable: boolean;
}

export interface DebugPanelProps {
  view: NodeStatusView;
  open: boolean;
  onClose: () => void;
  /** A link to the log page. */
  logsLink: ReactElement;
}

export function DebugPanel({ view, open, onClose, logsLink }: DebugPanelProps) {
  const { t } = useTranslation();
  const { status, unreachable } = view;
  return (
    <Dialog title={t('node.title')} open={open} onClose={onClose} wide>
      <div data-testid="debug-panel" className={styles['panel']}>
        {unreachable && (
          <p role="status" className={styles['unreachable']}>
            {t('node.unreachable')}. {t('node.unreachableDetail')}
          </p>
        )}
        {status === null ? !unreachable && <p>{t('node.loading')}</p> : <Facts status={status} />}
        <p className={styles['logs']}>{logsLink}</p>
      </div>
    </Dialog>
  );
}

function Facts({ status }: { status: NonNullable<NodeStatusView['status']> }) {
  const { t, i18n } = useTranslation();
  const word = useStateWord();
  const number = new Intl.NumberFormat(i18n.language);
  const facts: Array<[string, string, string?]> = [
    [t('node.name'), status.node],
    [t('node.version'), status.version],
    [t('node.state'), word(status.state), status.state],
    [t('node.uptime'), durationText(status.uptime_ms, i18n.language)],
    [t('node.rooms'), number.format(status.rooms)],
    [t('node.connections'), number.format(status.connections)],
    [t('node.media'), `${status.sfu.provider}, ${word(status.sfu.status)}`, status.sfu.status],
  ];
  return (
    <>
      <dl className={styles['facts']}>
        {facts.map(([name, fact, state]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              {state !== undefined && <StateMark state={state} />}
              {fact}
            </dd>
          </div>
        ))}
      </dl>
      {status.services.length > 0 && <Services services={status.services} />}
    </>
  );
}

function Services({ services }: { services: NonNullable<NodeStatusView['status']>['services'] }) {
  const { t } = useTranslation();
  const word = useStateWord();
  return (
    <section aria-labelledby="services">
      <h3 id="services" className={styles['subtitle']}>
        {t('node.services')}
      </h3>
      <ul className={styles['services']}>
        {services.map((service) => (
          <li key={service.name}>
            <span className={styles['service']}>{service.name}</span>
            <span className={styles['state']}>
              <StateMark state={service.status} />
              {word(service.status)}
            </span>
            <span className={styles['detail']}>{service.detail ?? ''}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
