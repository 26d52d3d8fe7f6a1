/**
 * A deploy: thousands of clients on a hub that is drained, and a second hub that takes over. All must come
 * back with every event, and none but so many a second as planned: the first hub asks for no more, and the
 * second takes no more, however many come at once since they were told late or had to wait for a hub that
 * was busy. Where the second hub has a new broker, each must be told of the gap.
 *
 * `node --import tsx bench/deploy.ts --help`, also under `deno run -A` and `bun`.
 *
 * @module
 */
import { Command } from "commander";
import process from "node:process";
import { Child } from "../src/testing/child.ts";
import { runtime } from "../src/testing/serve.ts";
import { ReturningClient } from "./returning_client.ts";
import { wholeNumber } from "./whole_number.ts";

interface Options {
  readonly clients: number;
  readonly spread: number;
  readonly fresh?: boolean;
}

const { clients: count, spread, fresh = false } = new Command("bench/deploy.ts")
  .description(
    "Drains a hub, to which all clients are to come back at the next, and prints how they did. 1 is " +
      "the exit code where one is lost, or more come in a second than was planned.",
  )
  .option("--clients <n>", "clients that come back", wholeNumber, 5000)
  .option("--spread <ms>", "over how long they are asked to", wholeNumber, 5000)
  .option("--fresh", "the second hub has a broker of its own: each is to be told of a gap")
  .parse().opts<Options>();
const planned = Math.ceil(count / (spread / 1000));

const child = new Child(new URL("./deploy_server.ts", import.meta.url), fresh ? ["fresh"] : []);
const socketUrl = (url: string) => `${url.replace(/^http/, "ws")}/ws`;

const where = { url: socketUrl(await child.line()) };
const clients: ReturningClient[] = [];
while (clients.length < count) {
  const batch = Array.from(
    { length: Math.min(100, count - clients.length) },
    () => new ReturningClient(where, "news"),
  );
  await Promise.all(batch.map((client) => client.subscribed));
  clients.push(...batch);
}

await child.ask("publish 100");
where.url = socketUrl(await child.ask(`deploy ${spread} ${planned}`));
const drained = Number(await child.line());
const published = Number(await child.ask("publish 200"));
await Promise.all(clients.map((client) => client.returned));
await Promise.all(clients.map((client) => client.until(published)));
const greeted: number[] = JSON.parse(await child.ask("greeted"));

/** The most of these times in any window of a second. */
function busiestSecond(times: readonly number[]): number {
  const sorted = [...times].sort((a, b) => a - b);
  let busiest = 0;
  for (let i = 0, j = 0; i < sorted.length; i++) {
    while (sorted[i]! - sorted[j]! >= 1000) j++;
    busiest = Math.max(busiest, i - j + 1);
  }
  return busiest;
}
const sum = (of: (client: ReturningClient) => number) => clients.reduce((n, c) => n + of(c), 0);
const figures = {
  runtime,
  clients: count,
  broker: fresh ? "new" : "the same",
  drained_ms: drained,
  returned: greeted.length,
  recovered: sum(({ isRecovered }) => isRecovered ? 1 : 0),
  told_of_a_gap: sum(({ gaps }) => gaps > 0 ? 1 : 0),
  published,
  lost_unsaid: sum(({ lost }) => lost),
  doubled: sum(({ doubled }) => doubled),
  sent_away: sum(({ refusals }) => refusals),
  planned_per_second: planned,
  busiest_second_asked_for: busiestSecond(clients.map(({ due }) => due)),
  busiest_second_greeted: busiestSecond(greeted),
  back_within_ms: Math.round(greeted.at(-1)! - greeted[0]!),
};
console.log(JSON.stringify(figures));
child.kill();
const isSpread = figures.busiest_second_asked_for <= planned &&
  figures.busiest_second_greeted <= planned;
const isRight = isSpread && figures.returned === count && figures.lost_unsaid === 0 &&
  figures.doubled === 0 &&
  (fresh ? figures.told_of_a_gap === count : figures.recovered === count);
process.exit(isRight ? 0 : 1);
