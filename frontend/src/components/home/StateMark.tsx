/** The state of a node or a service: a shape for the eye (its form differs, not only its colour) and a word. */
import { useTranslation } from 'react-i18next';

import styles from './StateMark.module.css';

type Kind = 'good' | 'passing' | 'bad' | 'unknown';

const WORDS = {
  live: ['good', 'node.stateReady'],
  ready: ['good', 'node.stateReady'],
  running: ['good', 'node.stateReady'],
  serving: ['good', 'node.stateReady'],
  up: ['good', 'node.stateReady'],
  ok: ['good', 'node.stateReady'],
  healthy: ['good', 'node.stateReady'],
  starting: ['passing', 'node.stateStarting'],
  joining: ['passing', 'node.stateStarting'],
  draining: ['passing', 'node.stateDraining'],
  stopping: ['passing', 'node.stateDraining'],
  degraded: ['passing', 'node.stateDegraded'],
  down: ['bad', 'node.stateDown'],
  error: ['bad', 'node.stateDown'],
  unhealthy: ['bad', 'node.stateDown'],
  unavailable: ['bad', 'node.stateDown'],
  unreachable: ['bad', 'node.unreachable'],
  unknown: ['unknown', 'node.stateUnknown'],
} as const satisfies Record<string, readonly [Kind, string]>;

type Known = keyof typeof WORDS;

function isKnown(state: string): state is Known {
  return Object.hasOwn(WORDS, state);
}

/** A word for the state; one that we have none for is shown as the node says it. */
export function useStateWord(): (state: string) => string {
  const { t } = useTranslation();
  return (state) => (isKnown(state) ? t(WORDS[state][1]) : state);
}

export function StateMark({ state }: { state: string | null }) {
  const kind: Kind = state !== null && isKnown(state) ? WORDS[state][0] : 'unknown';
  return (
    <svg width="10" height="10" viewBox="0 0 10 10" aria-hidden className={styles['mark']} data-kind={kind}>
      {kind === 'good' && <circle cx="5" cy="5" r="4" />}
      {kind === 'passing' && <path d="M5 0.5 9.5 9H0.5Z" />}
      {kind === 'bad' && <path d="M1 1h8v8H1Z" />}
      {kind === 'unknown' && <circle cx="5" cy="5" r="3.2" fill="none" stroke="currentColor" strokeWidth="1.6" />}
    </svg>
  );
}
