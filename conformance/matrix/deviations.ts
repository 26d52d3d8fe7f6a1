/**
 * What a server did not keep, by requirement.
 *
 * @module
 */
import type { Requirement } from "../case.ts";
import type { CaseReport, Verdict } from "../report/report.ts";

/** The cases that show one requirement broken in one way. */
export interface Deviation {
  readonly requirement: Requirement;
  readonly verdict: Verdict;
  readonly cases: readonly CaseReport[];
}

/** The gravest first. */
const TOLD: readonly Verdict[] = ["error", "fail", "warn"];

/** Cases that were not kept, those of one requirement and verdict together. */
export function deviationsOf(cases: readonly CaseReport[]): Deviation[] {
  const found = new Map<string, CaseReport[]>();
  for (const verdict of TOLD) {
    for (const one of cases.filter((each) => each.verdict === verdict)) {
      const key = JSON.stringify([verdict, one.requirement]);
      found.set(key, [...found.get(key) ?? [], one]);
    }
  }
  return [...found.values()].flatMap((all) => {
    const [first] = all;
    if (first === undefined) return [];
    return [{ requirement: first.requirement, verdict: first.verdict, cases: all }];
  });
}
