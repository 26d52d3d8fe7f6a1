/**
 * What a measure is.
 *
 * @module
 */
import type { Bench } from "./bench.ts";
import type { Line } from "./line.ts";
import { type Plan, playRounds, type Rounds, type Side } from "./rounds.ts";

/** Something that can be measured of a server. */
export interface Measuring {
  /** Permanent: `performance/connect`. */
  readonly id: string;
  /** Of any WebSocket server, or of one of Protocol 1. */
  readonly level: "wire" | "channels";
  /** What is done, as long as the sizes are not known. */
  readonly title: string;
  /** @throws Trouble, Skipped where it cannot be measured */
  run(bench: Bench): Promise<Measured>;
}

/** What came of it. */
export interface Measured {
  /** What was done. */
  readonly title: string;
  /** How many samples were wanted of this target. */
  readonly wanted: number;
  readonly rounds: Rounds;
  /** What is counted where something is lost. */
  readonly unit: "connections" | "answers" | "events" | "deliveries";
  /** How many messages one sample delivers, where that is a figure of its own. */
  readonly deliveries?: number;
  readonly notes?: readonly string[];
}

/** Milliseconds without an answer after which the next question is asked. */
const IDLE = 500;

/** How many rounds are played before those that count. */
export const WARM_UP = 3;

/** A question and its answer on one line, again and again; bare sockets write the answer's bytes back. */
export async function playTrips(
  bench: Bench,
  line: Line,
  rounds: number,
  question: (number: number) => Uint8Array,
): Promise<Rounds> {
  const echo = await bench.beside("echo");
  const side = (hearer: Line, bytes: (number: number) => Uint8Array): Side => ({
    hearers: [hearer],
    round: (from) => ({ sends: [[hearer, bytes(from)]], from, count: 1 }),
  });
  const raw = echo === null ? null : side(echo, (number) => line.samples(number));
  return await playRounds(side(line, question), raw, planOf(bench, rounds));
}

/** The usual plan: a round that is not answered does not hold up the next for long. */
export function planOf(
  bench: Bench,
  rounds: number,
  idle = Math.min(IDLE, bench.patience),
): Plan {
  return { rounds, warmUp: WARM_UP, idle, ...bench.limits() };
}
