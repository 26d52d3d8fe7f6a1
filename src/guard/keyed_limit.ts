import { HeddleError } from "../base/errors.ts";
import { checkNames } from "../base/option_checks.ts";
import {
  memoryOf,
  type Meter,
  meterFor,
  type RateLimit,
  type RateLimitStats,
  type RateRule,
} from "./rate_limit.ts";

/** Options of a {@linkcode KeyedLimit}. */
export interface KeyedLimitOptions {
  /** The most keys that are remembered: an integer from 2. @default 100000 */
  readonly keys?: number;
}

/**
 * One limit for each key, in bounded memory and at a constant cost, without a timer.
 *
 * Keys live in two generations. One that is used is in the young; when that has lasted as long as anything
 * has to be remembered, or holds half of what may be, it becomes the old one and what is left of the old
 * goes. So what goes for its age makes no difference. What goes for want of room does: whoever comes after
 * that unknown may be any of those that went, and starts with what the most used of them had left. Thus no
 * key ever gets more than its rule says, and a flood of keys that are used once costs newcomers one each
 * time it fills the room, until they are as old as the rule remembers.
 */
export class KeyedLimit implements RateLimit {
  readonly #rule: RateRule;
  readonly #memory: number;
  readonly #half: number;
  #young = new Map<string, Meter>();
  #old = new Map<string, Meter>();
  #turnedAt = -Infinity;
  /** What the most used of the keys had taken that went for want of room. */
  #gone: Meter | undefined;
  #admitted = 0;
  #refused = 0;
  #evicted = 0;

  /** @throws {HeddleError} `option_invalid` for a rule or a number of keys that is none. */
  constructor(rule: RateRule, options: KeyedLimitOptions = {}) {
    checkNames("KeyedLimit", options, ["keys"]);
    const { keys = 100_000 } = options;
    if (!Number.isSafeInteger(keys) || keys < 2) {
      throw new HeddleError("option_invalid", `keys is ${keys}; it must be an integer from 2`);
    }
    meterFor(rule); // a rule that is none shows now, and not with the first key
    this.#rule = rule;
    this.#memory = memoryOf(rule);
    this.#half = Math.floor(keys / 2);
  }

  get stats(): RateLimitStats {
    return {
      admitted: this.#admitted,
      refused: this.#refused,
      keys: this.#young.size + this.#old.size,
      evicted: this.#evicted,
    };
  }

  wait(key: string, now: number): number {
    this.#age(now);
    const meter = this.#young.get(key) ?? this.#old.get(key) ?? this.#gone;
    return meter === undefined ? 0 : meter.wait(now);
  }

  take(key: string, now: number): number {
    this.#age(now);
    const wait = this.#meter(key, now).take(now);
    if (wait === 0) this.#admitted++;
    else this.#refused++;
    return wait;
  }

  #meter(key: string, now: number): Meter {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const meter = this.#old.get(key) ?? this.#newcomer(now);
    this.#old.delete(key);
    if (this.#young.size >= this.#half) this.#turn(now);
    this.#young.set(key, meter);
    return meter;
  }

  #newcomer(now: number): Meter {
    const meter: Meter = meterFor(this.#rule);
    if (this.#gone !== undefined && this.#gone.idleAt > now) meter.absorb(this.#gone, now);
    return meter;
  }

  /** Forgets what makes no difference any more. */
  #age(now: number): void {
    if (now - this.#turnedAt < this.#memory) return;
    // A key of the young may have been used a moment ago, unless twice that time has passed.
    if (now - this.#turnedAt >= 2 * this.#memory) this.#young = new Map();
    this.#old = new Map();
    this.#turn(now);
    if (this.#gone !== undefined && this.#gone.idleAt <= now) this.#gone = undefined;
  }

  #turn(now: number): void {
    for (const meter of this.#old.values()) {
      if (meter.idleAt <= now) continue;
      this.#evicted++;
      this.#gone ??= meterFor(this.#rule);
      this.#gone.absorb(meter, now);
    }
    this.#old = this.#young;
    this.#young = new Map();
    this.#turnedAt = now;
  }
}
