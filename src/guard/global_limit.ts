import { meterFor, type RateLimit, type RateLimitStats, type RateRule } from "./rate_limit.ts";

/** One limit for everybody together: keys make no difference. */
export class GlobalLimit implements RateLimit {
  readonly #meter: ReturnType<typeof meterFor>;
  #admitted = 0;
  #refused = 0;

  /** @throws {HeddleError} `option_invalid` for a rule that is none. */
  constructor(rule: RateRule) {
    this.#meter = meterFor(rule);
  }

  get stats(): RateLimitStats {
    return { admitted: this.#admitted, refused: this.#refused, keys: 1, evicted: 0 };
  }

  wait(_key: string, now: number): number {
    return this.#meter.wait(now);
  }

  take(_key: string, now: number): number {
    const wait = this.#meter.take(now);
    if (wait === 0) this.#admitted++;
    else this.#refused++;
    return wait;
  }
}
