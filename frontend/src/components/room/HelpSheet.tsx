/** All keys on one sheet. */
import { useTranslation } from 'react-i18next';

import { Dialog } from '../ui/Dialog.tsx';
import styles from './HelpSheet.module.css';
import { SHORTCUTS, type Shortcut } from './shortcuts.ts';

const ORDER: Shortcut[] = ['microphone', 'camera', 'screen', 'hand', 'chat', 'people', 'help', 'escape'];

export function HelpSheet({ open, onClose }: { open: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Dialog title={t('help.title')} open={open} onClose={onClose}>
      <p className={styles['note']}>{t('help.note')}</p>
      <dl className={styles['keys']}>
        {ORDER.map((shortcut) => (
          <div key={shortcut}>
            <dt>{t(`help.${shortcut}`)}</dt>
            <dd>
              <kbd>{SHORTCUTS[shortcut]}</kbd>
            </dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
