import { HeddleError } from "../base/errors.ts";
import { checkNames } from "../base/option_checks.ts";
import type { Random } from "../base/random.ts";
import type { Roster } from "./roster.ts";
import type { Workings } from "./workings.ts";

/** Options of `hub.drain`, in milliseconds: integers from 0 to 3600000, an hour. */
export interface DrainOptions {
  /** How long peers have to close before they are cut off. @default 10000 */
  readonly within?: number;
  /** Over how long the clients are asked to come back, each at its own time. @default 5000 */
  readonly spread?: number;
}

const defaults: Required<DrainOptions> = { within: 10_000, spread: 5_000 };

/** Longer than this no client waits. */
const HOUR = 3_600_000;

/**
 * After how many milliseconds each of `count` clients is to come back: evenly spread, so that never more
 * than `count / spread` a millisecond come in any time, rounded up. Chance moves them all together, so
 * that several hubs that end at once do not call their clients back at the same moments.
 *
 * @param spread In milliseconds; all times are integers below it.
 */
export function returnTimes(count: number, spread: number, random: Random): number[] {
  // Whole milliseconds added to whole milliseconds: a sum that is rounded could put one too many together.
  const shift = Math.floor((random.fraction() * spread) / count);
  return Array.from({ length: count }, (_, i) => Math.floor((i * spread) / count) + shift);
}

/** Ends a hub gently: nobody comes in, and everybody is told when to come back. */
export class Drain {
  readonly #workings: Workings;
  readonly #roster: Roster;
  readonly #shut: () => void;
  #hasBegun = false;
  #done: Promise<void> | undefined;
  #emptied: (() => void) | undefined;

  /** @param shut Called when it begins: nobody may come in any more. */
  constructor(workings: Workings, roster: Roster, shut: () => void) {
    this.#workings = workings;
    this.#roster = roster;
    this.#shut = shut;
  }

  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** Begins, where it has not. Rejects with `option_invalid`, and does not begin, for a wrong option. */
  begin(options: DrainOptions): Promise<void> {
    try {
      this.#done ??= this.#run(resolveDrain(options));
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#done;
  }

  /** A connection has ended. */
  ended(): void {
    if (this.#roster.size === 0) this.#emptied?.();
  }

  async #run({ within, spread }: Required<DrainOptions>): Promise<void> {
    const { options, wheel } = this.#workings;
    this.#hasBegun = true;
    this.#shut();
    const connections = [...this.#roster];
    const times = returnTimes(connections.length, spread, options.random);
    connections.forEach((connection, i) => connection.close("service_restart", times[i]! / 1000));
    await new Promise<void>((resolve) => {
      if (this.#roster.size === 0) return resolve();
      const cancel = options.clock.after(within, resolve);
      this.#emptied = () => {
        cancel();
        resolve();
      };
    });
    for (const connection of [...this.#roster]) {
      connection.terminate({ code: 1006, reason: "did not close in time" });
    }
    wheel.clear();
    if (options.ownsBroker) await options.broker.close();
  }
}

function resolveDrain(options: DrainOptions): Required<DrainOptions> {
  checkNames("drain", options, Object.keys(defaults));
  const { within = defaults.within, spread = defaults.spread } = options;
  for (const [name, value] of Object.entries({ within, spread })) {
    if (Number.isSafeInteger(value) && value >= 0 && value <= HOUR) continue;
    throw new HeddleError(
      "option_invalid",
      `drain.${name} is ${value}; it must be an integer from 0 to ${HOUR} ms`,
    );
  }
  return { within, spread };
}
