/** A button of one icon. Its name is required: it is the tooltip and what a screen reader says. */
import type { ReactNode } from 'react';
import { Button as AriaButton, type ButtonProps as AriaButtonProps } from 'react-aria-components';

import { cx } from './cx.ts';
import styles from './IconButton.module.css';
import { Tip, type TipProps } from './Tip.tsx';

export interface IconButtonProps extends Omit<
  AriaButtonProps,
  'className' | 'children' | 'style' | 'aria-label' | 'aria-pressed'
> {
  label: string;
  icon: ReactNode;
  shortcut?: string | undefined;
  /** Given for a switch: whether it is on. */
  pressed?: boolean | undefined;
  kind?: 'quiet' | 'control' | 'off' | 'active' | 'danger';
  placement?: TipProps['placement'];
  badge?: ReactNode;
  className?: string | undefined;
}

export function IconButton(props: IconButtonProps) {
  const { label, icon, shortcut, pressed, kind = 'quiet', placement = 'top', badge, className, ...rest } = props;
  return (
    <Tip text={label} shortcut={shortcut} placement={placement}>
      <AriaButton
        {...rest}
        aria-label={label}
        {...(pressed === undefined ? {} : { 'aria-pressed': pressed })}
        className={cx(styles['button'], styles[kind], className)}
      >
        {icon}
        {badge != null && <span className={styles['badge']}>{badge}</span>}
      </AriaButton>
    </Tip>
  );
}
