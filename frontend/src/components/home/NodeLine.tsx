/** What the node is, in one line at the foot of the page. Pressing it tells the rest. */
import { useTranslation } from 'react-i18next';

import type { NodeStatusView } from '../DebugPanel.tsx';
import styles from './NodeLine.module.css';
import { StateMark, useStateWord } from './StateMark.tsx';

export function NodeLine({ view, onOpen }: { view: NodeStatusView; onOpen: () => void }) {
  const { t } = useTranslation();
  const word = useStateWord();
  const { status, unreachable } = view;
  const state = unreachable ? 'unreachable' : (status?.state ?? null);
  return (
    <button type="button" aria-haspopup="dialog" className={styles['line']} data-testid="node-line" onClick={onOpen}>
      <StateMark state={state} />
      {unreachable ? (
        <span>{t('node.unreachable')}</span>
      ) : status === null ? (
        <span>{t('node.loading')}</span>
      ) : (
        <>
          <span>{word(status.state)}</span>
          <span>{t('node.line', { node: status.node, version: status.version })}</span>
          <span>{t('node.sfu', { provider: status.sfu.provider })}</span>
        </>
      )}
    </button>
  );
}
