/**
 * What a reporter is.
 *
 * @module
 */
import type { Report } from "./report.ts";

/** How a report is to be written. */
export interface ReportStyle {
  /** Colour, as on a terminal. */
  readonly colour: boolean;
  /** How many columns a line may take, where lines are for a person. */
  readonly columns: number;
}

/** Turns a report into text, to be written to a file or to standard output. */
export type Reporter = (report: Report, style: ReportStyle) => string | Promise<string>;
