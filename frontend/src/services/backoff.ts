/**
 * How long to wait before try number `tries` (from 1): doubling from `first` to `most`, and jittered by half, so that everyone a
 * dead node leaves behind does not come back in the same instant.
 */
export function backoff(tries: number, first: number, most: number, random: () => number = Math.random): number {
  const full = Math.min(most, first * 2 ** Math.min(tries - 1, 20));
  return Math.round(full * (0.5 + random() / 2));
}
