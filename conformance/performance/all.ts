/**
 * All measures there are, and which of them a run takes.
 *
 * @module
 */
import type { KitLevel } from "../runner/options.ts";
import { fitsAny } from "../runner/select.ts";
import { asking, publishing } from "./channels.ts";
import { allAtOnce, oneByOne } from "./fan_out.ts";
import type { Measuring } from "./measure.ts";
import { recovering } from "./recovery.ts";
import { connecting, roundTrip } from "./wire.ts";

/** Every measure, in the order of the report. */
const measures: readonly Measuring[] = [
  connecting,
  roundTrip,
  asking,
  publishing,
  oneByOne,
  allAtOnce,
  recovering,
];

/**
 * The measures of a level without those that `skip` names. They are no cases: an `only` that names
 * cases leaves them all, one that names measures just these.
 */
export function selectMeasures(
  level: KitLevel,
  only: readonly string[],
  skip: readonly string[],
): Measuring[] {
  const wanted = namesMeasure(only) ? only : ["*"];
  return measures.filter(({ id, level: own }) =>
    (level !== "wire" || own === "wire") && fitsAny(wanted, id) && !fitsAny(skip, id)
  );
}

/** Whether one of the globs names a measure. */
export function namesMeasure(globs: readonly string[]): boolean {
  return measures.some(({ id }) => fitsAny(globs, id));
}
