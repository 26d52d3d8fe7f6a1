/**
 * How long a client waits before it tries again.
 *
 * @module
 */
import { MAX_TIMER } from "../base/clock.ts";
import { HeddleError } from "../base/errors.ts";
import { checkNames } from "../base/option_checks.ts";
import type { Random } from "../base/random.ts";

/** When a client comes back after it lost its connection. Delays are milliseconds. */
export interface ReconnectOptions {
  /** Before the first attempt. @default 1000 */
  readonly initialDelay: number;
  /** No delay is longer, but for one that the server asks for. @default 60000 */
  readonly maxDelay: number;
  /** What each further delay is multiplied by; at least 1. @default 2 */
  readonly multiplier: number;
  /** The part of a delay that chance decides, 0 to 1. @default 0.5 */
  readonly jitter: number;
  /** Attempts after which it gives up; 0 is never. @default 10 */
  readonly attempts: number;
}

const defaults: ReconnectOptions = {
  initialDelay: 1000,
  maxDelay: 60_000,
  multiplier: 2,
  jitter: 0.5,
  attempts: 10,
};

/** The longest wait that a server may ask for, in milliseconds: an hour. */
export const MAX_RETRY_AFTER = 3_600_000;

/**
 * Fills in the defaults.
 *
 * @throws {HeddleError} `option_invalid`, naming the option, what was found and what is allowed.
 */
export function resolveReconnect(options: Partial<ReconnectOptions> = {}): ReconnectOptions {
  const resolved = { ...defaults };
  checkNames("reconnect", options, Object.keys(defaults));
  for (const [name, value] of Object.entries(options)) {
    if (value !== undefined) resolved[name as keyof ReconnectOptions] = value;
  }
  const { initialDelay, maxDelay, multiplier, jitter, attempts } = resolved;
  const isDelay = (value: number) => typeof value === "number" && value > 0 && value <= MAX_TIMER;
  if (!isDelay(initialDelay)) {
    throw invalid("initialDelay", initialDelay, `more than 0 ms, at most ${MAX_TIMER}`);
  }
  if (!isDelay(maxDelay) || maxDelay < initialDelay) {
    throw invalid("maxDelay", maxDelay, `from initialDelay to ${MAX_TIMER} ms`);
  }
  if (!(multiplier >= 1 && Number.isFinite(multiplier))) {
    throw invalid("multiplier", multiplier, "a number from 1");
  }
  if (!(Number.isFinite(jitter) && jitter >= 0 && jitter <= 1)) {
    throw invalid("jitter", jitter, "a number from 0 to 1");
  }
  if (!Number.isSafeInteger(attempts) || attempts < 0) {
    throw invalid("attempts", attempts, "an integer from 0 (never give up)");
  }
  return resolved;
}

/**
 * The delay before an attempt, in milliseconds:
 *
 * ```text
 * full  = min(maxDelay, initialDelay × multiplier^(attempt − 1))
 * delay = full × (1 − jitter × fraction)        fraction random in [0, 1)
 * ```
 *
 * So it lies in (full × (1 − jitter), full], and clients that lost the same server spread out.
 *
 * @param attempt 1 for the first.
 *
 * @example
 * ```ts
 * import { backoffDelay } from "heddle/client";
 * import { seededRandom } from "heddle";
 *
 * const delay = backoffDelay(
 *   3,
 *   { initialDelay: 1000, maxDelay: 60_000, multiplier: 2, jitter: 0.5, attempts: 10 },
 *   seededRandom(1),
 * );
 * if (delay <= 2000 || delay > 4000) throw new Error(`waits ${delay} ms`);
 * ```
 */
export function backoffDelay(attempt: number, options: ReconnectOptions, random: Random): number {
  const { initialDelay, maxDelay, multiplier, jitter } = options;
  const full = Math.min(maxDelay, initialDelay * multiplier ** (attempt - 1));
  return full * (1 - jitter * random.fraction());
}

/**
 * A wait that the server asks for, in milliseconds: never negative, at most {@linkcode MAX_RETRY_AFTER}.
 *
 * @param seconds What it said, 0 where it said nothing.
 */
export function retryAfterDelay(seconds: number): number {
  return Math.min(MAX_RETRY_AFTER, Math.max(0, seconds * 1000));
}

function invalid(name: string, found: unknown, allowed: string): HeddleError {
  return new HeddleError(
    "option_invalid",
    `reconnect.${name} is ${String(found)}; it must be ${allowed}`,
  );
}
