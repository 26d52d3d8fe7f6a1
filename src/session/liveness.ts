/** When a silent peer is pinged, and when it is given up. */
export interface LivenessOptions {
  /** Silence after which a Ping goes out, and between further ones; milliseconds. */
  readonly interval: number;
  /** Silence after which the peer counts as dead; milliseconds, more than `interval`. */
  readonly timeout: number;
}

/** Watches whether a peer is there, by any frame it sends. Times are monotonic milliseconds. */
export class Liveness {
  readonly #options: LivenessOptions;
  #heard: number;
  /** The first and the last Ping since the peer was heard. */
  #pings: { readonly first: number; readonly last: number; readonly count: number } | undefined;

  constructor(options: LivenessOptions, now: number) {
    this.#options = options;
    this.#heard = now;
  }

  /** When {@linkcode advance} has something to do, unless the peer is heard before. */
  get deadline(): number {
    const { interval } = this.#options;
    if (this.#pings === undefined) return this.#heard + interval;
    return Math.min(this.#pings.last + interval, this.#givenUpAt(this.#pings));
  }

  /** How many Pings went out since the peer was heard. */
  get unanswered(): number {
    return this.#pings?.count ?? 0;
  }

  /** Notes a sign of life. */
  heard(now: number): void {
    this.#heard = now;
    this.#pings = undefined;
  }

  /** Says what is to be done now. */
  advance(now: number): "alive" | "ping" | "dead" {
    if (now < this.deadline) return "alive";
    if (this.#pings !== undefined && now >= this.#givenUpAt(this.#pings)) return "dead";
    this.#pings = { first: this.#pings?.first ?? now, last: now, count: this.unanswered + 1 };
    return "ping";
  }

  /** Counted from the first Ping: a process that stood still must not take its own silence for the peer's. */
  #givenUpAt({ first }: { readonly first: number }): number {
    const { interval, timeout } = this.#options;
    return first + timeout - interval;
  }
}
