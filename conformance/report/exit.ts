/**
 * The exit code that a report comes to.
 *
 * @module
 */
import type { Difference } from "./baseline.ts";
import type { Report } from "./report.ts";

/**
 * 0: no MUST broken, or just those of the baseline; 1: some MUST broken, or the baseline differs; 2:
 * nothing was judged where something was to be, or a MUST case ended in an error of the kit's own.
 */
export function exitCodeOf(report: Report, difference: Difference | null): 0 | 1 | 2 {
  const { summary, cases, performance } = report;
  // Nothing but measuring was asked for, and no figure is a failure.
  if (cases.length === 0 && performance !== undefined) return 0;
  const unjudged = cases.some(({ verdict, requirement }) =>
    verdict === "error" && requirement.level === "MUST"
  );
  if (unjudged || summary.passed + summary.failed + summary.warned === 0) return 2;
  if (difference === null) return summary.failed > 0 ? 1 : 0;
  return difference.unexpected.length + difference.stale.length > 0 ? 1 : 0;
}
