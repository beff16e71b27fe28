/** What stands for a person without a picture: two letters on a quiet ground that is always the same for the same name. */
import styles from './Initials.module.css';

const HUES = 12;

export function Initials({ name }: { name: string }) {
  return (
    <span className={styles['initials']} data-hue={hueOf(name)} aria-hidden>
      {initialsOf(name)}
    </span>
  );
}

export function initialsOf(name: string): string {
  const words = name.trim().split(/\s+/u).filter(Boolean);
  const letters = words.length > 1 ? [words[0], words[words.length - 1]] : words;
  return letters.map((word) => [...(word ?? '')][0]?.toUpperCase() ?? '').join('');
}

function hueOf(name: string): number {
  let sum = 0;
  for (const letter of name) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 9973;
  return sum % HUES;
}
