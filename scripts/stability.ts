/**
 * Shows that the kit says the same each time: judges a server three times, each started anew, and
 * compares the verdicts.
 *
 *     npm run stability -- --level channels --profile-file src/testing/kit/profile.json
 *
 * It takes the options of the kit that say what is judged. Exit code 0: the same verdicts; 1: others;
 * 2: it could not run.
 *
 * @module
 */
import process from "node:process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { main } from "../conformance/cli.ts";
import type { Report } from "../conformance/report/report.ts";

const RUNS = 3;

const folder = mkdtempSync(join(tmpdir(), "heddle-stability-"));
try {
  process.exitCode = await compareRuns(process.argv.slice(2));
} finally {
  rmSync(folder, { recursive: true });
}
// What a run has under way where it is ended is not waited for.
if (process.exitCode > 2) process.exit();

async function compareRuns(options: readonly string[]): Promise<number> {
  const verdicts = new Map<string, string[]>();
  for (let run = 1; run <= RUNS; run++) {
    const file = join(folder, `${run}.json`);
    const exit = await main([...options, "--reporter", "json", "--output", file]);
    // It could not run, or was asked for its options or cases alone.
    if (exit > 1 || !existsSync(file)) return exit;
    const { cases, duration_ms, seed, summary } = JSON.parse(readFileSync(file, "utf8")) as Report;
    const { passed, failed, warned, skipped, errored } = summary;
    console.log(
      `run ${run}, seed ${seed}: ${passed} passed, ${failed} failed, ${warned} warned, ` +
        `${skipped} skipped, ${errored} errors, in ${(duration_ms / 1000).toFixed(1)} s`,
    );
    for (const { id, verdict } of cases) verdicts.set(id, [...verdicts.get(id) ?? [], verdict]);
  }
  const differing = [...verdicts].filter(([, of]) => of.length < RUNS || new Set(of).size > 1);
  for (const [id, of] of differing) console.log(`${id}: ${of.join(", ")}`);
  console.log(
    differing.length === 0
      ? `the same verdicts on ${verdicts.size} cases`
      : `other verdicts on ${differing.length} of ${verdicts.size} cases`,
  );
  return differing.length === 0 ? 0 : 1;
}
