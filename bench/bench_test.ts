import { assert, assertEquals } from "@std/assert";
import { existsSync } from "node:fs";
import { describe, it } from "node:test";
import { goals } from "./goals.ts";
import { versionOf } from "./program.ts";
import { goalTable, tablesOf } from "./report.ts";
import { type Measured, Results } from "./results.ts";
import { scenarios } from "./scenarios/all.ts";
import { Session } from "./session.ts";
import { type Target, type TargetName, targets } from "./targets.ts";

const hasPeers = existsSync(new URL("./peers/node_modules", import.meta.url));

/** One of each program on each runtime. */
const smoked: readonly TargetName[] = [
  "heddle on Node",
  "raw net, together",
  "ws loop on Node",
  "Socket.IO on Node",
  "crossws on Node",
  "heddle on Bun",
  "Bun native publish",
  "heddle on Deno.serve, batches",
  "Deno.serve loop",
];

function lacks(name: TargetName): string | false {
  const { file, runtime }: Target = targets[name];
  const isPeer = file === "socket_io.ts" || file === "crossws.ts";
  if (isPeer && !hasPeers) return "needs the peers: npm ci --prefix bench/peers";
  return versionOf(runtime) === undefined ? `needs ${runtime}` : false;
}

describe("A server of the benchmark", { concurrency: smoked.length }, () => {
  for (const name of smoked) {
    it(`takes the load client: ${name}`, { skip: lacks(name) }, async () => {
      await Session.with(name, async (session) => {
        await session.open(3);
        const burst = await session.burst({ subscribers: 3, size: 128, events: 4, deliveries: 24 });
        assert(burst.bytes > 100 && burst.bytes < 180, `${burst.bytes} bytes a delivery`);
        if (!name.endsWith("batches")) {
          const latency = { ask: "latency", rate: 100, seconds: 0.02 };
          assertEquals((await session.client.ask<{ events: number }>(latency)).events, 6);
        }
        await session.close();
        await session.open(2, { channel: null, features: null, isBatched: false });
        for (const type of ["ping", "add"]) {
          const asked = { ask: "requests", type, depth: 2, seconds: 0.01 };
          assert((await session.client.ask<{ replies: number }>(asked)).replies >= 4);
        }
        assert(await session.cpu() > 0 && await session.memory() > 0);
      });
    });
  }
});

describe("A scenario that asks more than bursts", { concurrency: 3 }, () => {
  const scale = { effort: 0.001, connections: 10, channels: 10, goalsOnly: true };
  for (const name of ["accept", "compressed", "recovery"]) {
    it(`gives figures: ${name}`, async () => {
      const figures: number[] = [];
      const scenario = scenarios.find((scenario) => scenario.name === name)!;
      await scenario.measure("heddle on Node", scale, (_cell, _measure, value) => {
        figures.push(value);
      });
      assert(figures.length > 0 && figures.every((value) => value > 0), `${figures}`);
    });
  }
});

describe("The report", () => {
  const figure = (run: number, name: TargetName, value: number): Measured => ({
    run,
    scenario: "fanout",
    name,
    cell: "1000 × 128 B, 1 a tick",
    measure: "CPU µs",
    value,
  });

  it("takes ratios within each run, so that a slow run spoils none", () => {
    const results = new Results();
    for (const [run, slowness] of [1, 10, 2].entries()) {
      results.add(figure(run, "raw net on Node", 2 * slowness));
      results.add(figure(run, "heddle on Node", 3 * slowness));
    }
    assertEquals(goals[0]!.value(results), 1.5);
    assert(/raw net \| +≤ 1.15 × \| +1.50 × \| +no \|/.test(goalTable(results)));
    assert(/heddle on Node +\| +6.00 \|/.test(tablesOf(results, scenarios[0]!)));
  });

  it("says nothing of a goal that was not measured", () => {
    assertEquals(goalTable(new Results()), "No goal is measured by these runs.");
  });
});
