/**
 * Attacks a hub with full force, and prints of each how it was refused, the longest time another client
 * waited for an answer, and the hub's memory before and after. Exits 1 where an attack was not refused as
 * is documented, the other client waited for more than 100 ms, or memory did not come back.
 *
 * `npm run attacks -- [--runtime node,deno,bun] [--only "reader"] [--quick] [--limit 100]`
 *
 * Attackers, the hub and the other client are three processes: on a machine that is busy, or has fewer
 * than four cores, the times are also those of waiting for a core.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import os from "node:os";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { plainEnvironment } from "../scripts/command.ts";
import { attacks } from "../src/attacks/testing/attacks.ts";
import { Field } from "../src/attacks/testing/field.ts";
import { runtime } from "../src/testing/serve.ts";

const args = process.argv.slice(2);
const { values } = parseArgs({
  args,
  options: {
    runtime: { type: "string" },
    only: { type: "string", default: "" },
    quick: { type: "boolean", default: false },
    limit: { type: "string", default: "100" },
    here: { type: "boolean", default: false },
  },
});
const limit = Number(values.limit);
const programs: Readonly<Record<string, readonly string[]>> = {
  node: ["node", "--import", "tsx"],
  deno: ["deno", "run", "-A"],
  bun: ["bun"],
};

const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);

async function attackHere(): Promise<boolean> {
  const field = await Field.open(!values.quick);
  console.log(`\nA hub on ${runtime}, ${os.availableParallelism()} cores, load ${os.loadavg()[0]}`);
  console.log("waited ms | heap MB after each round | RSS MB | attack: how it was refused");
  let isWell = true;
  for (const attack of attacks) {
    if (!attack.name.includes(values.only)) continue;
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
  const [program, ...flags] = programs[name] ?? [];
  if (program === undefined) throw new Error(`there is no runtime ${name}`);
  const file = fileURLToPath(import.meta.url);
  const env = plainEnvironment();
  const { status } = spawnSync(program, [...flags, file, "--here", ...args], {
    stdio: "inherit",
    env,
  });
  return status === 0;
}

const isWell = values.here
  ? await attackHere()
  : (values.runtime?.split(",") ?? Object.keys(programs)).map(attackOn).every(Boolean);
process.exit(isWell ? 0 : 1);
