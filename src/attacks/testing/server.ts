/**
 * A hub to attack, in a process of its own. It prints its URL, then answers each line: `publish N BYTES`
 * publishes N events of so many bytes, `stats` and `memory` give what the hub and the process hold.
 *
 * @module
 */
import process from "node:process";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { type Clock, systemClock } from "../../base/clock.ts";
import { memoryBroker } from "../../broker/memory.ts";
import { channel } from "../../channel/definition.ts";
import { createHub } from "../../hub/hub.ts";
import { message } from "../../hub/message.ts";
import { allowedOrigins } from "../../guard/testing/hostile_origins.ts";
import { SILENCE } from "./field.ts";
import { heapInUse } from "../../testing/heap.ts";
import { runtime, serveHere } from "../../testing/serve.ts";

/** What is kept for those who come back goes soon, so that it is seen whether memory comes back. */
const KEPT = 300;
const sweeping: Clock = {
  ...systemClock,
  every: (_interval, tick) => systemClock.every(KEPT, tick),
};
const everybody = { "*": ["subscribe", "broadcast"] } as const;
const history = { size: 100, bytes: 1_048_576, ttl: KEPT };

const hub = createHub({
  // Whoever it is and from wherever: each attack has a user and addresses of its own.
  auth(request) {
    const userId = new URL(request.url).searchParams.get("user");
    return { userId, role: "viewer", claims: {} };
  },
  proxies: { trusted: ["127.0.0.1"] },
  origin: { allow: allowedOrigins },
  channels: {
    open: channel({ permissions: everybody, history }),
    past: channel({ permissions: everybody, history: { ...history, ttl: 600_000 } }),
    owed: channel({ permissions: everybody, history, ack: true }),
    "room:*": channel({ permissions: everybody, history, presence: { grace: KEPT } }),
  },
  rooms: "room:",
  messages: { say: message(z.object({ text: z.string() }), ({ reply }) => void reply("said")) },
  // So that what is kept for a while and in bounded number is at its bound after the first round.
  broker: memoryBroker({ clock: sweeping, idleChannels: 200, publications: 200 }),
  session: { ttl: KEPT },
  ...(runtime === "deno" ? { heartbeat: { interval: SILENCE / 2, timeout: SILENCE } } : {}),
  limits: {
    // So that what is nested 100,000 deep is judged for that and not for its size.
    subscribe: 262_144,
    connections: 2_500,
    connectionsPerAddress: 100,
  },
  rates: {
    // More than any address has connections, and fewer than the restless ask for also on a busy machine.
    upgrades: { limit: 160, window: 10_000 },
    user: 100_000,
    keys: 5_000,
    // One that is answered throughout asks more often than an ordinary client.
    messages: { ping: { capacity: 1_000, perSecond: 50 } },
  },
  logger: { debug() {}, info() {}, warn() {}, error() {} },
});
const past = hub.channel("past");
for (let i = 0; i < 100; i++) await past.publish("e", { fill: "x".repeat(9_000) });
const server = await serveHere(hub);
console.log(server.url);

async function answer(line: string): Promise<string> {
  const [command, number, bytes] = line.split(" ");
  switch (command) {
    case "publish": {
      const open = hub.channel("open");
      const fill = "x".repeat(Number(bytes));
      for (let i = 0; i < Number(number); i++) {
        await open.publish("e", { fill });
        await sleep(0); // so that sockets can be written
      }
      return "published";
    }
    case "stats":
      return JSON.stringify(hub.stats());
    case "memory": {
      const heap = await heapInUse();
      return JSON.stringify({ heap, rss: process.memoryUsage().rss });
    }
    default:
      return `unknown command ${line}`;
  }
}

createInterface({ input: process.stdin })
  .on("line", async (line) => console.log(await answer(line)))
  .on("close", () => process.exit()); // whoever started it has gone
