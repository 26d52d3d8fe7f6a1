/**
 * What was measured, as people read it.
 *
 * @module
 */
import type { CaseReport, Measure } from "./report.ts";

/** Milliseconds to three digits: `0.187`, `1.40`, `23.2`, `1,240`; a dash where there are none. */
export function showMilliseconds(milliseconds: number | undefined): string {
  if (milliseconds === undefined) return "–";
  if (milliseconds >= 100) return showCount(Math.round(milliseconds));
  return milliseconds.toFixed(milliseconds >= 10 ? 1 : milliseconds >= 1 ? 2 : 3);
}

/** How many times: `1.9×`, `23×`; a dash where it is no number. */
export function showRatio(ratio: number | null): string {
  if (ratio === null) return "–";
  return `${ratio >= 10 ? showCount(Math.round(ratio)) : ratio.toFixed(1)}×`;
}

/** A whole number with commas: `98,261`. */
function showCount(count: number): string {
  return String(count).replaceAll(/\B(?=(\d{3})+$)/g, ",");
}

/** How often a property was tried, where that is less than asked for; null where it is not. */
export function showRuns({ runs }: CaseReport): string | null {
  return runs === undefined ? null : `${runs.made} of ${runs.asked}: there was no time for more`;
}

/** What was done, with how much that is a second where it is a figure of its own. */
export function titleOf({ title, per_second }: Measure): string {
  const { target = null, raw = null } = per_second ?? {};
  if (target === null) return title;
  const beside = raw === null ? "" : `, raw sockets ${showCount(raw)}`;
  return `${title}: ${showCount(target)} deliveries a second${beside}`;
}

/** All there is to say of a measure in one line. */
export function sentenceOf(measure: Measure): string {
  const { target, raw, ratio, notes, skipped } = measure;
  if (skipped !== null) return `skipped: ${skipped}`;
  const timing = (name: string, one: typeof target) =>
    one === null
      ? `${name} nothing`
      : `${name} median ${showMilliseconds(one.median_ms)} ms, p99 ${
        showMilliseconds(one.p99_ms)
      } ms of ${one.samples}`;
  return [
    titleOf(measure),
    timing("target", target),
    timing("raw sockets", raw),
    ...(ratio === null ? [] : [`ratio ${showRatio(ratio)}`]),
    ...notes,
  ].join("; ");
}
