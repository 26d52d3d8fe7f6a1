import { describe, it } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { hostile, startHostile } from "./reference/hostile.ts";
import { exitCodeOf } from "./report/exit.ts";
import { CannotRun } from "./runner/probe.ts";
import { runConformance } from "./runner/run.ts";

/** Far above what any of them takes; without a bound they would take for ever. */
const LONGEST = 120_000;

/** Side by side where the runtime can, as much of the time is spent waiting for what never comes. */
const WAITING = { concurrency: 4 } as const;

describe("the kit comes to an end with a server that", WAITING, () => {
  for (const one of hostile) {
    it(one.name, async () => {
      await using server = await startHostile(one);
      const started = performance.now();
      const run = () =>
        runConformance({
          url: server.url,
          seed: 1,
          timeout: 200,
          only: ["rfc6455/4.2.2/opening-handshake", "rfc6455/5.5.2/*", "rfc6455/7.1.7/*"],
        });
      if (one.comesTo === "nothing") {
        const { message } = await assertRejects(run, CannotRun);
        assert(!message.includes("\n"));
      } else {
        const report = await run();
        assertEquals(exitCodeOf(report, null), 1);
        assertEquals(report.summary.errored, 0);
      }
      assert(performance.now() - started < LONGEST);
    });
  }
});
