import { type BurstOptions, Session } from "../session.ts";
import type { Scenario } from "./scenario.ts";

/** How the circumstances of a burst are called. */
export function cellOf({ subscribers, size, events }: BurstOptions): string {
  const bytes = size < 1024 ? `${size} B` : `${size / 1024} KiB`;
  return `${subscribers} × ${bytes}, ${events} a tick`;
}

/**
 * Events before anything is measured, to so few that they are soon over. What runs once an event, not once a
 * delivery, would else be compiled while it is measured: a burst of 400,000 deliveries to 1,000 has 400 events.
 */
const WARM_UP = { subscribers: 10, size: 128, events: 16, deliveries: 200_000 };

/** What a burst costs, at several numbers of subscribers, sizes and events a tick. */
export const fanout: Scenario = {
  name: "fanout",
  title: "Fan-out",
  targets: [
    "raw net on Node",
    "raw net, together",
    "heddle on Node",
    "ws loop on Node",
    "crossws on Node",
    "Socket.IO on Node",
    "Bun native publish",
    "heddle on Bun",
    "Deno.serve loop",
    "heddle on Deno.serve",
    "heddle on Deno.serve, batches",
    "heddle on Deno, Node adapter",
  ],
  async measure(name, { effort, connections, goalsOnly }, note) {
    await Session.with(name, async (session) => {
      await session.open(WARM_UP.subscribers);
      await session.burst(WARM_UP);
      await session.close();
      let isWarm = false;
      for (const subscribers of goalsOnly ? [1_000] : [1_000, 100, 5_000]) {
        if (subscribers > connections) continue;
        await session.open(subscribers);
        for (const size of goalsOnly ? [128] : [128, 1024]) {
          for (const events of [1, 16]) {
            // Where a goal is, so long that compiling what runs has little part in it.
            const isGoal = subscribers === 1_000 && size === 128;
            const deliveries = effort * events ** 0.5 * (isGoal ? 400_000 : 100_000);
            const options = { subscribers, size, events, deliveries };
            if (!isWarm) await session.burst(options); // compiled, and grown to its size
            const burst = await session.burst(options);
            note(cellOf(options), "CPU µs", burst.cpu);
            note(cellOf(options), "deliveries/s", burst.rate);
            note(cellOf(options), "client CPU µs", burst.client);
          }
          isWarm = true;
        }
        await session.close();
      }
    });
  },
};
