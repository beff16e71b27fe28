/** Who is speaking, steadied: loud enough to begin, and a second of silence to end. */

/** -dBov; ordinary speech is between 15 and 40. */
const LOUD_ENOUGH = 50;
const HOLD_MS = 1000;

export class Speaking {
  readonly #changed: () => void;
  readonly #until = new Map<string, ReturnType<typeof setTimeout>>();

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  get now(): ReadonlySet<string> {
    return new Set(this.#until.keys());
  }

  hear(levels: ReadonlyMap<string, number>): void {
    let news = false;
    for (const [id, level] of levels) {
      if (level > LOUD_ENOUGH) continue;
      const before = this.#until.get(id);
      clearTimeout(before);
      news ||= before === undefined;
      this.#until.set(
        id,
        setTimeout(() => this.#silence(id), HOLD_MS),
      );
    }
    if (news) this.#changed();
  }

  dispose(): void {
    this.#until.forEach(clearTimeout);
    this.#until.clear();
  }

  #silence(id: string): void {
    this.#until.delete(id);
    this.#changed();
  }
}
