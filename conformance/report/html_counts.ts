/**
 * How many cases had each verdict, as HTML shows it.
 *
 * @module
 */
import { Markup, markup } from "./markup.ts";
import type { Summary, Verdict } from "./report.ts";

/** Every verdict, the gravest first. */
export const VERDICTS = [
  "fail",
  "error",
  "warn",
  "pass",
  "skip",
] as const satisfies readonly Verdict[];

/** What became of a case, in a word. */
export const VERDICT_WORDS = {
  fail: "failed",
  error: "errors",
  warn: "warned",
  pass: "passed",
  skip: "skipped",
} as const satisfies Record<Verdict, string>;

/** The counts by verdict. */
export function countsOf(summary: Summary): Readonly<Record<Verdict, number>> {
  const { passed: pass, failed: fail, warned: warn, skipped: skip, errored: error } = summary;
  return { pass, fail, warn, skip, error };
}

/** The counts as a bar; decoration, for they stand beside it in figures. */
export function summaryBar(summary: Summary): Markup {
  const counts = countsOf(summary);
  const total = Math.max(1, VERDICTS.reduce((sum, verdict) => sum + counts[verdict], 0));
  // One failure among a thousand cases is to be seen: no share is drawn smaller than this.
  const shares = VERDICTS.map((verdict) =>
    counts[verdict] > 0 ? Math.max(counts[verdict], total / 80) : 0
  );
  const scale = 1000 / Math.max(1, shares.reduce((sum, share) => sum + share, 0));
  let x = 0;
  const rects = VERDICTS.map((verdict, i) => {
    const width = (shares[i] ?? 0) * scale;
    const rect = markup`<rect class="${verdict}" x="${x.toFixed(1)}" width="${
      width.toFixed(1)
    }" height="10"/>`;
    x += width;
    return width === 0 ? null : rect;
  });
  return markup`<svg class="bar" viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true">${rects}</svg>`;
}
