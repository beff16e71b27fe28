/** A failed request in words a person can act on. */
import { useTranslation } from 'react-i18next';

import { ApiError } from '../../services/api.ts';

export function useFailureText(): (error: unknown) => string {
  const { t } = useTranslation();
  return (error) => {
    if (!(error instanceof ApiError)) return t('failure.other');
    if (error.code === 'network') return t('failure.network');
    if (error.code === 'timeout') return t('failure.timeout');
    if (error.code === 'rate_limited' || error.status === 429) return t('failure.rateLimited');
    if (error.code === 'unavailable' || error.status === 503) return t('failure.unavailable');
    return error.requestId === null ? t('failure.other') : t('failure.otherWithId', { id: error.requestId });
  };
}
