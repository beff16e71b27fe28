/** Shown when drawing itself failed. It stands on nothing that could have failed: no frame, no router, no server. */
import { TriangleAlert } from 'lucide-react';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';

import { Outcome } from '../components/room/Outcome.tsx';
import { Button } from '../components/ui/Button.tsx';
import { debugLogger } from '../services/debugLogger.ts';
import styles from './CrashPage.module.css';

export function CrashPage({ error }: { error: unknown }) {
  const { t } = useTranslation();
  useEffect(() => {
    debugLogger.error(
      'the page crashed',
      error instanceof Error ? { error: error.message, stack: error.stack } : { error: String(error) },
    );
  }, [error]);
  return (
    <main className={styles['crash']}>
      <Outcome icon={<TriangleAlert size={24} />} title={t('crash.title')} text={t('crash.text')}>
        <Button
          kind="primary"
          onPress={() => {
            location.reload();
          }}
        >
          {t('crash.reload')}
        </Button>
      </Outcome>
      <details className={styles['details']}>
        <summary>{t('crash.details')}</summary>
        <pre>{error instanceof Error ? error.message : String(error)}</pre>
      </details>
    </main>
  );
}
