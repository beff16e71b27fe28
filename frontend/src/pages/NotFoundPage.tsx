/** An address that leads nowhere. */
import { useNavigate } from '@tanstack/react-router';
import { SearchX } from 'lucide-react';
import { useTranslation } from 'react-i18next';

import { Outcome } from '../components/room/Outcome.tsx';
import { Button } from '../components/ui/Button.tsx';
import { PageFrame } from './frame/PageFrame.tsx';

export function NotFoundPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  return (
    <PageFrame title={t('notFound.title')}>
      <Outcome icon={<SearchX size={24} />} title={t('notFound.title')} text={t('notFound.text')}>
        <Button kind="primary" onPress={() => void navigate({ to: '/' })}>
          {t('notFound.home')}
        </Button>
      </Outcome>
    </PageFrame>
  );
}
