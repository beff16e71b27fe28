/** What someone else did, for a few seconds. Never what the system does: that is the connection bar's. */
import { Hand, MicOff, ShieldCheck } from 'lucide-react';
import { useTranslation } from 'react-i18next';

import type { Notice } from '../../types/roomHandle.ts';
import { useNoticeText } from './noticeText.ts';
import styles from './Toasts.module.css';

/** Coming and going is seen on the stage itself. */
const SHOWN: ReadonlySet<Notice['kind']> = new Set<Notice['kind']>([
  'hand_raised',
  'muted_by',
  'rights_changed',
  'role_changed',
]);

export function Toasts({ notices }: { notices: Notice[] }) {
  const { t } = useTranslation();
  const textOf = useNoticeText();
  return (
    <ul aria-label={t('notice.region')} className={styles['toasts']}>
      {notices
        .filter((notice) => SHOWN.has(notice.kind))
        .map((notice) => (
          <li key={notice.key} className={styles['toast']} data-kind={notice.kind}>
            <NoticeIcon kind={notice.kind} />
            <span>{textOf(notice)}</span>
          </li>
        ))}
    </ul>
  );
}

function NoticeIcon({ kind }: { kind: Notice['kind'] }) {
  if (kind === 'hand_raised') return <Hand size={16} aria-hidden />;
  return kind === 'muted_by' ? <MicOff size={16} aria-hidden /> : <ShieldCheck size={16} aria-hidden />;
}
