/**
 * Attacks a hub with full force, and prints of each how it was refused, the longest time another client
 * waited for an answer, and the hub's memory before and after: `npm run attacks -- --help`.
 *
 * Attackers, the hub and the other client are three processes: on a machine that is busy, or has fewer
 * than four cores, the times are also those of waiting for a core.
 *
 * @module
 */
import { Command, InvalidArgumentError, Option } from "commander";
import { spawnSync } from "node:child_process";
import os from "node:os";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { plainEnvironment } from "../scripts/command.ts";
import { attacks } from "../src/attacks/testing/attacks.ts";
import { Field } from "../src/attacks/testing/field.ts";
import { runtime } from "../src/testing/serve.ts";

const programs: Readonly<Record<string, readonly string[]>> = {
  node: ["node", "--import", "tsx"],
  deno: ["deno", "run", "-A"],
  bun: ["bun"],
};

function parseRuntimes(value: string): string[] {
  const known = Object.keys(programs);
  for (const name of value.split(",")) {
    if (!known.includes(name)) {
      throw new InvalidArgumentError(`"${name}" is none of ${known.join(", ")}.`);
    }
  }
  return value.split(",");
}

function parseOnly(value: string): string {
  if (attacks.some(({ name }) => name.includes(value))) return value;
  const names = attacks.map(({ name }) => `  ${name}`).join("\n");
  throw new InvalidArgumentError(`No attack has that in its name:\n${names}`);
}

function parseLimit(value: string): number {
  const limit = Number(value);
  if (limit > 0) return limit;
  throw new InvalidArgumentError("A number of milliseconds above 0.");
}

const command = new Command("npm run attacks --")
  .description(
    "Attacks a hub with full force. 1 is the exit code where an attack was not refused as is " +
      "documented, another client waited for too long, or memory did not come back.",
  )
  .option("--runtime <names>", "by commas: node, deno, bun (default: all)", parseRuntimes)
  .option("--only <text>", "the attacks whose name has it in it", parseOnly)
  .option("--quick", "a fraction of the counts")
  .option("--limit <ms>", "the longest that another client may wait", parseLimit, 100)
  .addOption(new Option("--here", "in this runtime").hideHelp())
  .parse();
const values = command.opts<{
  readonly runtime?: readonly string[];
  readonly only?: string;
  readonly quick?: boolean;
  readonly limit: number;
  readonly here?: boolean;
}>();
const { limit, only = "" } = values;

const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);

async function attackHere(): Promise<boolean> {
  const field = await Field.open(values.quick !== true);
  console.log(`\nA hub on ${runtime}, ${os.availableParallelism()} cores, load ${os.loadavg()[0]}`);
  console.log("waited ms | heap MB after each round | RSS MB | attack: how it was refused");
  let isWell = true;
  for (const attack of attacks) {
    if (!attack.name.includes(only)) continue;
    try {
      const { longest, heaps, rss, refused, cameBack } = await field.endure(attack);
      const faults = [
        ...(longest > limit ? [`OVER ${limit} ms`] : []),
        ...(cameBack || attack.once ? [] : ["MEMORY DID NOT COME BACK"]),
      ];
      if (faults.length > 0) isWell = false;
      const waited = String(Math.ceil(longest)).padStart(9);
      const row = [waited, heaps.map(megabytes).join(" "), rss.map(megabytes).join(" ")].join(
        " | ",
      );
      console.log(`${row} | ${attack.name}: ${refused} ${faults.join(", ")}`.trimEnd());
    } catch (error) {
      isWell = false;
      console.log(`${attack.name}: NOT REFUSED AS DOCUMENTED: ${error}`);
    }
  }
  field.close();
  return isWell;
}

function attackOn(name: string): boolean {
  const [program, ...flags] = programs[name]!;
  const file = fileURLToPath(import.meta.url);
  const env = plainEnvironment();
  const { status } = spawnSync(program!, [...flags, file, "--here", ...process.argv.slice(2)], {
    stdio: "inherit",
    env,
  });
  return status === 0;
}

const isWell = values.here
  ? await attackHere()
  : (values.runtime ?? Object.keys(programs)).map(attackOn).every(Boolean);
process.exit(isWell ? 0 : 1);
