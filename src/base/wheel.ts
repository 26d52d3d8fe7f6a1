import type { Clock } from "./clock.ts";

/** What a {@linkcode TimerWheel} calls when its time has come. */
export interface Timed {
  /** Called once at or after the time it was scheduled for, never before it. Must not throw. */
  due(now: number): void;
  /** When it falls due in the one wheel it is scheduled with, */
  dueAt?: number | undefined;
  /** and the slot it is in there: both for the wheel to set, which so needs no table of its own. */
  slot?: Set<Timed> | undefined;
}

const SLOTS = 512;

/**
 * One timer for any number of deadlines: a ring of slots, each one tick wide. Scheduling and
 * cancelling cost O(1), a tick costs what falls due in it, and nothing ticks while nothing waits.
 */
export class TimerWheel {
  readonly #clock: Clock;
  readonly #tick: number;
  readonly #slots: Set<Timed>[] = Array.from({ length: SLOTS }, () => new Set());
  #size = 0;
  #turned: number;
  #stop: (() => void) | undefined;

  /** @param tick The width of a slot in milliseconds; nothing is called later than that. */
  constructor(clock: Clock, tick = 100) {
    this.#clock = clock;
    this.#tick = tick;
    this.#turned = Math.floor(clock.now() / tick);
  }

  /** How many deadlines wait. */
  get size(): number {
    return this.#size;
  }

  /** Calls `timed.due` at `deadline` (monotonic milliseconds), in place of an earlier schedule. */
  schedule(timed: Timed, deadline: number): void {
    this.cancel(timed);
    this.#stop ??= this.#clock.every(this.#tick, () => this.#turn());
    const slot = this.#slot(deadline);
    timed.dueAt = deadline;
    timed.slot = slot;
    slot.add(timed);
    this.#size++;
  }

  /** Forgets `timed`. */
  cancel(timed: Timed): void {
    if (timed.slot === undefined) return;
    timed.slot.delete(timed);
    timed.slot = timed.dueAt = undefined;
    this.#size--;
    this.#rest();
  }

  /** Forgets everything. */
  clear(): void {
    for (const slot of this.#slots) {
      for (const timed of slot) timed.slot = timed.dueAt = undefined;
      slot.clear();
    }
    this.#size = 0;
    this.#rest();
  }

  #slot(deadline: number): Set<Timed> {
    // One in the past goes where the next turn begins, or it would be found a whole round late.
    const tick = Math.max(Math.floor(deadline / this.#tick), this.#turned);
    return this.#slots[tick % SLOTS]!;
  }

  #isDue(timed: Timed, now: number): boolean {
    return timed.dueAt !== undefined && timed.dueAt <= now;
  }

  #rest(): void {
    if (this.#size > 0) return;
    this.#stop?.();
    this.#stop = undefined;
  }

  #turn(): void {
    const now = this.#clock.now();
    const until = Math.floor(now / this.#tick);
    // The slot that the last turn ended in is looked at again: it was not over.
    const from = Math.max(this.#turned, until - SLOTS + 1);
    this.#turned = until;
    const due: Timed[] = [];
    for (let tick = from; tick <= until; tick++) {
      for (const timed of this.#slots[tick % SLOTS]!) {
        if (this.#isDue(timed, now)) due.push(timed);
      }
    }
    for (const timed of due) {
      // One that fell due may have been cancelled or rescheduled by another.
      if (!this.#isDue(timed, now)) continue;
      this.cancel(timed);
      timed.due(now);
    }
  }
}
