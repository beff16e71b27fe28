/** Notices in words: for toasts and for screen readers alike. */
import { useTranslation } from 'react-i18next';

import type { Notice, Role, Source } from '../../types/roomHandle.ts';

const SOURCES = new Set<string>(['microphone', 'camera', 'screen', 'screen_audio'] satisfies Source[]);
const ROLES = new Set<string>(['host', 'moderator', 'participant', 'viewer'] satisfies Role[]);

export function useNoticeText(): (notice: Notice) => string {
  const { t } = useTranslation();
  return ({ kind, name, detail }) => {
    switch (kind) {
      case 'muted_by': {
        const source = t(
          detail !== undefined && SOURCES.has(detail) ? `notice.source_${detail as Source}` : 'notice.source_any',
        );
        return t('notice.muted_by', { name, source });
      }
      case 'role_changed': {
        const role = detail !== undefined && ROLES.has(detail) ? t(`people.role_${detail as Role}`) : (detail ?? '');
        return t('notice.role_changed', { name, role });
      }
      case 'hand_raised':
      case 'rights_changed':
      case 'joined':
      case 'left':
        return t(`notice.${kind}`, { name });
      default:
        return kind satisfies never;
    }
  };
}
