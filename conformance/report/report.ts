/**
 * The report: what a run found, as data. Its names are those of the JSON that the kit writes.
 *
 * @module
 */
import type { Requirement } from "../case.ts";

/**
 * `pass` kept; `fail` a MUST is broken; `warn` a SHOULD is not kept, or the server closed otherwise
 * than it should; `skip` not judged; `error` the kit itself failed.
 */
export type Verdict = "pass" | "fail" | "warn" | "skip" | "error";

/** What became of one case. */
export interface CaseReport {
  readonly id: string;
  readonly title: string;
  readonly requirement: Requirement;
  readonly verdict: Verdict;
  /** Whether the server did what the requirement asks. */
  readonly behaviour: "kept" | "broken" | "not observed";
  /** How it closed, as `clean 1002`, `fin`, `reset`, `open`; null where it did not come to that. */
  readonly close: string | null;
  readonly expected: string;
  /** What was observed instead, or why the case was skipped. */
  readonly observed: string;
  readonly duration_ms: number;
  /** Of a property that was tried less often than asked for, as there was no time for more: how often. */
  readonly runs?: { readonly made: number; readonly asked: number };
  /** The bytes each way, a line for each write or read. */
  readonly transcript?: readonly string[];
  /** The smallest input that shows the failure. */
  readonly counterexample?: string;
  /** The command that runs this case again. */
  readonly repeat?: string;
}

/** How many cases had each verdict. */
export interface Summary {
  readonly passed: number;
  readonly failed: number;
  readonly warned: number;
  readonly skipped: number;
  readonly errored: number;
}

/** How long something took, over some samples. */
export interface Timing {
  readonly samples: number;
  readonly median_ms: number;
  /** What 99 in 100 samples do not exceed; of fewer samples the longest. */
  readonly p99_ms: number;
}

/** One thing that was measured of the target, and beside it of bare sockets. */
export interface Measure {
  /** Permanent, as a case's: `performance/fan-out`. */
  readonly id: string;
  /** What was done, from where to where it was timed. */
  readonly title: string;
  /** Null where nothing could be timed. */
  readonly target: Timing | null;
  /** The same bytes between bare sockets of this machine, in turn with the target. */
  readonly raw: Timing | null;
  /** How many times as long the target took, by the medians. */
  readonly ratio: number | null;
  /** Deliveries a second, at the medians, where one message goes to many. */
  readonly per_second?: { readonly target: number | null; readonly raw: number | null };
  /** How much had to come from the target, and how much of it never did. */
  readonly sent: number;
  readonly lost: number;
  /** What else is to be known: what was lost, why there are fewer samples or a smaller load. */
  readonly notes: readonly string[];
  /** Why it was not measured; null where it was. */
  readonly skipped: string | null;
}

/** How quick the target was, for what it is worth: no verdict comes of it. */
export interface PerformanceReport {
  /** The machine that the kit ran on. */
  readonly machine: string;
  /** The runtime of the kit. */
  readonly runtime: string;
  readonly duration_ms: number;
  /** What is to be known of all measures. */
  readonly notes: readonly string[];
  readonly measures: readonly Measure[];
}

/** What a run found. */
export interface Report {
  /** Name and version of the kit. */
  readonly kit: string;
  /** The URL. */
  readonly target: string;
  /** When the run began, RFC 3339, UTC. */
  readonly started: string;
  readonly duration_ms: number;
  readonly seed: number;
  readonly summary: Summary;
  readonly cases: readonly CaseReport[];
  /** In the profile `full`. */
  readonly performance?: PerformanceReport;
}

/** Counts the verdicts. */
export function summarize(cases: readonly Pick<CaseReport, "verdict">[]): Summary {
  const count = (verdict: Verdict) => cases.filter((one) => one.verdict === verdict).length;
  return {
    passed: count("pass"),
    failed: count("fail"),
    warned: count("warn"),
    skipped: count("skip"),
    errored: count("error"),
  };
}
