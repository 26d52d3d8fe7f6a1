/**
 * What keeps a measure from going on: the target's doing, and no error of the kit's.
 *
 * @module
 */
import type { ServerMessage } from "../channels/shape.ts";
import { awakeNow } from "../wire/clock.ts";

/** Why a measure does not go on, in words for a report. */
export class Trouble extends Error {
  override readonly name = "Trouble";
}

/** A server's error in answer to something. */
export interface Refusal {
  readonly code: string;
  readonly message: string;
  /** Seconds after which it would be taken; null where the server does not say. */
  readonly retryAfter: number | null;
}

/** Milliseconds that are waited at least, however soon a server may be asked again. */
const PAUSE = 50;

/** What an error of Protocol 1 says. */
export function refusalOf({ code, message, retry_after }: ServerMessage): Refusal {
  return {
    code: String(code),
    message: typeof message === "string" ? message : "",
    retryAfter: typeof retry_after === "number" ? retry_after : null,
  };
}

/** A refusal in words. */
export function showRefusal({ code, message, retryAfter }: Refusal): string {
  const after = retryAfter === null ? "" : `, retry_after ${retryAfter} s`;
  return `the server answered ${code}${after}${message === "" ? "" : `: ${message}`}`;
}

/**
 * Waits so many seconds, as a server asks for; false, at once, where that is beyond the deadline or no
 * number of seconds.
 */
export async function bide(seconds: number | null, deadline: number): Promise<boolean> {
  if (seconds === null || !(seconds >= 0)) return false;
  const pause = Math.max(seconds * 1000, PAUSE);
  if (awakeNow() + pause >= deadline) return false;
  await new Promise((resolve) => setTimeout(resolve, pause));
  return true;
}

/** Why there are no more samples, where the time is up. */
export function timeLimit(began: number, deadline: number): string {
  return `the time limit of ${((deadline - began) / 1000).toFixed(1)} s`;
}
