/**
 * A table whose entries go when their time is over, or when it is full: the oldest first.
 *
 * Entries are kept in the order in which they expire, so all of one table must live equally long.
 */
export class ExpiringMap<K, V> {
  readonly #entries = new Map<K, { readonly value: V; readonly expires: number }>();
  readonly #capacity: number;
  readonly #ttl: number;

  /** @param ttl How long an entry lives, in milliseconds. */
  constructor(capacity: number, ttl: number) {
    this.#capacity = capacity;
    this.#ttl = ttl;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: K, now: number): V | undefined {
    const entry = this.#entries.get(key);
    return entry !== undefined && entry.expires > now ? entry.value : undefined;
  }

  set(key: K, value: V, now: number): void {
    this.#entries.delete(key);
    this.expire(now);
    if (this.#entries.size >= this.#capacity) {
      const oldest = this.#entries.keys().next();
      if (!oldest.done) this.#entries.delete(oldest.value);
    }
    this.#entries.set(key, { value, expires: now + this.#ttl });
  }

  delete(key: K): boolean {
    return this.#entries.delete(key);
  }

  /** Drops what has run out. */
  expire(now: number): void {
    for (const [key, { expires }] of this.#entries) {
      if (expires > now) return;
      this.#entries.delete(key);
    }
  }
}
