/**
 * What a run takes: cases, and what is measured.
 *
 * @module
 */
import type { Case } from "../case.ts";
import { cases as allCases, isChannelCase } from "../cases.ts";
import { namesMeasure, selectMeasures } from "../performance/all.ts";
import type { Measuring } from "../performance/measure.ts";
import type { ResolvedOptions } from "./options.ts";
import { CannotRun } from "./probe.ts";
import { fitsAny, selectCases } from "./select.ts";

type Wish = Pick<ResolvedOptions, "level" | "only" | "skip" | "profile">;

/** What is asked for. */
export interface Selection {
  readonly selected: Case[];
  /** In the profile `full` alone. */
  readonly measures: readonly Measuring[];
}

/** @throws CannotRun `bad_options` where a name in `only` is none, or nothing is left */
export function selectAll(cases: readonly Case[], wish: Wish): Selection {
  const { level, only, skip, profile } = wish;
  for (const glob of only) {
    const trouble = whatIsWrong(glob, cases, wish);
    if (trouble !== null) throw new CannotRun("bad_options", `"${glob}" ${trouble}`);
  }
  const selected = selectCases(cases, only, skip);
  const measures = profile === "full" ? selectMeasures(level, only, skip) : [];
  if (selected.length === 0 && !(namesMeasure(only) && measures.length > 0)) {
    throw new CannotRun("bad_options", "what is to be skipped is all that is asked for");
  }
  return { selected, measures };
}

/** Why a glob names nothing that this run could take; null where it does. */
function whatIsWrong(glob: string, cases: readonly Case[], { level, profile }: Wish) {
  const isNamed = ({ id }: Case) => fitsAny([glob], id);
  if (cases.some(isNamed)) return null;
  if (namesMeasure([glob])) {
    if (profile !== "full") return "is measured in the profile full alone";
    return selectMeasures(level, [glob], []).length > 0
      ? null
      : "is measured at the level channels alone";
  }
  const other = allCases.find(isNamed);
  if (other === undefined) return "is the id of no case and no measure";
  return `names cases of the level ${isChannelCase(other) ? "channels" : "wire"}`;
}
