import type { Position } from "../protocol/messages.ts";
import type { PublishTerms } from "./broker.ts";
import { ExpiringMap } from "./expiring.ts";

/** How long a client's own name for an event is remembered, in milliseconds. */
const WINDOW = 300_000;

/** How many names of one identity are remembered. */
const NAMES = 1_000;

type Idempotence = NonNullable<PublishTerms["idempotence"]>;

/**
 * What clients called their events, and where these are. Each identity has a table of its own, so that
 * none can push out what another relies on.
 */
export class Publications {
  readonly #capacity: number;
  /** In the order in which they last published. */
  readonly #byIdentity = new Map<string, ExpiringMap<string, Position>>();
  #size = 0;

  /** @param capacity How many names are remembered in all. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** How many names are remembered. */
  get size(): number {
    return this.#size;
  }

  /** Where the event of that name is, if there was one. */
  get(channel: string, { identity, id }: Idempotence, now: number): Position | undefined {
    return this.#byIdentity.get(identity)?.get(keyOf(channel, id), now);
  }

  set(channel: string, { identity, id }: Idempotence, position: Position, now: number): void {
    const names = this.#byIdentity.get(identity) ??
      new ExpiringMap<string, Position>(NAMES, WINDOW);
    this.#byIdentity.delete(identity);
    this.#byIdentity.set(identity, names);
    this.#size -= names.size;
    names.set(keyOf(channel, id), position, now);
    this.#size += names.size;
    this.#bound();
  }

  /** Drops what has run out. */
  expire(now: number): void {
    for (const [identity, names] of this.#byIdentity) {
      this.#size -= names.size;
      names.expire(now);
      this.#size += names.size;
      if (names.size === 0) this.#byIdentity.delete(identity);
    }
  }

  clear(): void {
    this.#byIdentity.clear();
    this.#size = 0;
  }

  #bound(): void {
    // To look for the first costs more the more have moved to the end.
    if (this.#size <= this.#capacity) return;
    for (const [identity, names] of this.#byIdentity) {
      if (this.#size <= this.#capacity) return;
      this.#byIdentity.delete(identity);
      this.#size -= names.size;
    }
  }
}

function keyOf(channel: string, id: string): string {
  return JSON.stringify([channel, id]);
}
