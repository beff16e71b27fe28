/**
 * Waiting in tests: for a condition, with a deadline, never for a time to pass.
 *
 * What a failed wait says is what the reader needs first: which condition, for how long, and what was seen last.
 */

const PAUSE_MS = 100;

/** The deadline of nearly every wait: ten times what a loaded machine needs, since a wait is no measurement. */
export const DEADLINE_MS = 30_000;

/**
 * Calls `probe` until it answers something truthy and returns that.
 *
 * @template T
 * @param {string} what the condition, as the end of "waited for …"
 * @param {() => T | Promise<T>} probe may throw; the last error is shown when time is up
 * @param {{deadlineMs?: number, pauseMs?: number, show?: () => unknown}} [options] `show` adds to the failure's text
 * @returns {Promise<NonNullable<T>>}
 */
export async function until(what, probe, { deadlineMs = DEADLINE_MS, pauseMs = PAUSE_MS, show } = {}) {
  const end = performance.now() + deadlineMs;
  let last;
  for (;;) {
    try {
      last = await probe();
      if (last) return last;
    } catch (error) {
      last = error;
    }
    if (performance.now() >= end) break;
    await pause(pauseMs);
  }
  const seen = last instanceof Error ? last.message : JSON.stringify(last);
  const more = show ? `; ${JSON.stringify(await Promise.resolve(show()).catch(String))}` : '';
  throw new Error(`waited ${deadlineMs / 1000} s for ${what}; last seen: ${seen}${more}`);
}

/**
 * Time between two looks at a condition, or the length of a fault. Not for waiting until something happened.
 *
 * @param {number} ms
 */
export function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * A promise with a deadline.
 *
 * @template T
 * @param {string} what
 * @param {Promise<T>} promise
 * @param {number} [deadlineMs]
 * @returns {Promise<T>}
 */
export async function within(what, promise, deadlineMs = DEADLINE_MS) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${deadlineMs / 1000} s for ${what}`)), deadlineMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
