/**
 * Runs one test file on one runtime, in a process of its own, and reads what came of it.
 *
 * @module
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type Ended, run } from "./command.ts";
import type { Runtime } from "./files.ts";
import { readJunit } from "./junit.ts";
import type { Skip } from "./skips.ts";

/** What came of a test file on a runtime. */
export interface FileResult {
  readonly file: string;
  readonly passed: number;
  readonly failed: number;
  readonly skips: readonly Skip[];
  /** All the process printed, and what else was wrong with it, where something failed. */
  readonly failure?: string;
}

/**
 * How long a test may take, in milliseconds. Bun has a time-out a test. Node 20 has one a file and
 * Deno has none; there a process that has printed nothing for so long is ended, which is the same
 * for tests that run one after the other, as they do.
 */
const testTimeout = 180_000;

/** Runs `file` (a path from `root`) and never throws: a runner that fails is a failed test. */
export async function runTestFile(
  root: string,
  runtime: Runtime,
  file: string,
  timeout: number = testTimeout,
): Promise<FileResult> {
  const folder = mkdtempSync(join(tmpdir(), `heddle-${runtime}-`));
  try {
    const report = join(folder, "report.xml");
    const skipsFile = join(folder, "skips.jsonl");
    const [program, ...args] = commandLine(root, runtime, file, folder, report, timeout);
    const ended = await run(program!, args, {
      cwd: root,
      env: { HEDDLE_SKIPS: skipsFile },
      // Bun's own time-out names the test: let it come first.
      silence: runtime === "bun" ? timeout * 1.25 : timeout,
    });
    return judge(file, ended, readIfThere(report), readIfThere(skipsFile));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function commandLine(
  root: string,
  runtime: Runtime,
  file: string,
  folder: string,
  report: string,
  timeout: number,
): string[] {
  const skips = fileURLToPath(new URL("skips.ts", import.meta.url));
  switch (runtime) {
    case "node":
      return [
        ...["node", "--import", "tsx"],
        ...["--test-reporter=spec", "--test-reporter-destination=stdout"],
        ...["--test-reporter=junit", `--test-reporter-destination=${report}`],
        `./${file}`,
      ];
    case "deno": {
      const map = join(folder, "imports.json");
      writeFileSync(map, JSON.stringify(importMap(root, skips)));
      return [
        "deno",
        "test",
        "-A",
        "--no-check",
        `--import-map=${map}`,
        `--junit-path=${report}`,
        file,
      ];
    }
    case "bun":
      return [
        ...["bun", "test", `--preload=${skips}`, `--timeout=${timeout}`],
        ...["--reporter=junit", `--reporter-outfile=${report}`],
        `./${file}`,
      ];
  }
}

/** The import map of `deno.json` with `skips.ts` in the place of `node:test`. */
function importMap(root: string, skips: string): object {
  const { imports } = JSON.parse(readFileSync(join(root, "deno.json"), "utf8")) as {
    imports?: Record<string, string>;
  };
  const base = pathToFileURL(`${root}/`);
  const absolute = Object.entries(imports ?? {}).map(([name, target]) => [
    name,
    target.startsWith(".") ? new URL(target, base).href : target,
  ]);
  const stand = pathToFileURL(skips).href;
  return {
    imports: { ...Object.fromEntries(absolute), "node:test": stand },
    scopes: { [stand]: { "node:test": "node:test" } },
  };
}

function readIfThere(file: string): string {
  return existsSync(file) ? readFileSync(file, "utf8") : "";
}

function judge(file: string, ended: Ended, report: string, told: string): FileResult {
  const cases = readJunit(report);
  const skips: Skip[] = told.split("\n").filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Skip);
  const isTold = (name: string) =>
    skips.some((skip) => name === skip.name || name.endsWith(` > ${skip.name}`));
  let passed = 0;
  let failed = 0;
  for (const { name, outcome, reason } of cases) {
    if (outcome === "failed") failed++;
    else if (isTold(name)) continue;
    else if (outcome === "passed") passed++;
    else skips.push({ name, reason: reason ?? "" });
  }
  const trouble: string[] = [];
  if (ended.trouble !== undefined) trouble.push(ended.trouble);
  else if (ended.code !== 0 && failed === 0) {
    trouble.push(`the runner exited with ${ended.code}, though it reported no failed test`);
  } else if (ended.code === 0 && cases.length + skips.length === 0) {
    trouble.push("the runner reported no test");
  }
  if (trouble.length > 0) failed++;
  const failure = [ended.output.trimEnd(), ...trouble.map((text) => `✖ ${text}`)].join("\n");
  return { file, passed, failed, skips, ...(failed > 0 ? { failure } : {}) };
}
