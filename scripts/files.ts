/**
 * Which files are there, which are tests, and which runtimes run each.
 *
 * @module
 */
import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { run } from "./command.ts";

export const runtimes = ["node", "deno", "bun"] as const;
export type Runtime = typeof runtimes[number];

/** A test file that not every runtime runs. */
export interface Exception {
  readonly only: readonly Runtime[];
  readonly because: string;
}

/** Every test file that is not run everywhere, and why. All others run on all three runtimes. */
export const exceptions: Readonly<Record<string, Exception>> = {
  "scripts/gates_test.ts": { only: ["node"], because: "it tests the project's own scripts" },
  "scripts/runner_test.ts": { only: ["node"], because: "it starts all three runtimes itself" },
  "scripts/readme_test.ts": { only: ["node"], because: "it starts all three runtimes itself" },
  "examples/foreign-server/foreign_server_test.ts": {
    only: ["node"],
    because: "its server is Python, whatever runtime the test has",
  },
  "bench/bench_test.ts": { only: ["node"], because: "it starts all three runtimes itself" },
  "scripts/package_test.ts": { only: ["node"], because: "it starts all three runtimes itself" },
};

/** Every file that git tracks or would, in order, as paths from `root`. */
export async function projectFiles(root: string): Promise<string[]> {
  const listed = await run("git", ["ls-files", "-co", "--exclude-standard", "-z"], { cwd: root });
  if (listed.code !== 0) throw new Error(`git cannot list the files of ${root}: ${listed.output}`);
  const files = new Set(listed.stdout.split("\0").filter((file) => file !== ""));
  // Git still lists what was deleted and not yet committed.
  return [...files].filter((file) => existsSync(join(root, file))).sort();
}

/** Whether the test run knows the file as a test. */
export function isTest(file: string): boolean {
  return file.endsWith("_test.ts");
}

/** The test files that `runtime` runs. */
export function testsFor(
  runtime: Runtime,
  files: readonly string[],
  table: Readonly<Record<string, Exception>> = exceptions,
): string[] {
  return files.filter((file) => isTest(file) && (table[file]?.only.includes(runtime) ?? true));
}

const otherTestName = /[._](test|spec)\.[cm]?[jt]sx?$/;
const usesRunner =
  /import\s[^*;]*\b(?:test|it|describe|suite)\b[^*;]*from\s+["'](?:node|bun):test["']|\bDeno\.test\(/;

/** Test files that no runner would run, and exceptions that name no file. */
export function lostTests(
  root: string,
  files: readonly string[],
  table: Readonly<Record<string, Exception>> = exceptions,
): string[] {
  const read = (file: string) => readFileSync(join(root, file), "utf8");
  const tests = files.filter(isTest);
  const problems: string[] = [];
  for (const file of files) {
    if (isTest(file)) {
      if (!runtimes.some((runtime) => testsFor(runtime, [file], table).length > 0)) {
        problems.push(`${file}: no runtime runs it`);
      }
    } else if (otherTestName.test(file)) {
      problems.push(`${file}: no runner finds it; tests are called x_test.ts`);
    } else if (/\.[cm]?[jt]sx?$/.test(file) && usesRunner.test(read(file))) {
      // A contract suite: its tests run where a test file imports it.
      const imported = tests.some((test) => read(test).includes(`/${basename(file)}"`));
      if (!imported) problems.push(`${file}: declares tests, but no x_test.ts imports it`);
    }
  }
  for (const file of Object.keys(table)) {
    if (!files.includes(file)) problems.push(`${file}: has an exception, but is not there`);
  }
  return problems;
}
