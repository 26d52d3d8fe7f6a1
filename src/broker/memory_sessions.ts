import type { Clock } from "../base/clock.ts";
import { Oldest } from "../base/oldest.ts";
import type { SessionRecord, SessionStore } from "./broker.ts";

interface Kept {
  readonly record: SessionRecord;
  readonly tokens: readonly string[];
  readonly expires: number;
}

/** How many sessions are kept. */
interface Bounds {
  readonly all: number;
  readonly perUser: number;
  /** Of those without a user. */
  readonly perNetwork: number;
  readonly clock: Clock;
}

/** Sessions in memory. Those of nobody stand apart, since they are the first to go. */
export class MemorySessions implements SessionStore {
  readonly #byToken = new Map<string, Kept>();
  readonly #named = new Set<Kept>();
  readonly #anonymous = new Set<Kept>();
  readonly #oldestNamed = new Oldest(this.#named);
  readonly #oldestAnonymous = new Oldest(this.#anonymous);
  /** Those of one user or network, in the order in which they came. */
  readonly #byOwner = new Map<string, Set<Kept>>();
  readonly #bounds: Bounds;
  #evicted = 0;

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
  }

  get evicted(): number {
    return this.#evicted;
  }

  get size(): number {
    return this.#named.size + this.#anonymous.size;
  }

  put(tokens: readonly string[], record: SessionRecord, ttl: number): void {
    for (const token of tokens) {
      const older = this.#byToken.get(token);
      if (older !== undefined) this.#forget(older);
    }
    const kept: Kept = { record, tokens, expires: this.#bounds.clock.now() + ttl };
    this.#tableOf(kept).add(kept);
    for (const token of tokens) this.#byToken.set(token, kept);
    this.#countToOwner(kept);
    while (this.size > this.#bounds.all) {
      this.#evict((this.#oldestAnonymous.next() ?? this.#oldestNamed.next())!);
    }
  }

  take(token: string, userId: string | null): SessionRecord | undefined {
    const kept = this.#byToken.get(token);
    if (kept === undefined || kept.record.userId !== userId) return undefined;
    this.#forget(kept);
    return kept.expires > this.#bounds.clock.now() ? kept.record : undefined;
  }

  end(userId: string): void {
    for (const kept of this.#byOwner.get(`user ${userId}`) ?? []) this.#forget(kept);
  }

  /** Drops what has run out. */
  expire(): void {
    this.#oldestNamed.rewind();
    this.#oldestAnonymous.rewind();
    const now = this.#bounds.clock.now();
    for (const table of [this.#anonymous, this.#named]) {
      for (const kept of table) if (kept.expires <= now) this.#forget(kept);
    }
  }

  clear(): void {
    this.#byToken.clear();
    this.#named.clear();
    this.#anonymous.clear();
    this.#byOwner.clear();
  }

  #countToOwner(kept: Kept): void {
    const owner = ownerOf(kept);
    if (owner === undefined) return;
    const others = this.#byOwner.get(owner) ?? new Set();
    this.#byOwner.set(owner, others.add(kept));
    const { perUser, perNetwork } = this.#bounds;
    if (others.size > (kept.record.userId === null ? perNetwork : perUser)) {
      const [first] = others;
      this.#evict(first!);
    }
  }

  #evict(kept: Kept): void {
    this.#evicted++;
    this.#forget(kept);
  }

  #forget(kept: Kept): void {
    for (const token of kept.tokens) this.#byToken.delete(token);
    this.#tableOf(kept).delete(kept);
    const owner = ownerOf(kept);
    const others = owner === undefined ? undefined : this.#byOwner.get(owner);
    others?.delete(kept);
    if (others?.size === 0) this.#byOwner.delete(owner!);
  }

  #tableOf({ record }: Kept): Set<Kept> {
    return record.userId === null ? this.#anonymous : this.#named;
  }
}

/** A user and a network cannot be called alike. */
function ownerOf({ record: { userId, network } }: Kept): string | undefined {
  if (userId !== null) return `user ${userId}`;
  return network ? `network ${network}` : undefined;
}
