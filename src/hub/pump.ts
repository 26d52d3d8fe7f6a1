import type { Clock } from "../base/clock.ts";

/** How often a socket that took no more is asked again, in milliseconds. */
const INTERVAL = 10;

/** A connection that has more to get than its socket takes. */
export interface Pumped {
  /** Goes on as far as the socket takes; false when nothing is left. */
  pump(): boolean;
}

/**
 * Goes on with the connections that are behind: one timer for all of them, and none while nobody is. Not
 * every runtime tells when a socket takes more, so all are asked.
 */
export class Pump {
  readonly #clock: Clock;
  readonly #behind = new Set<Pumped>();
  #stop: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many are behind. */
  get size(): number {
    return this.#behind.size;
  }

  add(pumped: Pumped): void {
    this.#behind.add(pumped);
    this.#stop ??= this.#clock.every(INTERVAL, () => this.#turn());
  }

  delete(pumped: Pumped): void {
    this.#behind.delete(pumped);
    if (this.#behind.size > 0) return;
    this.#stop?.();
    this.#stop = undefined;
  }

  #turn(): void {
    for (const pumped of this.#behind) if (!pumped.pump()) this.delete(pumped);
  }
}
