/** Joining by a pasted link or id. */
import { useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';

import { Button } from '../ui/Button.tsx';
import { TextField } from '../ui/TextField.tsx';
import styles from './JoinForm.module.css';
import { roomIdIn } from './roomLink.ts';

export function JoinForm({ onJoin }: { onJoin: (roomId: string) => void }) {
  const { t } = useTranslation();
  const [text, setText] = useState('');
  const [refused, setRefused] = useState(false);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const id = roomIdIn(text);
    setRefused(id === null);
    if (id !== null) onJoin(id);
  };
  return (
    <form className={styles['form']} onSubmit={submit} noValidate>
      <TextField
        label={t('home.joinLabel')}
        labelHidden
        placeholder={t('home.joinPlaceholder')}
        error={refused ? t('home.joinInvalid') : null}
        value={text}
        onChange={(next) => {
          setText(next);
          setRefused(false);
        }}
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        enterKeyHint="go"
        large
        className={styles['field']}
        data-testid="join-link"
      />
      <Button type="submit" size="large" isDisabled={text.trim() === ''} data-testid="join-by-link">
        {t('home.join')}
      </Button>
    </form>
  );
}
