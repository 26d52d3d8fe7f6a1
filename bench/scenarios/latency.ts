import { Session } from "../session.ts";
import type { Scenario } from "./scenario.ts";

const RATE = 50;
const SUBSCRIBERS = 1_000;

/** How long events are on their way, from one client to all: what was sent is noted in the event. */
export const latency: Scenario = {
  name: "latency",
  title: `Latency, ${RATE} messages a second to ${SUBSCRIBERS} clients`,
  targets: [
    "raw net on Node",
    "heddle on Node",
    "ws loop on Node",
    "crossws on Node",
    "Socket.IO on Node",
    "Bun loop",
    "Bun native publish",
    "heddle on Bun",
    "Deno.serve loop",
    "heddle on Deno.serve",
    "heddle on Deno, Node adapter",
  ],
  async measure(name, { effort, connections }, note) {
    await Session.with(name, async (session) => {
      const count = Math.min(SUBSCRIBERS, connections);
      await session.open(count);
      await session.client.ask({
        ask: "latency",
        rate: RATE,
        seconds: 3 * effort,
      });
      const { p50, p99 } = await session.client.ask<
        { p50: number; p99: number }
      >({
        ask: "latency",
        rate: RATE,
        seconds: 8 * effort,
      });
      note(`${RATE}/s × ${count}`, "p50 ms", p50);
      note(`${RATE}/s × ${count}`, "p99 ms", p99);
    });
  },
};
