/**
 * Time as an input: everything in Heddle that waits, expires or stamps asks a {@linkcode Clock}, so
 * that a test can hold time still and a property test can move it.
 *
 * @module
 */

/** Where the hub takes its time from. All times are milliseconds. */
export interface Clock {
  /** Monotonic time, for durations and deadlines. Never jumps; its zero means nothing. */
  now(): number;
  /** Wall time since 1970-01-01 UTC, for timestamps and for the expiry of tokens. */
  wall(): number;
  /** Calls `fn` once after `ms`; the returned function cancels it. */
  after(ms: number, fn: () => void): () => void;
  /** Calls `fn` every `ms` until the returned function is called. */
  every(ms: number, fn: () => void): () => void;
}

/** The longest time a timer can be set to, in milliseconds: a longer one would fire at once. */
export const MAX_TIMER = 0x7fff_ffff;

/** The machine's own clock. Its timers do not keep a process alive. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  after(ms, fn) {
    const timer = setTimeout(fn, ms);
    unref(timer);
    return () => clearTimeout(timer);
  },
  every(ms, fn) {
    const timer = setInterval(fn, ms);
    unref(timer);
    return () => clearInterval(timer);
  },
};

/** Node and Bun return an object with `unref`, Deno and browsers a number. */
function unref(timer: unknown): void {
  if (typeof timer === "object" && timer !== null && "unref" in timer) {
    (timer as { unref(): void }).unref();
  }
}

/** A clock that moves only when told to. */
export interface ManualClock extends Clock {
  /** Moves both times by `ms` and runs, in order of their time, the timers that fall due. */
  advance(ms: number): void;
}

/**
 * Makes a clock for tests.
 *
 * @param wall The wall time it starts at, in milliseconds since 1970. Its monotonic time starts at 0.
 *
 * @example
 * ```ts
 * import { manualClock } from "heddle";
 *
 * const clock = manualClock();
 * let fired = 0;
 * clock.every(1000, () => fired++);
 * clock.advance(3500);
 * if (fired !== 3) throw new Error(`fired ${fired} times`);
 * ```
 */
export function manualClock(wall: number = Date.UTC(2024, 11, 29, 12)): ManualClock {
  const timers = new Set<{ at: number; period: number | undefined; fn: () => void }>();
  let now = 0;

  function schedule(ms: number, period: number | undefined, fn: () => void): () => void {
    const timer = { at: now + ms, period, fn };
    timers.add(timer);
    return () => timers.delete(timer);
  }

  return {
    now: () => now,
    wall: () => wall + now,
    after: (ms, fn) => schedule(ms, undefined, fn),
    every: (ms, fn) => schedule(ms, Math.max(1, ms), fn),
    advance(ms) {
      const end = now + ms;
      for (;;) {
        let next: { at: number; period: number | undefined; fn: () => void } | undefined;
        for (const timer of timers) {
          if (timer.at <= end && (next === undefined || timer.at < next.at)) next = timer;
        }
        if (next === undefined) break;
        now = Math.max(now, next.at);
        if (next.period === undefined) timers.delete(next);
        else next.at += next.period;
        next.fn();
      }
      // A timer may have advanced the clock itself.
      now = Math.max(now, end);
    },
  };
}
