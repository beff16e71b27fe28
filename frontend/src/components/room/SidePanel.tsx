/** The frame of a side panel: a title, a cross, and what is in it. It pushes the stage on wide screens and covers it on narrow ones. */
import { X } from 'lucide-react';
import { useId, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

import { IconButton } from '../ui/IconButton.tsx';
import styles from './SidePanel.module.css';

export interface SidePanelProps {
  title: string;
  onClose: () => void;
  children: ReactNode;
}

export function SidePanel({ title, onClose, children }: SidePanelProps) {
  const { t } = useTranslation();
  const id = useId();
  return (
    <aside aria-labelledby={id} className={styles['panel']}>
      <header className={styles['header']}>
        <h2 id={id} className={styles['title']}>
          {title}
        </h2>
        <IconButton label={t('common.close')} icon={<X size={20} aria-hidden />} placement="left" onPress={onClose} />
      </header>
      {children}
    </aside>
  );
}
