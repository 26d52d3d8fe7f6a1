/**
 * The report as JSON.
 *
 * @module
 */
import type { Report } from "./report.ts";

/** The report as it is, indented. */
export function json(report: Report): string {
  return `${JSON.stringify(report, null, 2)}\n`;
}
