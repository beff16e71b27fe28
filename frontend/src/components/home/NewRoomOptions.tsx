/** What a new room may be given besides its link. Folded away: nobody needs it to be in a call. */
import { ChevronRight } from 'lucide-react';
import { useTranslation } from 'react-i18next';

import { TextField } from '../ui/TextField.tsx';
import styles from './NewRoomOptions.module.css';

export interface NewRoomOptionsProps {
  name: string;
  password: string;
  onName: (name: string) => void;
  onPassword: (password: string) => void;
}

export function NewRoomOptions({ name, password, onName, onPassword }: NewRoomOptionsProps) {
  const { t } = useTranslation();
  return (
    <details className={styles['options']}>
      <summary className={styles['trigger']}>
        <ChevronRight size={16} aria-hidden />
        {t('home.options')}
      </summary>
      <div className={styles['fields']}>
        <TextField
          label={t('home.roomName')}
          aside={t('home.optional')}
          value={name}
          onChange={onName}
          maxLength={100}
          autoComplete="off"
        />
        <TextField
          label={t('home.roomPassword')}
          aside={t('home.optional')}
          value={password}
          onChange={onPassword}
          maxLength={128}
          autoComplete="off"
          spellCheck={false}
        />
      </div>
    </details>
  );
}
