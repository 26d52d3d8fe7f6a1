import type { Clock } from "../base/clock.ts";
import type { SessionRecord, SessionStore } from "./broker.ts";

interface Kept {
  readonly record: SessionRecord;
  readonly tokens: readonly string[];
  readonly expires: number;
}

/** Sessions in memory. Those of nobody stand apart, since they are the first to go. */
export class MemorySessions implements SessionStore {
  readonly #byToken = new Map<string, Kept>();
  readonly #named = new Set<Kept>();
  readonly #anonymous = new Set<Kept>();
  readonly #capacity: number;
  readonly #clock: Clock;

  constructor(capacity: number, clock: Clock) {
    this.#capacity = capacity;
    this.#clock = clock;
  }

  get size(): number {
    return this.#named.size + this.#anonymous.size;
  }

  put(tokens: readonly string[], record: SessionRecord, ttl: number): void {
    for (const token of tokens) {
      const older = this.#byToken.get(token);
      if (older !== undefined) this.#forget(older);
    }
    const kept: Kept = { record, tokens, expires: this.#clock.now() + ttl };
    this.#tableOf(kept).add(kept);
    for (const token of tokens) this.#byToken.set(token, kept);
    while (this.size > this.#capacity) {
      const [first] = this.#anonymous.size > 0 ? this.#anonymous : this.#named;
      this.#forget(first!);
    }
  }

  take(token: string, userId: string | null): SessionRecord | undefined {
    const kept = this.#byToken.get(token);
    if (kept === undefined || kept.record.userId !== userId) return undefined;
    this.#forget(kept);
    return kept.expires > this.#clock.now() ? kept.record : undefined;
  }

  /** Looks at all, since it is rare and an index of users would cost every session. */
  end(userId: string): void {
    for (const kept of this.#named) if (kept.record.userId === userId) this.#forget(kept);
  }

  /** Drops what has run out. */
  expire(): void {
    const now = this.#clock.now();
    for (const table of [this.#anonymous, this.#named]) {
      for (const kept of table) if (kept.expires <= now) this.#forget(kept);
    }
  }

  clear(): void {
    this.#byToken.clear();
    this.#named.clear();
    this.#anonymous.clear();
  }

  #forget(kept: Kept): void {
    for (const token of kept.tokens) this.#byToken.delete(token);
    this.#tableOf(kept).delete(kept);
  }

  #tableOf({ record }: Kept): Set<Kept> {
    return record.userId === null ? this.#anonymous : this.#named;
  }
}
