/**
 * The hub on the servers of this runtime, judged by the wire level of the conformance kit: it breaks
 * what the baselines say, which is the runtime's own doing, and nothing else.
 */
import { describe, it } from "node:test";
import { readFileSync } from "node:fs";
import { assert, assertEquals } from "@std/assert";
import { cases, runConformance } from "../../../conformance/mod.ts";
import { type Baseline, compare, parseBaseline } from "../../../conformance/report/baseline.ts";
import { globToRegExp } from "../../../conformance/runner/select.ts";
import { KIT_URL, kitSubjects } from "./subjects.ts";

const known = new Set(cases.map(({ id }) => id));

/** Of what `Deno.serve` breaks, properties find by chance one thing or another, or none. */
const BY_CHANCE = ["rfc6455/*/any-*"];

function baselineOf(name: string): Baseline {
  const file = new URL(`../../../conformance/baselines/${name}.json`, import.meta.url);
  return parseBaseline(readFileSync(file, "utf8"));
}

describe("The conformance kit, wire level", () => {
  for (const { name, baseline, start } of kitSubjects) {
    it(`finds broken on ${name} what its baseline says, and nothing else`, async () => {
      const skip = name === "Deno.serve" ? BY_CHANCE : [];
      const report = await runConformance({ url: KIT_URL, start, skip, seed: 1 });
      const { unexpected, stale } = compare(report, baselineOf(baseline), known);
      const seen = report.cases.filter(({ id, verdict }) =>
        verdict === "error" || unexpected.includes(id)
      );
      assertEquals(seen, []);
      assertEquals(stale, []);
      assert(report.summary.passed > 500, `${report.summary.passed} passed`);
    });

    it(`is told for each case that fails on ${name} why`, () => {
      const { failures, reasons } = baselineOf(baseline);
      const globs = Object.keys(reasons).map((glob) => ({ glob, fits: globToRegExp(glob) }));
      const unexplained = failures.filter((id) => !globs.some(({ fits }) => fits.test(id)));
      const idle = globs.filter(({ fits }) => !failures.some((id) => fits.test(id)));
      assertEquals(unexplained, []);
      assertEquals(idle.map(({ glob }) => glob), []);
    });
  }
});
