import type { Clock } from "../base/clock.ts";

/** Bounds on what the server may say, in milliseconds. */
const MIN_INTERVAL = 1_000;
const MAX_INTERVAL = 3_600_000;

/** How often it looks at the clock, at most, in milliseconds. */
const LOOK = 5_000;

/** How long an answer may take after the machine slept, in milliseconds. */
const WAKING = 10_000;

/**
 * Notices a connection that is gone without a word: a standard WebSocket sees neither Ping frames nor a
 * network that was switched off. After an interval of silence it asks; after another, it gives up.
 *
 * Where a clock jumps, the machine has slept, or the process was stopped: then it asks at once, and does
 * not wait for long.
 */
export class Heartbeat {
  readonly #clock: Clock;
  readonly #interval: number;
  readonly #ask: () => void;
  readonly #gone: () => void;
  readonly #look: number;
  readonly #stop: () => void;
  #heardAt: number;
  #lookedAt: number;
  #lookedAtWall: number;
  /** When it gives up; undefined where it has not asked. */
  #deadline: number | undefined;

  /**
   * @param interval What the server told in `connected`, in seconds.
   * @param ask Sends a `ping`; anything that comes back will do.
   */
  constructor(clock: Clock, interval: number, ask: () => void, gone: () => void) {
    this.#clock = clock;
    this.#interval = Math.min(MAX_INTERVAL, Math.max(MIN_INTERVAL, interval * 1000));
    this.#ask = ask;
    this.#gone = gone;
    this.#look = Math.min(LOOK, this.#interval);
    this.#heardAt = this.#lookedAt = clock.now();
    this.#lookedAtWall = clock.wall();
    this.#stop = clock.every(this.#look, () => this.#beat());
  }

  /** A frame came. */
  heard(): void {
    this.#heardAt = this.#clock.now();
    this.#deadline = undefined;
  }

  stop(): void {
    this.#stop();
  }

  #beat(): void {
    const now = this.#clock.now();
    const wall = this.#clock.wall();
    // One of the two may stand still while the machine sleeps.
    const passed = Math.max(now - this.#lookedAt, wall - this.#lookedAtWall);
    const hasSlept = passed >= 2 * this.#look + LOOK;
    this.#lookedAt = now;
    this.#lookedAtWall = wall;
    if (hasSlept) this.#askWithin(Math.min(WAKING, this.#interval));
    else if (this.#deadline === undefined) {
      if (now - this.#heardAt >= this.#interval) this.#askWithin(this.#interval);
    } else if (now >= this.#deadline) this.#gone();
  }

  #askWithin(ms: number): void {
    this.#deadline = this.#clock.now() + ms;
    this.#ask();
  }
}
