import { Session } from "../session.ts";
import type { Scenario, TargetName } from "./scenario.ts";

const subscribers = 1_000;
const features = (dictionary: boolean) => ({
  compression: {
    algorithm: "deflate",
    compact: true,
    ...(dictionary ? { dictionary: {} } : {}),
  },
});

interface Way {
  readonly name: string;
  readonly features: object | null;
  readonly headers: string;
}
const ways: Partial<Record<TargetName, readonly Way[]>> = {
  "ws permessage-deflate": [{
    name: "ws permessage-deflate",
    features: null,
    headers: "Sec-WebSocket-Extensions: permessage-deflate\r\n",
  }],
};
const waysOfHub: readonly Way[] = [
  { name: "plain", features: null, headers: "" },
  { name: "deflate", features: features(false), headers: "" },
  { name: "dictionary", features: features(true), headers: "" },
];

/** What a delivery costs, and how many bytes it takes, of events that differ as an application's do. */
export const compressed: Scenario = {
  name: "compressed",
  title: `Compressed fan-out to ${subscribers} clients`,
  targets: [
    "heddle on Node",
    "ws permessage-deflate",
    "heddle on Bun",
    "heddle on Deno.serve",
  ],
  async measure(name, { effort, connections }, note) {
    const count = Math.min(subscribers, connections);
    await Session.with(name, async (session) => {
      let isWarm = false;
      for (const way of ways[name] ?? waysOfHub) {
        await session.open(count, { ...way, channel: "m" });
        for (const size of [300, 1024]) {
          const isSlow = name === "ws permessage-deflate";
          const deliveries = effort * (isSlow ? 20_000 : 200_000);
          const options = {
            subscribers: count,
            size,
            events: 1,
            deliveries,
            kind: "metrics",
          } as const;
          if (!isWarm) await session.burst(options); // compiled first
          isWarm = true;
          const burst = await session.burst(options);
          const cell = size < 1024 ? `${size} B` : "1 KiB";
          const full = way.name === name ? name : `${name}, ${way.name}`;
          note(cell, "CPU µs", burst.cpu, full);
          note(cell, "bytes each", burst.bytes, full);
        }
        await session.close();
      }
    });
  },
};
