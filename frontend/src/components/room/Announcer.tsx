/**
 * Says aloud, politely, what eyes see at once: who came and went, hands, messages of the chat. Only what is new since the room
 * was entered; a history of fifty messages is not read out.
 */
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';

import type { ChatMessage, Notice } from '../../types/roomHandle.ts';
import { useNoticeText } from './noticeText.ts';
import styles from './Announcer.module.css';

export interface AnnouncerProps {
  notices: Notice[];
  chat: ChatMessage[];
  ownId: string | null;
  /** True once the room's history is here. */
  ready: boolean;
}

const SPOKEN_CHARACTERS = 200;

export function Announcer({ notices, chat, ownId, ready }: AnnouncerProps) {
  const { t } = useTranslation();
  const textOf = useNoticeText();
  const [lines, setLines] = useState<string[]>([]);
  const lastNotice = useRef(-Infinity);
  const lastMessage = useRef<string | null>(null);
  const started = useRef(false);

  useEffect(() => {
    if (!ready) return;
    const fresh = notices.filter((notice) => notice.key > lastNotice.current).map(textOf);
    const from = chat.findIndex((message) => message.id === lastMessage.current) + 1;
    const messages = chat.slice(from).filter((message) => message.from !== ownId && message.status === 'sent');
    const said = messages.map(({ name, text }) =>
      t('notice.message', { name, text: text.slice(0, SPOKEN_CHARACTERS) }),
    );
    lastNotice.current = Math.max(lastNotice.current, ...notices.map((notice) => notice.key));
    lastMessage.current = chat.at(-1)?.id ?? null;
    const all = started.current ? [...fresh, ...said] : [];
    started.current = true;
    if (all.length > 0) setLines(all.slice(-5));
  }, [notices, chat, ownId, ready, t, textOf]);

  return (
    <div role="log" aria-live="polite" aria-relevant="additions text" className={styles['announcer']}>
      {lines.map((line, index) => (
        <p key={`${index}-${line}`}>{line}</p>
      ))}
    </div>
  );
}
