/**
 * The one command that says whether the project is right: the gates, then every test file on Node,
 * Deno and Bun. `npm test -- --help` tells its options.
 *
 * @module
 */
import { Command, InvalidArgumentError } from "commander";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { endAll, inParallel } from "./command.ts";
import { exceptions, isTest, projectFiles, type Runtime, runtimes, testsFor } from "./files.ts";
import { gates } from "./gates.ts";
import { type FileResult, runTestFile } from "./runner.ts";

interface Options {
  readonly runtime?: readonly Runtime[];
  readonly gates?: boolean;
  readonly jobs: number;
}

interface Tally {
  passed: number;
  failed: number;
}

const root = fileURLToPath(new URL("..", import.meta.url));
const underCi = process.env["CI"] === "true";
const print = (line = "") => console.log(line);
const indent = (text: string) => text.trimEnd().replace(/^(?=.)/gm, "    ");

function parseRuntimes(value: string): Runtime[] {
  return value.split(",").map((name) => {
    const runtime = runtimes.find((known) => known === name);
    if (runtime === undefined) {
      throw new InvalidArgumentError(`"${name}" is none of ${runtimes.join(", ")}.`);
    }
    return runtime;
  });
}

function parseJobs(value: string): number {
  const jobs = Number(value);
  if (!Number.isInteger(jobs) || jobs < 1) throw new InvalidArgumentError("A number from 1 up.");
  return jobs;
}

async function runGates(files: readonly string[], jobs: number, tally: Tally): Promise<void> {
  print("gates");
  await inParallel(gates, jobs, async (gate) => {
    const { problems, notes } = await gate.check(root, files).catch((error: unknown) => ({
      problems: [String(error)],
      notes: [],
    }));
    const found = problems.filter((problem) => problem !== "");
    tally[problems.length === 0 ? "passed" : "failed"]++;
    print(`  ${problems.length === 0 ? "ok  " : "FAIL"}  ${gate.name}`);
    for (const line of [...found, ...notes ?? []]) print(indent(indent(line)));
  });
}

/** The test files of one runtime, and what came of those that ended. */
class Round {
  readonly runtime: Runtime;
  readonly files: readonly string[];
  readonly #results: FileResult[] = [];
  #started: number | undefined;

  constructor(runtime: Runtime, files: readonly string[]) {
    this.runtime = runtime;
    this.files = files;
  }

  async run(file: string, tally: Tally): Promise<void> {
    if (this.#started === undefined) {
      this.#started = performance.now();
      print(`${this.runtime}: ${this.files.length} test files …`);
    }
    const result = await runTestFile(root, this.runtime, file);
    if (result.failure !== undefined) {
      print(`  FAIL  ${file} on ${this.runtime}\n${indent(result.failure)}`);
    }
    this.#results.push(result);
    if (this.#results.length === this.files.length) this.#sumUp(this.#started, tally);
  }

  #sumUp(started: number, tally: Tally): void {
    const sum = (count: (result: FileResult) => number) =>
      this.#results.reduce((total, result) => total + count(result), 0);
    const missing = printSkips(this.#results.sort((a, b) => a.file < b.file ? -1 : 1));
    const passed = sum((result) => result.passed);
    const failed = sum((result) => result.failed) + (underCi ? missing : 0);
    tally.passed += passed;
    tally.failed += failed;
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    const skipped = sum((result) => result.skips.length);
    print(
      `${this.runtime}: ${passed} passed, ${failed} failed, ${skipped} skipped in ${seconds} s`,
    );
  }
}

/** Prints every skip; gives the number of those that are no declared lack of the runtime. */
function printSkips(results: readonly FileResult[]): number {
  let missing = 0;
  for (const { file, skips } of results) {
    for (const { name, reason } of skips) {
      const excusable = reason !== "" && !reason.startsWith("needs ");
      if (!excusable) missing++;
      const verdict = underCi && !excusable ? "FAIL, SKIPPED" : "SKIPPED";
      print(`  ${verdict}  ${file}: ${name}: ${reason === "" ? "no reason given" : reason}`);
    }
  }
  return missing;
}

function isTestUnder(filter: string): (file: string) => boolean {
  return (file) => isTest(file) && file.startsWith(filter.replace(/^\.\//, ""));
}

async function runTests(
  files: readonly string[],
  filters: readonly string[],
  options: Options,
  tally: Tally,
): Promise<void> {
  const isWanted = (file: string) =>
    filters.length === 0 || filters.some((filter) => isTestUnder(filter)(file));
  for (const filter of filters.filter((filter) => !files.some(isTestUnder(filter)))) {
    tally.failed++;
    print(`FAIL  no test file has a path that starts with ${filter}`);
  }
  const rounds: Round[] = [];
  for (const runtime of options.runtime ?? runtimes) {
    const wanted = testsFor(runtime, files).filter(isWanted);
    if (wanted.length > 0) rounds.push(new Round(runtime, wanted));
    else if (filters.length === 0) {
      tally.failed++;
      print(`${runtime}: FAIL  there is no test file`);
    }
  }
  // One queue: the next runtime begins while the last files of the one before are still at work.
  const queue = rounds.flatMap((round) => round.files.map((file) => ({ round, file })));
  await inParallel(queue, options.jobs, ({ round, file }) => round.run(file, tally));
  for (const [file, { only, because }] of Object.entries(exceptions)) {
    if (isWanted(file)) print(`only on ${only.join(" and ")}: ${file}, as ${because}`);
  }
}

async function main(filters: readonly string[], options: Options): Promise<void> {
  const tally: Tally = { passed: 0, failed: 0 };
  try {
    const files = await projectFiles(root);
    if (options.gates !== false) await runGates(files, options.jobs, tally);
    if (options.gates !== true) await runTests(files, filters, options, tally);
    if (tally.passed + tally.failed === 0) throw new Error("nothing was run");
  } catch (error) {
    tally.failed++;
    print(`FAIL  ${error instanceof Error ? error.message : String(error)}`);
  }
  print(`${tally.passed} passed, ${tally.failed} failed`);
  process.exitCode = tally.failed === 0 ? 0 : 1;
}

process.on("exit", endAll);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(1));

await new Command("npm test --")
  .description(
    "Runs the gates and every *_test.ts file on Node, Deno and Bun. The last line is\n" +
      '"N passed, N failed" over all of them; a gate counts as one.\n' +
      'With CI=true a skip without a reason, or one that "needs " a service, is a failure.',
  )
  .argument("[paths...]", "run only the test files whose paths start so, e.g. src/protocol")
  .option("--runtime <names>", "runtimes to test on, by commas (default: all)", parseRuntimes)
  .option("--gates", "run the gates only")
  .option("--no-gates", "run the tests only")
  .option("--jobs <number>", "gates or test files at work at a time", parseJobs, 3)
  .action(main)
  .parseAsync();
