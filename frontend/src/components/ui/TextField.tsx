/** One line of text with its label, a hint, and what is wrong with it. */
import { useId, type InputHTMLAttributes, type Ref } from 'react';

import { cx } from './cx.ts';
import styles from './TextField.module.css';

export interface TextFieldProps extends Omit<InputHTMLAttributes<HTMLInputElement>, 'onChange' | 'value' | 'size'> {
  label: string;
  /** Said beside the label, quieter: "optional". */
  aside?: string | undefined;
  hint?: string | undefined;
  error?: string | null | undefined;
  value: string;
  onChange: (value: string) => void;
  labelHidden?: boolean;
  large?: boolean;
  ref?: Ref<HTMLInputElement>;
}

export function TextField(props: TextFieldProps) {
  const { label, aside, hint, error, value, onChange, labelHidden = false, large = false, className, ...rest } = props;
  const id = useId();
  const note = error ?? hint;
  return (
    <div className={cx(styles['field'], className)}>
      <label htmlFor={id} className={labelHidden ? styles['hidden'] : styles['label']}>
        {label}
        {aside !== undefined && <span className={styles['aside']}> {aside}</span>}
      </label>
      <input
        {...rest}
        id={id}
        value={value}
        onChange={(event) => {
          onChange(event.target.value);
        }}
        aria-invalid={error != null || undefined}
        aria-describedby={note == null ? undefined : `${id}-note`}
        className={cx(styles['input'], large && styles['large'])}
      />
      {note != null && (
        <p
          id={`${id}-note`}
          className={error == null ? styles['hint'] : styles['error']}
          role={error == null ? undefined : 'alert'}
        >
          {note}
        </p>
      )}
    </div>
  );
}
