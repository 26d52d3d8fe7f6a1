import { HeddleError } from "./errors.ts";

/** How many in how long. */
export interface WindowRule {
  /** How many may come in any time of that length: an integer from 1. */
  readonly limit: number;
  /** The length in milliseconds: over 0. */
  readonly window: number;
}

/** Into how many parts a window is divided at most: so much is remembered and no more. */
const PARTS = 128;

/** Sums of times carry an error in their last digits, and whoever waited as told must be let in. */
const TOLERANCE = 1e-6;

/**
 * A sliding window: it admits at most `limit` in any time of `window` milliseconds, its end excluded.
 *
 * It remembers when each one came. Of more than 128 those that came in the same 128th of the window count
 * as if they had come with the last of them, so that it never admits too many, and what it remembers is
 * bounded whatever the limit.
 *
 * @example
 * ```ts
 * import { SlidingWindow } from "heddle";
 *
 * const window = new SlidingWindow({ limit: 2, window: 1000 });
 * const waits = [0, 300, 400, 1000].map((now) => window.take(now));
 * if (waits.join() !== "0,0,600,0") throw new Error(waits.join());
 * ```
 */
export class SlidingWindow {
  readonly #rule: WindowRule;
  /** The width of a part; 0 where each one is remembered by itself. */
  readonly #part: number;
  /** Pairs of a time and how many came then: a ring whose oldest pair is the `#first`. */
  #ring: number[] = [];
  #first = 0;
  #length = 0;
  #total = 0;

  /** @throws {HeddleError} `option_invalid` for a rule that is none. */
  constructor(rule: WindowRule) {
    checkWindowRule("rule", rule);
    this.#rule = rule;
    this.#part = rule.limit <= PARTS ? 0 : rule.window / PARTS;
  }

  /** When it is as if nothing had been taken, in monotonic milliseconds. */
  get idleAt(): number {
    return this.#length === 0 ? -Infinity : this.#time(this.#length - 1) + this.#rule.window;
  }

  /** How long until one may be taken, in milliseconds; 0 where it may be now. */
  wait(now: number): number {
    this.#forget(now);
    return this.#total < this.#rule.limit ? 0 : this.#time(0) + this.#rule.window - now;
  }

  /** Takes one where {@linkcode SlidingWindow.wait} is 0, and else nothing. Gives that wait. */
  take(now: number): number {
    const wait = this.wait(now);
    if (wait === 0) this.#note(now, 1);
    return wait;
  }

  /** Takes so much that at no time more is left than of another of the same rule. */
  absorb(other: SlidingWindow, now: number): void {
    this.#forget(now);
    other.#forget(now);
    if (this.#covers(other)) return;
    const merged = new SlidingWindow(this.#rule);
    let mine = this.#total;
    let its = other.#total;
    // From the oldest on: when those have gone, the larger of what is left of each is left.
    for (let i = 0, j = 0; i < this.#length || j < other.#length;) {
      const before = Math.max(mine, its);
      const time = Math.min(this.#time(i), other.#time(j));
      if (this.#time(i) === time) mine -= this.#count(i++);
      if (other.#time(j) === time) its -= other.#count(j++);
      const gone = before - Math.max(mine, its);
      if (gone > 0) merged.#note(time, gone);
    }
    this.#ring = merged.#ring;
    this.#first = merged.#first;
    this.#length = merged.#length;
    this.#total = merged.#total;
  }

  /** Whether at no time more is left of it than of the other. */
  #covers(other: SlidingWindow): boolean {
    let mine = this.#total;
    let its = other.#total;
    for (let i = 0, j = 0; its > 0; its -= other.#count(j++)) {
      while (this.#time(i) < other.#time(j)) mine -= this.#count(i++);
      if (mine < its) return false;
    }
    return true;
  }

  /** The time of a pair; infinite past the last one. */
  #time(i: number): number {
    return i < this.#length ? this.#ring[this.#at(i)]! : Infinity;
  }

  #count(i: number): number {
    return this.#ring[this.#at(i) + 1]!;
  }

  #at(i: number): number {
    return (2 * (this.#first + i)) % this.#ring.length;
  }

  #forget(now: number): void {
    while (this.#length > 0 && this.#time(0) + this.#rule.window <= now + TOLERANCE) {
      this.#total -= this.#count(0);
      this.#first = (this.#first + 1) % (this.#ring.length / 2);
      this.#length--;
    }
  }

  #note(now: number, count: number): void {
    this.#total += count;
    const latest = this.#length === 0 ? -Infinity : this.#time(this.#length - 1);
    if (now <= latest || this.#isSamePart(now, latest)) {
      const last = this.#at(this.#length - 1);
      this.#ring[last] = Math.max(now, latest);
      this.#ring[last + 1]! += count;
      return;
    }
    if (2 * this.#length === this.#ring.length) this.#grow();
    const next = this.#at(this.#length++);
    this.#ring[next] = now;
    this.#ring[next + 1] = count;
  }

  #isSamePart(now: number, latest: number): boolean {
    return this.#part > 0 && Math.floor(now / this.#part) === Math.floor(latest / this.#part);
  }

  #grow(): void {
    // Made in its whole length, since what is pushed to has room to spare: most windows hold a few.
    const ring = new Array<number>(Math.max(4, 2 * this.#ring.length)).fill(0);
    for (let i = 0; i < this.#length; i++) {
      ring[2 * i] = this.#time(i);
      ring[2 * i + 1] = this.#count(i);
    }
    this.#ring = ring;
    this.#first = 0;
  }
}

/** @throws {HeddleError} `option_invalid`, naming the option, what was found and what is allowed. */
export function checkWindowRule(name: string, { limit, window }: WindowRule): void {
  if (!Number.isSafeInteger(limit) || limit < 1) {
    throw new HeddleError(
      "option_invalid",
      `${name}.limit is ${limit}; it must be a positive integer`,
    );
  }
  if (!Number.isFinite(window) || window <= 0) {
    throw new HeddleError(
      "option_invalid",
      `${name}.window is ${window}; it must be a number of milliseconds over 0`,
    );
  }
}
