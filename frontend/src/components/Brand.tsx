/** The mark and the name. */
import { useTranslation } from 'react-i18next';

import styles from './Brand.module.css';

export function Brand() {
  const { t } = useTranslation();
  return (
    <span className={styles['brand']}>
      <svg width="24" height="24" viewBox="0 0 32 32" aria-hidden className={styles['mark']}>
        <rect width="32" height="32" rx="8" />
        <rect x="6" y="8" width="9" height="7" rx="2" />
        <rect x="17" y="8" width="9" height="7" rx="2" />
        <rect x="6" y="17" width="9" height="7" rx="2" />
        <rect x="17" y="17" width="9" height="7" rx="2" />
      </svg>
      {t('common.appName')}
    </span>
  );
}
