/**
 * What a reader that stands still costs the others: their latency with and without it, in one run, and
 * the hub's memory.
 *
 * `node --import tsx bench/slow_reader.ts --help`, also under `deno run -A` and `bun`.
 *
 * @module
 */
import type { Socket } from "node:net";
import { Command } from "commander";
import process from "node:process";
import { Child } from "../src/testing/child.ts";
import { runtime } from "../src/testing/serve.ts";
import { LatencyClient } from "./latency_client.ts";
import { wholeNumber } from "./whole_number.ts";

interface Options {
  readonly events: number;
  readonly rounds: number;
  readonly seconds: number;
  readonly subscribers: number;
}

const { events: rate, rounds, seconds, subscribers } = new Command("bench/slow_reader.ts")
  .description(
    "Measures what a reader that stands still costs the others. 1 is the exit code where the hub's " +
      "memory or the others' latency suffers.",
  )
  .option("--events <n>", "events a second", wholeNumber, 10_000)
  .option("--rounds <n>", "measurements with it and without it", wholeNumber, 5)
  .option("--seconds <n>", "how long each takes", wholeNumber, 3)
  .option("--subscribers <n>", "the others", wholeNumber, 10)
  .parse().opts<Options>();

const child = new Child(new URL("./slow_reader_server.ts", import.meta.url));
const server = JSON.parse(await child.line()) as { url: string; outbox: number };
const url = `${server.url.replace(/^http/, "ws")}/ws`;

const clients = Array.from({ length: subscribers }, () => new LatencyClient(url, "busy"));
await Promise.all(clients.map((client) => client.subscribed));

/** Publishes for a while and gives the 99th percentile of the time from publication to arrival. */
async function measure(): Promise<number> {
  for (const client of clients) client.clear();
  await child.ask(`publish ${rate} ${seconds}`);
  await Promise.all(clients.map((client) => client.settled()));
  const latencies = clients.flatMap((client) => client.latencies).sort((a, b) => a - b);
  return latencies[Math.floor(latencies.length * 0.99)]!;
}

/** Subscribes and never reads again. */
async function standStill(): Promise<Socket> {
  const client = new LatencyClient(url, "busy");
  await client.subscribed;
  client.socket.pause();
  return client.socket;
}

const memory = async () => JSON.parse(await child.ask("memory")) as number;

await measure(); // warms up
const without: number[] = [];
const withIt: number[] = [];
let growth = 0;
for (let round = 0; round < rounds; round++) {
  without.push(await measure());
  const before = await memory();
  const still = await standStill();
  withIt.push(await measure());
  growth = Math.max(growth, await memory() - before);
  still.destroy();
}
child.kill();
for (const client of clients) client.socket.destroy();

const median = (numbers: number[]) => numbers.sort((a, b) => a - b)[numbers.length >> 1]!;
const change = median(withIt) / median(without) - 1;
console.log(
  JSON.stringify({
    runtime,
    events_per_second: rate,
    subscribers,
    rounds,
    p99_ms_without: Number(median(without).toFixed(2)),
    p99_ms_with: Number(median(withIt).toFixed(2)),
    change_percent: Number((change * 100).toFixed(1)),
    memory_growth_bytes: growth,
    outbox_limit_bytes: server.outbox,
  }),
);
process.exit(change < 0.2 && growth <= server.outbox ? 0 : 1);
