/**
 * From what the cases showed to what the report says.
 *
 * @module
 */
import type { Case } from "../case.ts";
import { Broken, showClosing, Skipped } from "../peer/finding.ts";
import { type RequirementId, WATCH_RULES, type WatchRule } from "../peer/watch.ts";
import type { CaseReport } from "../report/report.ts";
import { judge, type Outcome } from "./attempt.ts";

/** An outcome without a run. */
export function unrun(
  one: Case,
  ended: Broken | Skipped,
  transcript: readonly string[] = [],
): Outcome {
  return { ...judge(one, ended, []), violations: [], transcript, milliseconds: 0 };
}

/** The outcome of a case that watches, in the light of what the server sent in all others. */
export function watched(
  one: Case,
  outcome: Outcome,
  all: ReadonlyMap<Case, Outcome>,
): Outcome {
  if (one.watches === undefined || outcome.behaviour === "broken") return outcome;
  for (const [other, { violations, transcript, milliseconds }] of all) {
    const violation = violations.find(({ rule }) => rule === one.watches);
    if (violation !== undefined) {
      const observed = `${violation.observed}, seen in ${other.id}`;
      const broken = new Broken({ expected: ruleOf(one.watches), observed });
      return { ...judge(one, broken, []), violations: [], transcript, milliseconds };
    }
  }
  return outcome;
}

/** What a rule asks: of a numbered requirement its number, since the report quotes its sentence. */
function ruleOf(rule: WatchRule | RequirementId): string {
  return Object.hasOwn(WATCH_RULES, rule) ? WATCH_RULES[rule as WatchRule] : rule;
}

/** An outcome as the report has it; bytes and command only where there is something to look into. */
export function reportOf(one: Case, outcome: Outcome, repeat: string): CaseReport {
  const { verdict, counterexample, transcript, closing, runs } = outcome;
  const looked = verdict === "fail" || verdict === "warn" || verdict === "error";
  return {
    id: one.id,
    title: one.title,
    requirement: one.requirement,
    verdict,
    behaviour: outcome.behaviour,
    close: closing === null ? null : showClosing(closing),
    expected: outcome.expected,
    observed: outcome.observed,
    duration_ms: Math.round(outcome.milliseconds),
    ...(runs === undefined ? {} : { runs }),
    ...(looked && transcript.length > 0 ? { transcript } : {}),
    ...(counterexample === null ? {} : { counterexample }),
    ...(looked ? { repeat } : {}),
  };
}
