/**
 * Whether the kit blames a server that keeps every requirement, be it in a way of its own.
 *
 * @module
 */
import type { Unusual } from "./reference/unusual/unusual.ts";
import { startReference } from "./reference/server.ts";
import { runConformance } from "./runner/run.ts";
import { fitsAny } from "./runner/select.ts";

/** Which cases are run, and how often a property is tried. */
export interface BlameOptions {
  readonly only?: readonly string[];
  readonly skip?: readonly string[];
  readonly runs?: number;
}

/** What of a legal server the kit holds against it: nothing, where the kit is right. */
export async function blamesOf(
  { server: overrides, warns = {} }: Unusual,
  options: BlameOptions = {},
): Promise<string[]> {
  await using server = await startReference(overrides);
  const report = await runConformance({ url: server.url, seed: 1, ...options });
  const excused = Object.keys(warns);
  return report.cases.filter(({ id, verdict }) =>
    verdict !== "pass" && verdict !== "skip" &&
    !(verdict === "warn" && fitsAny(excused, id))
  ).map(({ id, verdict, expected, observed }) => `${verdict} ${id}: ${expected}; ${observed}`);
}
