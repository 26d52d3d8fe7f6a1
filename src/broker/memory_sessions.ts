import type { Clock } from "../base/clock.ts";
import type { SessionRecord, SessionStore } from "./broker.ts";

interface Kept {
  readonly record: SessionRecord;
  readonly expires: number;
}

/** Sessions in memory. Anonymous ones stand apart, since they are the first to go. */
export class MemorySessions implements SessionStore {
  readonly #named = new Map<string, Kept>();
  readonly #anonymous = new Map<string, Kept>();
  readonly #capacity: number;
  readonly #clock: Clock;

  constructor(capacity: number, clock: Clock) {
    this.#capacity = capacity;
    this.#clock = clock;
  }

  get size(): number {
    return this.#named.size + this.#anonymous.size;
  }

  put(token: string, record: SessionRecord, ttl: number): void {
    const table = record.userId === null ? this.#anonymous : this.#named;
    if (this.size >= this.#capacity) this.expire();
    if (this.size >= this.#capacity) {
      const crowded = this.#anonymous.size > 0 ? this.#anonymous : this.#named;
      const oldest = crowded.keys().next();
      if (!oldest.done) crowded.delete(oldest.value);
    }
    table.set(token, { record, expires: this.#clock.now() + ttl });
  }

  take(token: string): SessionRecord | undefined {
    const kept = this.#named.get(token) ?? this.#anonymous.get(token);
    if (kept === undefined) return undefined;
    this.#named.delete(token);
    this.#anonymous.delete(token);
    return kept.expires > this.#clock.now() ? kept.record : undefined;
  }

  /** Drops what has run out. */
  expire(): void {
    const now = this.#clock.now();
    for (const table of [this.#named, this.#anonymous]) {
      for (const [token, { expires }] of table) if (expires <= now) table.delete(token);
    }
  }

  clear(): void {
    this.#named.clear();
    this.#anonymous.clear();
  }
}
