import { HeddleError } from "./errors.ts";

/** How much at once, and how much in the long run. */
export interface BucketRule {
  /** How many may come at once, where none came before: an integer from 1. */
  readonly capacity: number;
  /** How many more may come each second: over 0. */
  readonly perSecond: number;
}

/** Sums of times carry an error in their last digits, and whoever waited as told must be let in. */
const TOLERANCE = 1e-6;

/**
 * A token bucket: it holds `capacity` tokens, each message takes one, and `perSecond` come back. So in
 * any time of `t` seconds it admits at most `capacity + t × perSecond`.
 *
 * All it remembers is when it will be full again, so that nothing has to be poured in as time passes.
 *
 * @example
 * ```ts
 * import { TokenBucket } from "heddle";
 *
 * const bucket = new TokenBucket({ capacity: 2, perSecond: 10 });
 * const waits = [0, 0, 0, 100].map((now) => bucket.take(now));
 * if (waits.join() !== "0,0,100,0") throw new Error(waits.join());
 * ```
 */
export class TokenBucket {
  readonly #rule: BucketRule;
  /** When it is full again, in monotonic milliseconds; in the past where it is. */
  #full = -Number.MAX_VALUE;

  /** @throws {HeddleError} `option_invalid` for a rule that is none. */
  constructor(rule: BucketRule) {
    checkBucketRule("rule", rule);
    this.#rule = rule;
  }

  /** When it is as if nothing had been taken, in monotonic milliseconds. */
  get idleAt(): number {
    return this.#full;
  }

  /** How long until one may be taken, in milliseconds; 0 where it may be now. */
  wait(now: number): number {
    const wait = Math.max(this.#full, now) + intervalOf(this.#rule) - spanOf(this.#rule) - now;
    return wait <= TOLERANCE ? 0 : wait;
  }

  /** Takes one where {@linkcode TokenBucket.wait} is 0, and else nothing. Gives that wait. */
  take(now: number): number {
    const wait = this.wait(now);
    if (wait === 0) this.#full = Math.max(this.#full, now) + intervalOf(this.#rule);
    return wait;
  }

  /** Takes so much that it is not full before `time`; no more than all there is. */
  holdUntil(time: number, now: number): void {
    this.#full = Math.max(this.#full, Math.min(time, now + spanOf(this.#rule)));
  }

  /** Takes so much that no more is left than of another of the same rule. */
  absorb(other: TokenBucket): void {
    this.#full = Math.max(this.#full, other.#full);
  }
}

/** Milliseconds in which one token comes back: not kept, since there are many buckets of a rule. */
function intervalOf({ perSecond }: BucketRule): number {
  return 1000 / perSecond;
}

/** Milliseconds in which all of them do. */
function spanOf(rule: BucketRule): number {
  return rule.capacity * intervalOf(rule);
}

/** @throws {HeddleError} `option_invalid`, naming the option, what was found and what is allowed. */
export function checkBucketRule(name: string, { capacity, perSecond }: BucketRule): void {
  if (!Number.isSafeInteger(capacity) || capacity < 1) {
    throw new HeddleError(
      "option_invalid",
      `${name}.capacity is ${capacity}; it must be a positive integer`,
    );
  }
  if (!Number.isFinite(perSecond) || perSecond <= 0) {
    throw new HeddleError(
      "option_invalid",
      `${name}.perSecond is ${perSecond}; it must be a number over 0`,
    );
  }
}
