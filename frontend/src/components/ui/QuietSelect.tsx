/** A small native choice with an icon: for settings, where the browser's own list is lighter and as good. */
import type { ReactNode } from 'react';

import styles from './QuietSelect.module.css';

export interface QuietSelectProps<Id extends string> {
  label: string;
  icon: ReactNode;
  options: ReadonlyArray<{ id: Id; label: string }>;
  value: Id;
  onChange: (id: Id) => void;
}

export function QuietSelect<Id extends string>({ label, icon, options, value, onChange }: QuietSelectProps<Id>) {
  return (
    <span className={styles['select']} title={label}>
      {icon}
      <select
        aria-label={label}
        value={value}
        onChange={(event) => {
          const chosen = options.find((option) => option.id === event.target.value);
          if (chosen !== undefined) onChange(chosen.id);
        }}
      >
        {options.map((option) => (
          <option key={option.id} value={option.id}>
            {option.label}
          </option>
        ))}
      </select>
    </span>
  );
}
