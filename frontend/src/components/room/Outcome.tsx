/** A whole page of one message: what happened, what is kept, what to do. For the end of a call, an empty address, a wait. */
import { useEffect, useRef, type ReactNode } from 'react';

import styles from './Outcome.module.css';

export interface OutcomeProps {
  icon: ReactNode;
  title: string;
  text: string;
  children?: ReactNode;
}

export function Outcome({ icon, title, text, children }: OutcomeProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  // The page has changed under the reader: the focus goes to what it says now.
  useEffect(() => {
    heading.current?.focus();
  }, []);
  return (
    <section className={styles['outcome']}>
      <span className={styles['icon']} aria-hidden>
        {icon}
      </span>
      <h1 ref={heading} tabIndex={-1} className={styles['title']}>
        {title}
      </h1>
      <p className={styles['text']}>{text}</p>
      {children !== undefined && <div className={styles['actions']}>{children}</div>}
    </section>
  );
}
