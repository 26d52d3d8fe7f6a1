import { Session } from "../session.ts";
import { cellOf } from "./fanout.ts";
import type { Scenario } from "./scenario.ts";

/** What a delivery costs from few subscribers to many, and what channels cost that nothing happens in. */
export const growth: Scenario = {
  name: "growth",
  title: "Growth",
  targets: [
    "raw net on Node",
    "heddle on Node",
    "Bun native publish",
    "heddle on Bun",
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
      if (!name.startsWith("heddle") || goalsOnly) return;
      await session.open(100);
      const none = await session.memory();
      for (const count of [10, 1_000, 100_000]) {
        if (count > channels) continue;
        await session.server.ask({ ask: "channels", count });
        const cell = `${count} idle channels`;
        if (count >= 1_000) {
          note(cell, "bytes each", (await session.memory() - none) / count);
        }
        const idle = await session.cpu();
        await new Promise((resolve) => setTimeout(resolve, 500));
        note(cell, "CPU ms/s", (await session.cpu() - idle) * 2_000);
        const options = {
          subscribers: 100,
          size: 128,
          events: 1,
          deliveries: effort * 30_000,
        };
        note(cell, "CPU µs", (await session.burst(options)).cpu);
      }
    });
  },
};
