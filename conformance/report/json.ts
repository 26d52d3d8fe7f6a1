/**
 * The report as JSON.
 *
 * @module
 */
import type { Report } from "./report.ts";

/** What JSON lets stand as it is, and a terminal might obey. */
const CONTROLS = /[\u007f-\u009f\u2028\u2029]/g;

/** The report as it is, indented. */
export function json(report: Report): string {
  const text = JSON.stringify(report, null, 2).replace(
    CONTROLS,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return `${text}\n`;
}
