/**
 * Makes the compatibility matrix: starts each server, runs the kit against it several times, and writes
 * what was found. Run it with `--help` for its options.
 *
 * @module
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { Command, InvalidArgumentError, Option } from "commander";
import { judgeApart } from "./apart.ts";
import { NotStarted } from "./child.ts";
import type { Judged } from "./judge.ts";
import { matrix, type NotJudged } from "./matrix.ts";
import { type MatrixServer, servers } from "./servers.ts";

interface Options {
  readonly only?: readonly MatrixServer[];
  readonly profile: "fast" | "full";
  readonly repeat: number;
  readonly seed: number;
  readonly output?: string;
  readonly reports?: string;
  readonly atOnce: number;
}

const here = fileURLToPath(new URL(".", import.meta.url));

const { only = servers, profile, repeat, seed, output, reports, atOnce } = new Command(
  "conformance/matrix/run.ts",
)
  .description("Makes conformance/MATRIX.md: what the kit finds of servers of others.")
  .option("--only <names>", "just these servers, with commas (default all)", named)
  .addOption(
    new Option("--profile <profile>", "the kit's").choices(["fast", "full"]).default("fast"),
  )
  .option("--repeat <n>", "runs against each server", wholeNumber, 3)
  .option("--seed <n>", "seed of the first run", wholeNumber, 1)
  .option(
    "--output <file>",
    "where to write the matrix (default of all conformance/MATRIX.md, of some standard output)",
  )
  .option("--reports <folder>", "where to write each run's report as JSON")
  .option("--at-once <n>", "servers at a time", wholeNumber, 1)
  .parse().opts<Options>();

const cache = process.env["HEDDLE_MATRIX"] ??
  join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "heddle-matrix");
const places = { cache, servers: join(here, "servers") };

const found = new Map<MatrixServer, Judged | NotJudged>();
const waiting = [...only];
const all = Promise.all(Array.from({ length: atOnce }, async () => {
  for (let server = waiting.shift(); server !== undefined; server = waiting.shift()) {
    found.set(server, await judge(server));
  }
}));
// Whoever ends it early has what was found until then.
const ended = new Promise((resolve) => process.once("SIGINT", resolve));
await Promise.race([all, ended]);
const inOrder = servers.filter((server) => only.includes(server)).map((server) =>
  found.get(server) ?? { name: server.name, reason: "the run was ended before" }
);
const judged = inOrder.filter((one) => "reports" in one);
const notJudged = inOrder.filter((one) => "reason" in one);

const text = matrix({ judged, notJudged, profile, repeat, seed, places: [cache, here] });
const file = output ?? (only.length === servers.length ? join(here, "..", "MATRIX.md") : null);
if (file === null) process.stdout.write(text);
else writeFileSync(file, text);
// A server that keeps a socket open must not keep this process.
process.exit(0);

async function judge(server: MatrixServer): Promise<Judged | NotJudged> {
  try {
    const found = await judgeApart(server, { places, profile, repeat, seed });
    for (const [i, report] of reports === undefined ? [] : found.reports.entries()) {
      mkdirSync(reports ?? "", { recursive: true });
      const file = join(reports ?? "", `${server.name}-${i + 1}.json`);
      writeFileSync(file, JSON.stringify(report, null, 2));
    }
    const { passed, failed, warned, skipped, errored } = found.reports[0]?.summary ?? {};
    process.stderr.write(
      `${server.name}: ${passed} passed, ${failed} failed, ${warned} warned, ${skipped} skipped` +
        `${errored === 0 ? "" : `, ${errored} errors of the kit`}` +
        `${found.unstable.length === 0 ? "" : `; ${found.unstable.length} unstable`}` +
        `${found.ended === null ? "" : `; ${found.ended}`}\n`,
    );
    return found;
  } catch (error) {
    if (!(error instanceof NotStarted)) throw error;
    const install = `conformance/matrix/install.sh ${server.part}`;
    process.stderr.write(`${server.name}: skipped: ${error.message}. To install it: ${install}\n`);
    return { name: server.name, reason: `not installed: \`${install}\`` };
  }
}

function named(names: string): MatrixServer[] {
  return names.split(",").map((name) => {
    const server = servers.find((one) => one.name === name);
    if (server !== undefined) return server;
    const known = servers.map((one) => one.name).join(", ");
    throw new InvalidArgumentError(`"${name}" is none of ${known}.`);
  });
}

function wholeNumber(text: string): number {
  if (/^\d{1,9}$/.test(text) && Number(text) > 0) return Number(text);
  throw new InvalidArgumentError("A whole number from 1 up.");
}
