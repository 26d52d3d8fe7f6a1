/**
 * Known failures: a run that fails no more and no less than these is as expected.
 *
 * @module
 */
import type { Report } from "./report.ts";

/** The file: ids of the cases known to fail. */
export interface Baseline {
  /** Why they fail, by globs of ids; for people. */
  readonly reasons: Readonly<Record<string, string>>;
  readonly failures: readonly string[];
}

/** How a run differs from what was known. */
export interface Difference {
  /** Failures that are not in the baseline. */
  readonly unexpected: readonly string[];
  /** Entries of the baseline whose case was judged and did not fail, or does not exist. */
  readonly stale: readonly string[];
}

/** Reads a baseline file. @throws TypeError that says what is wrong with it */
export function parseBaseline(text: string): Baseline {
  const { failures, reasons = {} } = (JSON.parse(text) ?? {}) as Record<string, unknown>;
  const isWhole = Array.isArray(failures) && failures.every((id) => typeof id === "string") &&
    typeof reasons === "object" && reasons !== null &&
    Object.values(reasons).every((reason) => typeof reason === "string");
  if (isWhole) return { reasons: reasons as Baseline["reasons"], failures };
  throw new TypeError(
    'a baseline is {"failures": ["case id", …]}, with "reasons": {"glob of ids": "why"} or without',
  );
}

/** The baseline that this run is as expected by, with the reasons that were given before. */
export function baselineOf(report: Report, before: Baseline | null = null): Baseline {
  return { reasons: before?.reasons ?? {}, failures: failedIds(report).sort() };
}

/** What is new, and what is known no more. `known` are the ids of all cases there are. */
export function compare(
  report: Report,
  baseline: Baseline,
  known: ReadonlySet<string>,
): Difference {
  const failed = new Set(failedIds(report));
  const judged = new Map(report.cases.map(({ id, verdict }) => [id, verdict]));
  const kept = (id: string) => {
    const verdict = judged.get(id);
    return verdict === "pass" || verdict === "warn";
  };
  return {
    unexpected: [...failed].filter((id) => !baseline.failures.includes(id)),
    stale: baseline.failures.filter((id) => kept(id) || !known.has(id)),
  };
}

function failedIds(report: Report): string[] {
  return report.cases.filter(({ verdict }) => verdict === "fail").map(({ id }) => id);
}
