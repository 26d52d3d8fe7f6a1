/**
 * How often something may happen: the port that everything which counts goes through.
 *
 * @module
 */
import { SlidingWindow, type WindowRule } from "../base/sliding_window.ts";
import { type BucketRule, TokenBucket } from "../base/token_bucket.ts";

/** Counts one thing by one rule. Times are monotonic milliseconds, and inputs. */
export interface Meter {
  /** When it is as if nothing had been taken. */
  readonly idleAt: number;
  /** How long until one may be taken; 0 where it may be now. */
  wait(now: number): number;
  /** Takes one where that wait is 0, and else nothing. Gives the wait. */
  take(now: number): number;
  /** Takes so much that at no time more is left than of another by the same rule. */
  absorb(other: this, now: number): void;
}

/** Counts by key: a user, an address, or nothing at all. Times are monotonic milliseconds, and inputs. */
export interface RateLimit {
  /** How long until one of `key` may be taken; 0 where it may be now. */
  wait(key: string, now: number): number;
  /** Takes one where that wait is 0, and else nothing. Gives the wait. */
  take(key: string, now: number): number;
  /** What it did and holds. */
  readonly stats: RateLimitStats;
}

/** What a {@linkcode RateLimit} did since it was made, and holds now. */
export interface RateLimitStats {
  readonly admitted: number;
  readonly refused: number;
  /** Keys that are remembered; those that may be forgotten without a difference go as time passes. */
  readonly keys: number;
  /** Keys that were forgotten before that, since there were too many. */
  readonly evicted: number;
}

/** A bucket or a window, by what its rule has. */
export type RateRule = BucketRule | WindowRule;

/**
 * Makes what counts by a rule.
 *
 * @throws {HeddleError} `option_invalid` for a rule that is none.
 */
export function meterFor(rule: RateRule): TokenBucket | SlidingWindow {
  return "limit" in rule ? new SlidingWindow(rule) : new TokenBucket(rule);
}

/** How long after the last one it is in any case as if nothing had been taken, in milliseconds. */
export function memoryOf(rule: RateRule): number {
  return "limit" in rule ? rule.window : (rule.capacity / rule.perSecond) * 1000;
}
