/**
 * The search for an input that breaks a property, and for the smallest such.
 *
 * @module
 */
import fc from "fast-check";
import { awakeNow } from "../wire/clock.ts";
import { Broken, type CloseFinding } from "./finding.ts";
import type { Peer } from "./peer.ts";
import type { Property } from "./property.ts";

/** How many times shorter waits are while shrinking, by turns until what breaks so breaks anyway. */
const HURRIES = [10, 3, 1] as const;

/**
 * How long all runs may take, and the search for a smaller input: in time-outs, and in milliseconds;
 * both by the clock that stands still while the process does.
 */
const RUNS_TIME = { waits: 15, least: 30_000 } as const;
const SHRINKING_TIME = { waits: 2, least: 20_000 } as const;

/** How many more times in a row an input breaks that is not said to break by chance. */
const AGAIN = 2;

/** How often one is tried that breaks by chance, until it counts as one that does not break. */
const TRIES = 4;

/** An input that broke, and how. */
interface Failure<T> {
  readonly input: T;
  readonly broken: Broken;
  readonly closings: readonly CloseFinding[];
}

/** What a search found. */
interface Found<T> {
  readonly failure: Failure<T>;
  /** Which run it was. */
  readonly run: number;
  readonly isSteady: boolean;
}

/** The search for the smallest input that breaks. */
export class Search<T> {
  readonly #peer: Peer;
  readonly #property: Property<T>;
  readonly #patience: Peer["patience"];
  /** What fast-check shrank to, each smaller than the one before. */
  readonly #shrunk: Failure<T>[] = [];
  /** Whatever is not about the server's doing ends the search and is no counterexample. */
  #other: { readonly error: unknown } | null = null;
  #deadline = Infinity;
  #runs = 0;

  readonly #now: () => number;

  /** @param now milliseconds, by which the time is up */
  constructor(peer: Peer, property: Property<T>, now: () => number = awakeNow) {
    this.#now = now;
    this.#peer = peer;
    this.#property = property;
    this.#patience = peer.patience;
  }

  /** Throws what was not about the server's doing. */
  check(): void {
    if (this.#other !== null) throw this.#other.error;
  }

  /** How many inputs were tried. */
  get runs(): number {
    return this.#runs;
  }

  /** The first input that breaks each time, or else the first that broke. */
  async find(runs: number, seed: number): Promise<Found<T> | null> {
    const { inputs, reduce } = this.#property;
    const { crowded } = this.#peer;
    const shrinks = !crowded && reduce === undefined;
    let found: Found<T> | null = null;
    let isOver = false;
    const check = fc.asyncProperty(shrinks ? inputs : fc.noShrink(inputs), async (input) => {
      const isShrinking = found?.isSteady === true;
      if (isOver || isShrinking && this.#isOver) return;
      isOver = this.#isOver || found === null && this.#other !== null;
      // It is what ends the runs: fast-check's own limit leaves the last of them under way.
      if (isOver) throw new Error("no more runs");
      if (!isShrinking) this.#runs++;
      const failure = await this.#attempt(input);
      if (failure === null) return;
      if (isShrinking) this.#shrunk.push(failure);
      else {
        const isSteady = shrinks || crowded || await this.#breaksAgain(failure);
        if (isSteady || found === null) found = { failure, run: this.#runs, isSteady };
        if (!isSteady) return;
        this.#beginShrinking();
      }
      throw failure.broken;
    });
    this.#deadline = this.#now() + this.#longer(RUNS_TIME);
    await fc.check(check, { seed, numRuns: runs, includeErrorInReport: false });
    this.#hurry(1);
    return found;
  }

  /** The smallest that breaks with full patience too: what breaks in a hurry alone does not count. */
  async shrink({ failure, isSteady }: Found<T>) {
    let [smallest, times] = [failure, 0];
    const { reduce } = this.#property;
    /** Takes the smallest of those that breaks once more; whether it is the smallest of all. */
    const take = async (smaller: readonly Failure<T>[]): Promise<boolean> => {
      for (let i = smaller.length; i > 0; i--) {
        const again = await this.#attemptOften(smaller[i - 1]!.input, isSteady ? 1 : TRIES);
        if (again === null) continue;
        smallest = again;
        times += i;
        return i === smaller.length;
      }
      return false;
    };
    if (this.#peer.crowded) return { failure, times, isSteady };
    if (reduce === undefined) await take(this.#shrunk);
    else {
      this.#beginShrinking();
      for (const hurry of HURRIES) {
        const smaller: Failure<T>[] = [];
        this.#hurry(hurry);
        await reduce(smallest.input, async (input) => {
          const one = await this.#breaks(input, failure, isSteady);
          if (one !== null) smaller.push(one);
          return one !== null;
        });
        this.#hurry(1);
        if (await take(smaller)) break;
      }
    }
    return { failure: smallest, times, isSteady };
  }

  async #attempt(input: T): Promise<Failure<T> | null> {
    const { closings } = this.#peer;
    const before = closings.length;
    try {
      await this.#property.holds(input);
      return null;
    } catch (error) {
      if (error instanceof Broken) {
        return { input, broken: error, closings: closings.slice(before) };
      }
      this.#other ??= { error };
      return null;
    }
  }

  async #attemptOften(input: T, times: number): Promise<Failure<T> | null> {
    for (let i = 0; i < times; i++) {
      const failure = await this.#attempt(input);
      if (failure !== null) return failure;
    }
    return null;
  }

  async #breaksAgain(failure: Failure<T>): Promise<boolean> {
    if (failure.broken.finding.awaited) this.#hurry(HURRIES[0]);
    let times = 0;
    while (times < AGAIN && isLike(await this.#attempt(failure.input), failure)) times++;
    this.#hurry(1);
    return times === AGAIN;
  }

  /** How it breaks, as `failure` does: twice, or by chance at least once. */
  async #breaks(input: T, failure: Failure<T>, isSteady: boolean): Promise<Failure<T> | null> {
    const tries = isSteady ? 1 : TRIES;
    for (let i = 0; i < tries && !this.#isOver; i++) {
      const one = await this.#attempt(input);
      if (!isLike(one, failure)) continue;
      // To wait in vain is no matter of chance, and takes long.
      if (!isSteady || one.broken.finding.awaited) return one;
      return isLike(await this.#attempt(input), failure) ? one : null;
    }
    return null;
  }

  #beginShrinking(): void {
    this.#deadline = this.#now() + this.#longer(SHRINKING_TIME);
    this.#hurry(HURRIES[0]);
  }

  #hurry(times: number): void {
    const timeout = Math.ceil(this.#patience.timeout / times);
    this.#peer.patience = { ...this.#patience, timeout };
  }

  /** Patience alone is no measure: what is quick to wait may be slow to work. */
  #longer({ waits, least }: { readonly waits: number; readonly least: number }): number {
    return Math.max(this.#patience.timeout * waits, least);
  }

  get #isOver(): boolean {
    return this.#now() > this.#deadline;
  }
}

/** Whether one broke as another: a wait that is over too soon, in a hurry, is no like of a wrong answer. */
function isLike<T>(one: Failure<T> | null, other: Failure<T>): one is Failure<T> {
  return one !== null && (!one.broken.finding.awaited || !!other.broken.finding.awaited);
}
