import { Session } from "../session.ts";
import { cellOf } from "./fanout.ts";
import type { Scenario } from "./scenario.ts";

/** How many connections share what idle channels come in a step. */
const HOLDERS = 10;

/** How long the server is looked at while nothing happens, in milliseconds: its housekeeping is in it. */
const IDLE = 6_000;

/**
 * What a delivery costs from few subscribers to many, and what channels cost that nothing happens in: kept
 * ones, with an event and nobody who listens, and subscribed ones, without an event.
 */
export const growth: Scenario = {
  name: "growth",
  title: "Growth",
  targets: [
    "raw net on Node",
    "heddle on Node",
    "Bun native publish",
    "heddle on Bun",
    "heddle on Deno.serve",
  ],
  async measure(name, { effort, connections, channels, goalsOnly }, note) {
    await Session.with(name, async (session) => {
      for (const subscribers of goalsOnly ? [10, 10_000] : [10, 100, 1_000, 10_000]) {
        if (subscribers > connections) continue;
        await session.open(subscribers);
        const options = {
          subscribers,
          size: 128,
          events: 1,
          deliveries: effort * 50_000,
        };
        if (subscribers === 10) await session.burst(options); // compiled first
        const burst = await session.burst(options);
        note(cellOf(options), "CPU µs", burst.cpu);
        await session.close();
      }
    });
    if (!name.startsWith("heddle")) return;
    for (const kind of ["kept", "subscribed"] as const) {
      await Session.with(name, async (session) => {
        await session.open(100);
        const options = { subscribers: 100, size: 128, events: 1, deliveries: effort * 30_000 };
        await session.burst(options);
        const none = await session.memory();
        for (const count of goalsOnly ? [10, 100_000] : [10, 1_000, 100_000]) {
          if (count > channels) continue;
          if (kind === "kept") await session.server.ask({ ask: "channels", count });
          else await session.hold(count, HOLDERS);
          const cell = `${count} idle channels, ${kind}`;
          if (count >= 1_000) note(cell, "bytes each", (await session.memory() - none) / count);
          const idle = await session.cpu();
          await new Promise((resolve) => setTimeout(resolve, IDLE));
          note(cell, "CPU ms/s", (await session.cpu() - idle) * 1e6 / IDLE);
          note(cell, "CPU µs", (await session.burst(options)).cpu);
        }
      });
    }
  },
};
