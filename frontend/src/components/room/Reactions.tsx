/** Reactions, rising over the stage for a moment. Purely visual: nobody wants six hearts read aloud. */
import type { Reaction } from '../../types/roomHandle.ts';
import { ReactionMark } from './ReactionMark.tsx';
import styles from './Reactions.module.css';

/** Lanes keep simultaneous reactions from covering each other. */
const LANES = 6;

export function Reactions({ reactions }: { reactions: Reaction[] }) {
  return (
    <div className={styles['reactions']} aria-hidden>
      {reactions.map((reaction) => (
        <span key={reaction.key} className={styles['reaction']} data-lane={reaction.key % LANES}>
          <span className={styles['emoji']}>
            <ReactionMark emoji={reaction.emoji} />
          </span>
          <span className={styles['name']}>{reaction.name}</span>
        </span>
      ))}
    </div>
  );
}
