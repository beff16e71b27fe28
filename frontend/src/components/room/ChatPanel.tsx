/**
 * The chat. A message is shown at once and marked until the server has it; one that did not get there keeps its text and
 * offers another try. The list follows the newest message unless someone has scrolled up to read.
 */
import { ArrowDown, SendHorizontal } from 'lucide-react';
import { memo, useEffect, useLayoutEffect, useRef, useState, type KeyboardEvent } from 'react';
import { useTranslation } from 'react-i18next';

import type { ChatMessage } from '../../types/roomHandle.ts';
import { Button } from '../ui/Button.tsx';
import { cx } from '../ui/cx.ts';
import { IconButton } from '../ui/IconButton.tsx';
import styles from './ChatPanel.module.css';
import { Linkified } from './Linkified.tsx';

const LIMIT = 4000;
/** Messages of one author within this time share one heading. */
const TOGETHER_MS = 3 * 60_000;
const NEAR_BOTTOM_PX = 64;

export interface ChatPanelProps {
  messages: ChatMessage[];
  ownId: string | null;
  draft: string;
  onDraft: (text: string) => void;
  onSend: (text: string) => void;
  onRetry: (id: string) => void;
}

export function ChatPanel({ messages, ownId, draft, onDraft, onSend, onRetry }: ChatPanelProps) {
  const { t } = useTranslation();
  const { list, below, toBottom, onScroll } = useFollow(messages.length);
  return (
    <div className={styles['chat']}>
      <div
        ref={list}
        className={styles['list']}
        onScroll={onScroll}
        role="log"
        aria-label={t('chat.title')}
        aria-live="off"
      >
        {messages.length === 0 && <p className={styles['empty']}>{t('chat.empty')}</p>}
        {messages.map((message, index) => (
          <Message
            key={`${message.from}/${message.id}`}
            message={message}
            before={messages[index - 1]}
            own={message.from === ownId}
            onRetry={onRetry}
          />
        ))}
      </div>
      {below && (
        <Button size="small" className={styles['below']} icon={<ArrowDown size={16} aria-hidden />} onPress={toBottom}>
          {t('chat.newBelow')}
        </Button>
      )}
      <Composer
        draft={draft}
        onDraft={onDraft}
        onSend={(text) => {
          onSend(text);
          toBottom();
        }}
      />
    </div>
  );
}

interface MessageProps {
  message: ChatMessage;
  before: ChatMessage | undefined;
  own: boolean;
  onRetry: (id: string) => void;
}

const Message = memo(function Message({ message, before, own, onRetry }: MessageProps) {
  const { t, i18n } = useTranslation();
  const continues = before?.from === message.from && message.at - before.at < TOGETHER_MS;
  const time = clock(i18n.language).format(message.at);
  return (
    <article
      data-testid="chat-message"
      data-status={message.status}
      className={cx(styles['message'], continues && styles['continues'])}
    >
      {!continues && (
        <header className={styles['heading']}>
          <span className={styles['author']}>{own ? t('chat.self') : message.name}</span>
          <time className={styles['time']} dateTime={new Date(message.at).toISOString()}>
            {time}
          </time>
        </header>
      )}
      <p className={cx(styles['text'], message.status === 'sending' && styles['pending'])}>
        <Linkified text={message.text} />
      </p>
      {message.status === 'failed' && (
        <p className={styles['failed']}>
          {t('chat.failed')}
          <Button
            kind="quiet"
            size="small"
            onPress={() => {
              onRetry(message.id);
            }}
          >
            {t('chat.retry')}
          </Button>
        </p>
      )}
    </article>
  );
});

const clocks = new Map<string, Intl.DateTimeFormat>();

/** Making a formatter is dear, and a page has two languages. */
function clock(language: string): Intl.DateTimeFormat {
  const known = clocks.get(language) ?? new Intl.DateTimeFormat(language, { timeStyle: 'short' });
  clocks.set(language, known);
  return known;
}

function Composer({
  draft,
  onDraft,
  onSend,
}: {
  draft: string;
  onDraft: (text: string) => void;
  onSend: (text: string) => void;
}) {
  const { t } = useTranslation();
  const field = useRef<HTMLTextAreaElement>(null);
  const text = draft.trim();
  const tooLong = [...text].length > LIMIT;

  useEffect(() => {
    field.current?.focus({ preventScroll: true });
  }, []);

  const send = () => {
    if (text === '' || tooLong) return;
    onSend(text);
    onDraft('');
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    send();
  };

  return (
    <div className={styles['composer']}>
      {tooLong && (
        <p role="alert" className={styles['warning']}>
          {t('chat.tooLong', { limit: LIMIT })}
        </p>
      )}
      <textarea
        ref={field}
        rows={1}
        value={draft}
        placeholder={t('chat.placeholder')}
        aria-label={t('chat.placeholder')}
        aria-invalid={tooLong || undefined}
        data-testid="chat-input"
        className={styles['input']}
        onChange={(event) => {
          onDraft(event.target.value);
        }}
        onKeyDown={onKeyDown}
      />
      <IconButton
        label={t('chat.send')}
        kind={text === '' || tooLong ? 'quiet' : 'active'}
        icon={<SendHorizontal size={20} aria-hidden />}
        isDisabled={text === '' || tooLong}
        onPress={send}
      />
    </div>
  );
}

/** Keeps a list at its end while its reader is there, and tells when something arrived out of sight. */
function useFollow(count: number) {
  const list = useRef<HTMLDivElement>(null);
  const following = useRef(true);
  const [below, setBelow] = useState(false);

  const toBottom = () => {
    following.current = true;
    setBelow(false);
    if (list.current !== null) list.current.scrollTop = list.current.scrollHeight;
  };
  useLayoutEffect(() => {
    if (list.current === null) return;
    if (following.current) list.current.scrollTop = list.current.scrollHeight;
    else setBelow(true);
  }, [count]);

  const onScroll = () => {
    if (list.current === null) return;
    const { scrollHeight, scrollTop, clientHeight } = list.current;
    following.current = scrollHeight - scrollTop - clientHeight < NEAR_BOTTOM_PX;
    if (following.current) setBelow(false);
  };
  return { list, below, toBottom, onScroll };
}
