/**
 * The six reactions, drawn here: emoji come from fonts, and where a system has none they are empty boxes. On the wire they stay
 * emoji, so that any client may send others, which are shown as they come.
 */
import type { ReactElement } from 'react';

import styles from './ReactionMark.module.css';

export const REACTIONS = [
  { emoji: '👍', name: 'thumbsUp' },
  { emoji: '👏', name: 'applause' },
  { emoji: '❤️', name: 'heart' },
  { emoji: '😂', name: 'laughter' },
  { emoji: '😮', name: 'surprise' },
  { emoji: '🎉', name: 'celebration' },
] as const;

type Name = (typeof REACTIONS)[number]['name'];

/** As large as the text around it would be; silent, its name stands beside it or in the button's label. */
export function ReactionMark({ emoji }: { emoji: string }) {
  // With and without the selector that asks for colour it is the same reaction.
  const plain = (text: string) => text.replace('\u{fe0f}', '');
  const known = REACTIONS.find((reaction) => plain(reaction.emoji) === plain(emoji));
  if (known === undefined) return <span className={styles['text']}>{emoji}</span>;
  return (
    <svg viewBox="0 0 24 24" className={styles['mark']} data-reaction={known.name} aria-hidden>
      {DRAWINGS[known.name]}
    </svg>
  );
}

const face = <circle cx="12" cy="12" r="10" className={styles['skin']} />;

const hand = (
  <>
    <rect x="7.6" y="9.5" width="8.8" height="10" rx="3.6" />
    <rect x="7.6" y="5" width="2" height="9" rx="1" />
    <rect x="9.87" y="3.4" width="2" height="9" rx="1" />
    <rect x="12.13" y="3.6" width="2" height="9" rx="1" />
    <rect x="14.4" y="5.4" width="2" height="9" rx="1" />
  </>
);

const DRAWINGS: Record<Name, ReactElement> = {
  thumbsUp: (
    <>
      <path
        className={styles['skin']}
        d="M8.4 10.4 11.9 3a2.1 2.1 0 0 1 3.9 1.5l-1 4.7h4.4a2.2 2.2 0 0 1 2.1 2.7l-1.7 7a2.6 2.6 0 0 1-2.6 2.1H8.4Z"
      />
      <rect x="2.6" y="10" width="4.4" height="11.2" rx="1.4" className={styles['teal']} />
    </>
  ),
  applause: (
    <>
      <g className={styles['shade']} transform="translate(2.2 2.2) rotate(16 12 14)">
        {hand}
      </g>
      <g className={styles['skin']} transform="translate(-1.6 2.4) rotate(-24 12 14)">
        {hand}
        <rect x="14.2" y="10.6" width="2.5" height="7" rx="1.25" transform="rotate(34 15.4 17)" />
      </g>
      <path className={styles['line']} d="M3.2 5.2 4.9 7M8.3 1.6l.4 2.3M1.4 10.2l2.2.5" />
    </>
  ),
  heart: (
    <path
      className={styles['red']}
      d="M12 21C5.6 16.4 2.4 12.9 2.4 8.9A5.2 5.2 0 0 1 12 6.1a5.2 5.2 0 0 1 9.6 2.8C21.6 12.9 18.4 16.4 12 21Z"
    />
  ),
  laughter: (
    <>
      {face}
      <path className={styles['ink']} d="M6.1 13h11.8a5.9 5.9 0 0 1-11.8 0Z" />
      <path className={styles['red']} d="M8.6 17.3a4.4 4.4 0 0 1 6.8 0 5.9 5.9 0 0 1-6.8 0Z" />
      <path className={styles['feature']} d="M6.4 10.2q1.6-2.4 3.2 0M14.4 10.2q1.6-2.4 3.2 0" />
    </>
  ),
  surprise: (
    <>
      {face}
      <ellipse cx="8.6" cy="10.4" rx="1.3" ry="1.7" className={styles['ink']} />
      <ellipse cx="15.4" cy="10.4" rx="1.3" ry="1.7" className={styles['ink']} />
      <ellipse cx="12" cy="16.6" rx="2.3" ry="2.9" className={styles['ink']} />
      <path className={styles['feature']} d="M6.6 6.9q1.7-1.5 3.2-.7M17.4 6.9q-1.7-1.5-3.2-.7" />
    </>
  ),
  celebration: (
    <>
      <path className={styles['teal']} d="M7.4 8.2 2.5 20.1a1.1 1.1 0 0 0 1.4 1.4l11.9-4.9Z" />
      <path className={styles['skin']} d="m5.9 11.9 6.2 6.2-3.4 1.4-4.2-4.2Z" />
      <path className={styles['line']} d="M12.2 8.6q2.5-1.9 1.3-5.2M15.4 11.8q2.6-2 5.4-.7M14 10.2l5.4-5.4" />
      <circle cx="18.6" cy="8.4" r="1.15" className={styles['red']} />
      <circle cx="9.6" cy="4" r="1.15" className={styles['red']} />
      <circle cx="20.4" cy="15.4" r="1.15" className={styles['skin']} />
      <circle cx="17.2" cy="2.6" r="1.05" className={styles['teal']} />
    </>
  ),
};
