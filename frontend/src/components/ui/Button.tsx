/**
 * A button with words. It grows with its label and never cuts it. A plain `<button>`: the home page is made of these, and the
 * press handling that menus and dialogs need would be a fifth of its weight.
 */
import type { ButtonHTMLAttributes, ReactNode } from 'react';

import styles from './Button.module.css';
import { cx } from './cx.ts';

export interface ButtonProps extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'onClick' | 'disabled'> {
  kind?: 'primary' | 'secondary' | 'quiet' | 'danger';
  size?: 'normal' | 'large' | 'small';
  icon?: ReactNode;
  onPress?: () => void;
  isDisabled?: boolean;
  /** Stays focusable and says so, but does nothing until it is over. */
  isPending?: boolean;
}

export function Button(props: ButtonProps) {
  const {
    kind = 'secondary',
    size = 'normal',
    icon,
    onPress,
    isDisabled = false,
    isPending = false,
    className,
    children,
    type,
    ...rest
  } = props;
  return (
    <button
      {...rest}
      type={type ?? 'button'}
      disabled={isDisabled}
      aria-disabled={isPending || undefined}
      onClick={() => {
        if (!isPending) onPress?.();
      }}
      className={cx(styles['button'], styles[kind], styles[size], className)}
    >
      {icon}
      <span>{children}</span>
    </button>
  );
}
