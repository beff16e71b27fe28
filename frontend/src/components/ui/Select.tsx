/** A choice of one from a list. */
import { Check, ChevronDown } from 'lucide-react';
import type { ReactNode } from 'react';
import { Button, Label, ListBox, ListBoxItem, Popover, Select as AriaSelect, SelectValue } from 'react-aria-components';

import { cx } from './cx.ts';
import styles from './Select.module.css';

export interface SelectOption {
  id: string;
  label: string;
}

export interface SelectProps {
  label: string;
  icon?: ReactNode;
  options: SelectOption[];
  value: string | null;
  onChange: (id: string) => void;
  disabled?: boolean;
  labelHidden?: boolean;
  placeholder?: string;
  className?: string | undefined;
}

export function Select(props: SelectProps) {
  const {
    label,
    icon,
    options,
    value,
    onChange,
    disabled = false,
    labelHidden = false,
    placeholder = '',
    className,
  } = props;
  return (
    <AriaSelect
      value={value}
      onChange={(key) => {
        if (key !== null) onChange(String(key));
      }}
      isDisabled={disabled}
      placeholder={placeholder}
      className={cx(styles['select'], className)}
      {...(labelHidden ? { 'aria-label': label } : {})}
    >
      {!labelHidden && <Label className={styles['label'] ?? ''}>{label}</Label>}
      <Button className={styles['button'] ?? ''}>
        {icon}
        <SelectValue className={styles['value'] ?? ''} />
        <ChevronDown size={16} aria-hidden />
      </Button>
      <Popover className={styles['popover'] ?? ''} offset={4}>
        <ListBox className={styles['list'] ?? ''} items={options}>
          {(option) => (
            <ListBoxItem id={option.id} textValue={option.label} className={styles['item'] ?? ''}>
              {({ isSelected }) => (
                <>
                  <span className={styles['tick']}>{isSelected && <Check size={16} aria-hidden />}</span>
                  <span>{option.label}</span>
                </>
              )}
            </ListBoxItem>
          )}
        </ListBox>
      </Popover>
    </AriaSelect>
  );
}
