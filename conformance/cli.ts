/**
 * The conformance kit's command line. Run it with `--help` for its options.
 *
 * @module
 */
import {
  accessSync,
  constants,
  existsSync,
  readFileSync,
  realpathSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { CommanderError } from "commander";
import picocolors from "picocolors";
import { cite } from "./case.ts";
import { cases } from "./cases.ts";
import { watchSignals } from "./cli_interruption.ts";
import { type CliOptions, createCommand, type Output } from "./cli_options.ts";
import { createProgress } from "./cli_progress.ts";
import { baselineOf, compare, parseBaseline } from "./report/baseline.ts";
import { exitCodeOf } from "./report/exit.ts";
import type { Report } from "./report/report.ts";
import { reporters } from "./report/reporters.ts";
import { visibleLine } from "./report/visible.ts";
import type { ConformanceOptions } from "./runner/options.ts";
import { CannotRun } from "./runner/probe.ts";
import { runConformance } from "./runner/run.ts";
import { casesOf } from "./runner/select.ts";
import { selectAll } from "./runner/selection.ts";
import { parseOffer } from "./target/offer.ts";

/** What cannot be done as it was asked for; said in one line, exit code 2. */
class Misuse extends Error {
  override readonly name = "Misuse";
}

/**
 * Runs the command line and returns the exit code: 0 kept, 1 broken, 2 could not run, 130 or 143 ended
 * by SIGINT or SIGTERM.
 */
export async function main(args: readonly string[]): Promise<number> {
  process.stdout.off("error", sparePipe).on("error", sparePipe);
  const { command, outputs } = createCommand();
  try {
    command.exitOverride().parse([...args], { from: "user" });
    const options = command.opts<CliOptions>();
    const writes = outputs();
    if (options.list !== undefined) return list(options, writes);
    return await run(options, writes);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (!(error instanceof CannotRun) && !(error instanceof Misuse)) throw error;
    process.stderr.write(
      `heddle conformance: ${visibleLine(error.message.replaceAll("\n", " "))}\n`,
    );
    return 2;
  }
}

async function run(options: CliOptions, outputs: readonly Output[]): Promise<number> {
  if (options.updateBaseline === true && options.baseline === undefined) {
    throw new Misuse("--update-baseline needs --baseline FILE");
  }
  for (const { file } of outputs) if (file !== null) attemptFile(file, () => checkWritable(file));
  const known = new Set(cases.map(({ id }) => id));
  const { baseline: file, updateBaseline = false } = options;
  const baseline = file === undefined || updateBaseline && !existsSync(file)
    ? null
    : attemptFile(file, () => parseBaseline(read(file)));
  const progress = createProgress(process.stderr);
  const interruption = watchSignals();
  const report = await runConformance({
    ...conformanceOptions(options),
    onProgress: progress.tell,
    signal: interruption.signal,
  }).catch((error: unknown) => {
    if (interruption.exitCode === null) throw error;
    return interruption.exitCode;
  }).finally(() => {
    progress.end();
    interruption.end();
  });
  if (typeof report === "number") {
    process.stderr.write("heddle conformance: ended before all was judged\n");
    return report;
  }
  await write(report, outputs);
  if (updateBaseline && file !== undefined) {
    const text = `${JSON.stringify(baselineOf(report, baseline), null, 2)}\n`;
    attemptFile(file, () => writeFileSync(file, text));
    return exitCodeOf(report, { unexpected: [], stale: [] });
  }
  const difference = baseline === null ? null : compare(report, baseline, known);
  for (const id of difference?.unexpected ?? []) {
    process.stderr.write(`not in the baseline, and fails: ${id}\n`);
  }
  for (const id of difference?.stale ?? []) {
    process.stderr.write(`in the baseline, and does not fail: ${id}\n`);
  }
  return exitCodeOf(report, difference);
}

function conformanceOptions(options: CliOptions): ConformanceOptions {
  const { seed, runs, concurrency, timeout, maxMessage, ca, profileFile, start } = options;
  const offer = profileFile === undefined
    ? null
    : attemptFile(profileFile, () => parseOffer(read(profileFile)));
  const url = options.url ?? offer?.url;
  if (url === undefined) throw new Misuse("--url is needed: ws://HOST:PORT/PATH or wss://…");
  return {
    url,
    level: options.level,
    only: options.only ?? [],
    skip: options.skip ?? [],
    echo: options.echo,
    headers: options.header ?? [],
    subprotocols: options.subprotocol ?? [],
    profile: options.profile,
    insecure: options.insecure === true,
    ...(seed === undefined ? {} : { seed }),
    ...(runs === undefined ? {} : { runs }),
    ...(concurrency === undefined ? {} : { concurrency }),
    ...(timeout === undefined ? {} : { timeout }),
    ...(maxMessage === undefined ? {} : { maxMessage }),
    ...(offer === null ? {} : { offer, offerFile: profileFile ?? null }),
    ...(start === undefined ? {} : { start }),
    ...(ca === undefined ? {} : { ca: attemptFile(ca, () => read(ca)), caFile: ca }),
  };
}

function list(options: CliOptions, outputs: readonly Output[]): number {
  const format = options.list === true || options.list === undefined
    ? outputs[0]?.reporter === "json" ? "json" : "text"
    : options.list;
  if (format !== "text" && format !== "json") throw new Misuse("--list takes text or json");
  const { level, only = [], skip = [], profile } = options;
  const { selected, measures } = selectAll(casesOf(level), { level, only, skip, profile });
  const listed = [
    ...selected.map(({ id, title, requirement, needs = [] }) => ({
      id,
      title,
      requirement,
      needs,
    })),
    ...measures.map(({ id, title }) => ({ id, title, requirement: null, needs: ["full"] })),
  ];
  const text = format === "json"
    ? JSON.stringify(listed, null, 2)
    : listed.map(({ id, title, requirement }) => {
      const why = requirement === null
        ? "measured, and fails nothing"
        : `${cite(requirement)}, ${requirement.level}: ${requirement.text}`;
      return `${id}\n  ${title}\n  ${why}`;
    }).join("\n");
  process.stdout.write(`${text}\n`);
  return 0;
}

async function write(report: Report, outputs: readonly Output[]): Promise<void> {
  for (const { reporter, file } of outputs) {
    const terminal = file === null && process.stdout.isTTY === true;
    const colour = terminal && picocolors.isColorSupported;
    const columns = terminal ? process.stdout.columns : 100;
    const text = await reporters[reporter]?.(report, { colour, columns }) ?? "";
    if (file === null) process.stdout.write(text);
    else attemptFile(file, () => writeFileSync(file, text));
  }
}

/** Tells before a run, and not after it, that its report has no place to go. */
function checkWritable(file: string): void {
  const there = existsSync(file);
  if (there && statSync(file).isDirectory()) throw new Error("is a directory");
  accessSync(there ? file : dirname(file), constants.W_OK);
}

function read(file: string): string {
  return readFileSync(file, "utf8");
}

function attemptFile<T>(file: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw new Misuse(`${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Whoever reads no further, as `head` does, has what it wanted: the exit code stays what it is. */
function sparePipe(error: Error): void {
  if (!("code" in error) || error.code !== "EPIPE") throw error;
}

const [, script] = process.argv;
if (script !== undefined && realpathSync(script) === fileURLToPath(import.meta.url)) {
  process.exitCode = await main(process.argv.slice(2));
  // What a run has under way where it is ended is not waited for.
  if (process.exitCode > 2) process.exit();
}
