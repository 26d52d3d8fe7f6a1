/** When a silent peer is pinged, and when it is given up. */
export interface LivenessOptions {
  /** Silence after which a Ping goes out, and between further ones; milliseconds. */
  readonly interval: number;
  /** Silence after which the peer counts as dead; milliseconds. */
  readonly timeout: number;
}

/** Watches whether a peer is there, by any frame it sends. Times are monotonic milliseconds. */
export class Liveness {
  readonly #options: LivenessOptions;
  #heard: number;
  #pinged: number;

  constructor(options: LivenessOptions, now: number) {
    this.#options = options;
    this.#heard = now;
    this.#pinged = now;
  }

  /** When {@linkcode advance} has something to do, unless the peer is heard before. */
  get deadline(): number {
    const { interval, timeout } = this.#options;
    return Math.min(Math.max(this.#heard, this.#pinged) + interval, this.#heard + timeout);
  }

  /** Notes a sign of life. */
  heard(now: number): void {
    this.#heard = now;
  }

  /** Says what is to be done now. */
  advance(now: number): "alive" | "ping" | "dead" {
    const { interval, timeout } = this.#options;
    if (now >= this.#heard + timeout) return "dead";
    if (now < Math.max(this.#heard, this.#pinged) + interval) return "alive";
    this.#pinged = now;
    return "ping";
  }
}
