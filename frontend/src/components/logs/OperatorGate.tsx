/** In place of the log, for whoever has not shown a token yet: what it takes, and the field for it. */
import { KeyRound } from 'lucide-react';
import { useRef, useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';

import { Outcome } from '../room/Outcome.tsx';
import { Button } from '../ui/Button.tsx';
import { TextField } from '../ui/TextField.tsx';
import styles from './OperatorGate.module.css';

const COMMAND = 'videorooms operator token';

export interface OperatorGateProps {
  pending: boolean;
  /** Why the last token opened nothing. */
  error: string | null;
  onToken: (token: string) => void;
}

export function OperatorGate({ pending, error, onToken }: OperatorGateProps) {
  const { t } = useTranslation();
  const [token, setToken] = useState('');
  const [missing, setMissing] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setMissing(token.trim() === '');
    if (token.trim() === '') return field.current?.focus();
    if (!pending) onToken(token.trim());
  };
  return (
    <div className={styles['gate']} data-testid="operator-gate">
      <Outcome icon={<KeyRound size={24} />} title={t('logs.operatorsTitle')} text={t('logs.operatorsText')}>
        <code className={styles['command']}>{COMMAND}</code>
      </Outcome>
      <form className={styles['form']} onSubmit={submit} noValidate>
        <TextField
          label={t('logs.token')}
          error={missing ? t('logs.tokenMissing') : error}
          type="password"
          value={token}
          onChange={(next) => {
            setToken(next);
            setMissing(false);
          }}
          autoComplete="off"
          spellCheck={false}
          large
          ref={field}
          data-testid="operator-token"
        />
        <Button type="submit" kind="primary" size="large" isPending={pending} data-testid="operator-open">
          {t(pending ? 'logs.opening' : 'logs.openLog')}
        </Button>
      </form>
    </div>
  );
}
