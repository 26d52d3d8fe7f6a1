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
