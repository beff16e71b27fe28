/** A bounded list of things that go away by themselves: toasts and reactions. */
export class Expiring<T extends { key: number }> {
  readonly #lifeMs: number;
  readonly #most: number;
  readonly #changed: () => void;
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  #items: T[] = [];
  #nextKey = 1;

  constructor(lifeMs: number, most: number, changed: () => void) {
    this.#lifeMs = lifeMs;
    this.#most = most;
    this.#changed = changed;
  }

  get items(): T[] {
    return this.#items;
  }

  add(item: Omit<T, 'key'>): void {
    const key = this.#nextKey++;
    this.#items = [...this.#items, { ...item, key } as T].slice(-this.#most);
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#items = this.#items.filter((each) => each.key !== key);
      this.#changed();
    }, this.#lifeMs);
    this.#timers.add(timer);
    this.#changed();
  }

  dispose(): void {
    this.#timers.forEach(clearTimeout);
    this.#timers.clear();
  }
}
