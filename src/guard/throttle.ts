import { checkNames } from "../base/option_checks.ts";
import { type BucketRule, checkBucketRule, TokenBucket } from "../base/token_bucket.ts";
import { KeyedLimit } from "./keyed_limit.ts";
import { networkOf } from "./network.ts";
import type { RateLimitStats } from "./rate_limit.ts";

/** How many handshakes a server takes on. */
export interface ThrottleOptions {
  /** Of everybody together. @default 10000 at once, 1000 a second */
  readonly all: BucketRule;
  /**
   * Of one address, where half of what everybody may has been used; while there is more, nobody is refused.
   *
   * @default 100 at once, 20 a second
   */
  readonly address: BucketRule;
}

const defaults: ThrottleOptions = {
  all: { capacity: 10_000, perSecond: 1_000 },
  address: { capacity: 100, perSecond: 20 },
};

/**
 * Limits how fast handshakes are taken on, so that those who are there are served whoever comes. When
 * many come, those go first who come most often: thus one that always comes back keeps out nobody else.
 */
export class Throttle {
  readonly #all: TokenBucket;
  readonly #addresses: KeyedLimit;
  /** What is left to everybody when that has to be waited for is half of all, in milliseconds. */
  readonly #busy: number;

  /** @throws {HeddleError} `option_invalid` for a rule that is none, or an option there is not. */
  constructor(options: Partial<ThrottleOptions> = {}) {
    checkNames("accept", options, Object.keys(defaults));
    const { all = defaults.all, address = defaults.address } = options;
    checkBucketRule("accept.all", all);
    checkBucketRule("accept.address", address);
    this.#all = new TokenBucket(all);
    this.#addresses = new KeyedLimit(address);
    this.#busy = (all.capacity / all.perSecond) * 500;
  }

  /** What is remembered of addresses. */
  get stats(): RateLimitStats {
    return this.#addresses.stats;
  }

  /**
   * Takes on a handshake.
   *
   * @param address Whose it is, as text.
   * @returns 0, or the milliseconds after which to try again.
   */
  take(address: string, now: number): number {
    const wait = this.#all.wait(now);
    if (wait > 0) return wait;
    const share = this.#addresses.take(networkOf(address), now);
    const isBusy = this.#all.idleAt - now > this.#busy;
    return isBusy && share > 0 ? share : this.#all.take(now);
  }
}
