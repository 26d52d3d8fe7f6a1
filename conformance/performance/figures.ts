/**
 * From samples to the few figures that are told of them.
 *
 * @module
 */
import type { Timing } from "../report/report.ts";

/** The middle of some numbers, or the mean of the two in the middle. There must be one. */
export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}

/**
 * The smallest of some numbers that at least this part of them does not exceed (nearest rank): of few
 * the largest. There must be one.
 *
 * @param part above 0, up to 1
 */
export function quantile(numbers: readonly number[], part: number): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.max(Math.ceil(part * sorted.length), 1) - 1] ?? NaN;
}

/** What is told of samples in milliseconds; null where there are none. */
export function timingOf(samples: readonly number[]): Timing | null {
  if (samples.length === 0) return null;
  return {
    samples: samples.length,
    median_ms: rounded(median(samples)),
    p99_ms: rounded(quantile(samples, 0.99)),
  };
}

/** How many times as long one takes as the other, by the medians; null where that is no number. */
export function ratioOf(target: Timing | null, raw: Timing | null): number | null {
  if (target === null || raw === null || raw.median_ms === 0) return null;
  return rounded(target.median_ms / raw.median_ms);
}

/** How many a second, where so many take so many milliseconds. */
export function perSecond(count: number, milliseconds: number): number {
  return Math.round(count / (Math.max(milliseconds, 0.001) / 1000));
}

/** To the microsecond: more than the clocks of the runtimes are good for. */
function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
