/** A tooltip with the key that does the same. Its trigger must be focusable; touch has no tooltips and needs none. */
import type { ReactNode } from 'react';
import { Tooltip, TooltipTrigger } from 'react-aria-components';

import { useSurface } from './surface.ts';
import styles from './Tip.module.css';

export interface TipProps {
  text: string;
  shortcut?: string | undefined;
  placement?: 'top' | 'bottom' | 'left' | 'right';
  children: ReactNode;
}

export function Tip({ text, shortcut, placement = 'top', children }: TipProps) {
  const surface = useSurface();
  return (
    <TooltipTrigger delay={400} closeDelay={0}>
      {children}
      <Tooltip {...surface} placement={placement} offset={8} className={styles['tip'] ?? ''}>
        {text}
        {shortcut !== undefined && <kbd>{shortcut}</kbd>}
      </Tooltip>
    </TooltipTrigger>
  );
}
