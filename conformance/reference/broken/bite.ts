/**
 * Whether the kit finds a server that breaks one requirement of the RFCs, by a case of that requirement,
 * and blames it for nothing else.
 *
 * @module
 */
import { exitCodeOf } from "../../report/exit.ts";
import type { CaseReport, Report } from "../../report/report.ts";
import { runConformance } from "../../runner/run.ts";
import { fitsAny } from "../../runner/select.ts";
import { startReference } from "../server.ts";
import type { Breakage } from "./breakage.ts";

/** What the kit makes of a broken server. */
export interface Bite {
  /** Ids of the cases of the broken requirement that found it. */
  readonly found: readonly string[];
  /** Ids of other cases that blame it, and are not declared to. */
  readonly unrelated: readonly string[];
  /** What is wrong with all that; null where nothing is. */
  readonly wrong: string | null;
  readonly report: Report;
}

/** Runs the kit, or of it just the cases that are to find it, against a broken server. */
export async function bite(breakage: Breakage, how: "quick" | "whole"): Promise<Bite> {
  const server = await startReference(breakage.server);
  try {
    const report = await runConformance({
      url: server.url,
      seed: 1,
      timeout: how === "quick" ? 300 : 500,
      echo: "yes",
      ...(how === "quick" ? { only: breakage.foundBy } : {}),
    });
    return { ...judge(breakage, report), report };
  } finally {
    await server.close();
  }
}

const nameOf = ({ requirement: { spec, section, level } }: CaseReport) =>
  `${spec} ${section} ${level}`;

function judge(breakage: Breakage, report: Report): Omit<Bite, "report"> {
  const { breaks, foundBy, also = {}, verdict = breaks.endsWith("MUST") ? "fail" : "warn" } =
    breakage;
  const blamed = report.cases.filter((one) =>
    one.verdict === "fail" || one.verdict === "error" || one.verdict === verdict
  );
  const isExpected = (id: string) => fitsAny(foundBy, id);
  const finders = blamed.filter(({ id }) => isExpected(id));
  const found = finders.filter((one) => nameOf(one) === breaks).map(({ id }) => id);
  const section = breaks.replace(/(MUST|SHOULD|MAY)$/, "");
  const isDeclared = (id: string) => fitsAny(Object.keys(also), id);
  const unrelated = blamed.filter((one) =>
    one.verdict !== "warn" && !isExpected(one.id) && !isDeclared(one.id) &&
    !nameOf(one).startsWith(section)
  ).map(({ id }) => id);
  const exit = exitCodeOf(report, null);
  const wrong = finders.length === 0
    ? "not found"
    : found.length === 0
    ? `found by another requirement, ${finders.map(nameOf)[0]}`
    : unrelated.length > 0
    ? "blamed for something else"
    : exit !== (verdict === "fail" ? 1 : 0)
    ? `exit code ${exit}`
    : null;
  return { found, unrelated, wrong };
}
