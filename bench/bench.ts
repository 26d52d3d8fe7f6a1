/**
 * The one command of the benchmark: `npm run bench`. Measures the hub beside its peers and the raw limit of
 * this machine, all in each run, and prints medians, the ratios that are to be reached, and whether they are.
 *
 * @module
 */
import { Command, InvalidArgumentError } from "commander";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, release, totalmem } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { draw, plots } from "./plots.ts";
import { Profiles } from "./profile.ts";
import { cores, keepProfiles, versionOf } from "./program.ts";
import { goalTable, tablesOf } from "./report.ts";
import { Results } from "./results.ts";
import { scenarios } from "./scenarios/all.ts";
import type { Scale, Scenario } from "./scenarios/scenario.ts";
import { Session } from "./session.ts";
import { type TargetName, targets } from "./targets.ts";
import { wholeNumber } from "./whole_number.ts";

interface Options {
  readonly only?: readonly Scenario[];
  readonly servers?: readonly TargetName[];
  readonly runs?: number;
  readonly quick?: boolean;
  readonly goals?: boolean;
  readonly profile?: string;
  readonly json?: string;
  readonly plots?: string;
}

const here = fileURLToPath(new URL(".", import.meta.url));
const peers = join(here, "peers");
const full: Scale = { effort: 0.5, connections: 10_000, channels: 100_000, goalsOnly: false };
const quick: Scale = { effort: 0.2, connections: 1_000, channels: 1_000, goalsOnly: false };
const say = (text: string) => process.stderr.write(`${text}\n`);
let isInterrupted = false;

function parseOnly(value: string): Scenario[] {
  return value.split(",").map((name) => {
    const scenario = scenarios.find((known) => known.name === name);
    if (scenario !== undefined) return scenario;
    const known = scenarios.map(({ name }) => name).join(", ");
    throw new InvalidArgumentError(`"${name}" is none of ${known}.`);
  });
}

function parseServer(value: string, previous: readonly TargetName[] = []): TargetName[] {
  if (Object.hasOwn(targets, value)) return [...previous, value as TargetName];
  const known = Object.keys(targets).map((name) => `"${name}"`).join(", ");
  throw new InvalidArgumentError(`"${value}" is none of ${known}.`);
}

/** Installs the peers, which only the benchmark needs, where they are not there yet. */
function installPeers(): void {
  if (existsSync(join(peers, "node_modules"))) return;
  say("installing the peers: npm ci --prefix bench/peers");
  const { status } = spawnSync("npm", ["ci", "--prefix", peers, "--no-audit", "--no-fund"], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  if (status !== 0) throw new Error("the peers could not be installed");
}

function peerVersions(): Record<string, string> {
  const version = (folder: string, name: string) => {
    const file = join(folder, "node_modules", name, "package.json");
    return (JSON.parse(readFileSync(file, "utf8")) as {
      readonly version: string;
    }).version;
  };
  return {
    ws: version(join(here, ".."), "ws"),
    "socket.io": version(peers, "socket.io"),
    crossws: version(peers, "crossws"),
  };
}

function machine() {
  const runtimes = (["node", "bun", "deno"] as const).flatMap((runtime) => {
    const version = versionOf(runtime);
    return version === undefined ? [] : [[runtime, version] as const];
  });
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memory_gib: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${release()}`,
    pinned: cores ?? null,
    runtimes: Object.fromEntries(runtimes) as Record<string, string>,
    peers: peerVersions(),
    date: new Date().toISOString(),
  };
}

type Machine = ReturnType<typeof machine>;

function captionOf({ cpu, cores, runtimes, peers, system }: Machine): string {
  const versions = Object.entries({ ...runtimes, ...peers })
    .map(([name, version]) => `${name} ${version}`).join(", ");
  return `${cpu}, ${cores} cores, ${system}; ${versions}`;
}

/** Measures all scenarios once, of all servers; a server that fails is told, and has no figures. */
async function measureAll(
  run: number,
  { only = scenarios, servers }: Options,
  scale: Scale,
  results: Results,
  failures: string[],
): Promise<void> {
  for (const scenario of only) {
    // Who goes first changes from run to run, so that what is before a server is not always the same.
    const chosen = scenario.targets.filter((name) => servers?.includes(name) ?? true);
    const order = chosen.map((_, i) => chosen[(i + run) % chosen.length]!);
    for (const target of order) {
      if (isInterrupted) return;
      if (versionOf(targets[target].runtime) === undefined) continue;
      const since = performance.now();
      try {
        await scenario.measure(
          target,
          scale,
          (cell, measure, value, name = target) => {
            results.add({
              run,
              scenario: scenario.name,
              name,
              cell,
              measure,
              value,
            });
          },
        );
      } catch (error) {
        failures.push(
          `run ${run + 1}, ${scenario.name}, ${target}: ${(error as Error).message}`,
        );
        say(failures.at(-1)!);
      }
      const seconds = ((performance.now() - since) / 1000).toFixed(1);
      say(`run ${run + 1}  ${scenario.name}  ${target}  ${seconds} s`);
    }
  }
}

async function main(options: Options): Promise<void> {
  installPeers();
  const scale = { ...(options.quick ? quick : full), goalsOnly: options.goals === true };
  const runs = options.runs ?? (options.quick ? 1 : 5);
  const about = machine();
  const caption = captionOf(about);
  const loads: number[] = [];
  const limits = await Session.with(
    "heddle on Node",
    ({ note }) => Promise.resolve(note),
  );
  const profiles = options.profile === undefined ? undefined : new Profiles(options.profile);
  if (profiles !== undefined) keepProfiles(profiles);
  const results = new Results();
  const failures: string[] = [];
  let done = 0;
  for (; done < runs && !isInterrupted; done++) {
    await measureAll(done, options, scale, results, failures);
    loads.push(loadavg()[0]!);
  }
  const load = loads.map((value) => value.toFixed(1)).join(", ");
  const report = [
    `# ${caption}`,
    `${runs === done ? done : `${done} of ${runs}`} runs, medians; ${
      cores === undefined
        ? "not pinned"
        : `server on core ${cores.server}, client on ${cores.client}`
    }; load after each run: ${load}`,
    `Raised limits of the hub: ${JSON.stringify(limits)}`,
    ...(options.only ?? scenarios).map((scenario) => tablesOf(results, scenario)),
    "## Goals",
    goalTable(results),
    ...(profiles === undefined ? [] : ["## Where the time goes", profiles.summary()]),
    ...(failures.length === 0 ? [] : ["## Failures", ...failures]),
  ].join("\n\n");
  console.log(report);
  const json = {
    machine: about,
    runs: done,
    loads,
    limits,
    failures,
    figures: results.figures,
  };
  if (options.json !== undefined) {
    writeFileSync(options.json, `${JSON.stringify(json)}\n`);
  }
  if (options.plots !== undefined) {
    await drawAll(options.plots, results, caption);
  }
  process.exitCode = failures.length === 0 ? 0 : 1;
}

async function drawAll(
  folder: string,
  results: Results,
  caption: string,
): Promise<void> {
  mkdirSync(folder, { recursive: true });
  for (const bars of plots) {
    const svg = await draw(results, bars, caption);
    if (svg !== undefined) writeFileSync(join(folder, bars.file), svg);
  }
}

process.on("SIGTERM", () => process.exit(1));
process.on("SIGINT", () => {
  if (isInterrupted) process.exit(1);
  isInterrupted = true;
  say("ending after this measurement; once more to end at once");
});

await new Command("npm run bench --")
  .description(
    "Measures the hub beside its peers and the limit of this machine, all of them in each run. Ctrl-C " +
      "ends it with what there is. 1 is the exit code where something could not be measured.",
  )
  .option(
    "--only <names>",
    `what to measure, by commas: ${scenarios.map(({ name }) => name).join(", ")} (default: all)`,
    parseOnly,
  )
  .option(
    "--servers <names...>",
    "of whom, by their names in the tables (default: all)",
    parseServer,
  )
  .option(
    "--runs <number>",
    "how often; medians are over the runs (5, with --quick 1)",
    wholeNumber,
  )
  .option(
    "--quick",
    "two fifths of the load, at most 1,000 connections: a look, no figures to quote",
  )
  .option("--goals", "only under the circumstances that the goals are of")
  .option(
    "--profile <folder>",
    "keeps CPU profiles of the servers, which cost some speed, and prints what takes most",
  )
  .option("--json <file>", "writes every figure of every run")
  .option("--plots <folder>", "draws plots as SVG")
  .action(main)
  .parseAsync();
