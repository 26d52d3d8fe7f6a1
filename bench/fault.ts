/**
 * Counts what a failing network does to events: publishers and subscribers behind a proxy that cuts,
 * resets, stalls and splits by chance. Prints the figures; exits 1 where an event was lost, doubled,
 * out of order, or wrongly told missing.
 *
 * `node --import tsx bench/fault.ts [--events 100000] [--cuts 1000] [--seed 1]`, also under `deno run -A`
 * and `bun`.
 *
 * @module
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { raisedRates } from "../src/testing/raised_rates.ts";
import { isFlawless, runFault } from "../src/testing/fault.ts";

const { values } = parseArgs({
  options: {
    events: { type: "string", default: "100000" },
    cuts: { type: "string", default: "1000" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
  },
});
const figures = await runFault({
  events: Number(values.events),
  cuts: Number(values.cuts),
  seed: Number(values.seed),
});
console.log(JSON.stringify({ ...figures, rates: raisedRates }));
process.exit(isFlawless(figures) ? 0 : 1);
