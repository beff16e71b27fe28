/** Rooms this browser has been in, the latest first. */
import { X } from 'lucide-react';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';

import styles from './RecentRooms.module.css';

export interface Recent {
  id: string;
  name: string;
  at: number;
}

export interface RecentRoomsProps {
  rooms: Recent[];
  /** A link around the row's text. */
  link: (room: Recent, className: string, text: ReactElement) => ReactElement;
  onForget: (id: string) => void;
}

export function RecentRooms({ rooms, link, onForget }: RecentRoomsProps) {
  const { t, i18n } = useTranslation();
  const time = new Intl.DateTimeFormat(i18n.language, {
    day: 'numeric',
    month: 'long',
    hour: 'numeric',
    minute: '2-digit',
  });
  return (
    <section aria-labelledby="recent">
      <h2 id="recent" className={styles['title']}>
        {t('home.recent')}
      </h2>
      <p className={styles['note']}>{t(rooms.length === 0 ? 'home.recentEmpty' : 'home.recentNote')}</p>
      {rooms.length > 0 && (
        <ul className={styles['list']}>
          {rooms.map((room) => {
            const name = room.name === '' ? t('home.unnamed') : room.name;
            return (
              <li key={room.id} className={styles['row']}>
                {link(
                  room,
                  styles['link'] ?? '',
                  <>
                    <span className={styles['name']}>{name}</span>
                    <span className={styles['id']}>{room.id}</span>
                    <time className={styles['time']} dateTime={new Date(room.at).toISOString()}>
                      {time.format(room.at)}
                    </time>
                  </>,
                )}
                <button
                  type="button"
                  className={styles['forget']}
                  aria-label={t('home.forget', { name })}
                  title={t('home.forget', { name })}
                  onClick={() => {
                    onForget(room.id);
                  }}
                >
                  <X size={16} aria-hidden />
                </button>
              </li>
            );
          })}
        </ul>
      )}
    </section>
  );
}
