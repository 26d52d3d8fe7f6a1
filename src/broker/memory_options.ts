import type { Clock } from "../base/clock.ts";
import { HeddleError } from "../base/errors.ts";
import { checkNames } from "../base/option_checks.ts";
import type { Random } from "../base/random.ts";

/** Options of `memoryBroker`. The counts are integers from 0. */
export interface MemoryBrokerOptions {
  /**
   * Bytes of history in all channels together; over it, the channels not published to for longest lose
   * theirs, oldest events first. Counted is what was published: the characters of an event's type and of its
   * data as JSON, the bytes of media. Not counted are some 250 bytes that an event takes beside, and, for as
   * long as somebody is on its channel and history keeps it, the forms in which it was sent: the whole message
   * as text, and one for each way of compression that was granted there. So plan for twice as much where
   * nobody asks for compression, and more where events are small. @default 268435456
   */
  readonly historyBytes?: number;
  /**
   * Channels kept without anybody listening. Those that never had an event go first, then the one unused
   * for longest. @default 100000
   */
  readonly idleChannels?: number;
  /** Sessions kept for those who may come back. @default 100000 */
  readonly sessions?: number;
  /** The same of one user; of more, the oldest go. @default 32 */
  readonly sessionsPerUser?: number;
  /** The same of those without a user that come from one address, or from one IPv6 network. @default 10000 */
  readonly sessionsPerAddress?: number;
  /** Those who left a channel and are counted in for their grace; of more, the longest gone go. @default 100000 */
  readonly lingering?: number;
  /**
   * Names of events remembered in all, and at most 1000 of one identity, so that none is taken twice; the
   * identity that published none for longest is forgotten first. @default 100000
   */
  readonly publications?: number;
  /** @default systemClock */
  readonly clock?: Clock;
  /** Where epochs come from. @default systemRandom */
  readonly random?: Random;
}

const defaults = {
  historyBytes: 268_435_456,
  idleChannels: 100_000,
  sessions: 100_000,
  sessionsPerUser: 32,
  sessionsPerAddress: 10_000,
  lingering: 100_000,
  publications: 100_000,
} satisfies Record<Exclude<keyof MemoryBrokerOptions, "clock" | "random">, number>;

/** @throws {HeddleError} `option_invalid`, naming the option, what was found and what is allowed. */
export function resolveCounts(options: MemoryBrokerOptions): Readonly<typeof defaults> {
  checkNames("memoryBroker", options, [...Object.keys(defaults), "clock", "random"]);
  const counts = { ...defaults };
  for (const name of Object.keys(defaults) as (keyof typeof defaults)[]) {
    const count = options[name] ?? defaults[name];
    if (!Number.isSafeInteger(count) || count < 0) {
      throw new HeddleError(
        "option_invalid",
        `memoryBroker.${name} is ${String(count)}; it must be an integer from 0`,
      );
    }
    counts[name] = count;
  }
  return counts;
}
