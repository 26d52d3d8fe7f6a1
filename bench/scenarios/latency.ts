import { Session } from "../session.ts";
import type { Scenario } from "./scenario.ts";

const RATE = 50;
const SUBSCRIBERS = 1_000;
/**
 * Seconds at full effort. All deliveries of an event are late together, so that a p99 is of the slowest hundredth
 * of the events: at half the effort, six of 600. It was two of 200, and differed by half between runs of one server.
 */
const MEASURED = 24;
/** The same before that, after more events a second, of which each has few deliveries. */
const WARM_UP = 6;
const FEW = 10;
const OFTEN = 2_000;

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
      // What runs once an event, not once a delivery, would else be compiled while it is measured.
      await session.open(FEW);
      await session.client.ask({ ask: "latency", rate: OFTEN, seconds: 5 * effort });
      await session.close();
      const count = Math.min(SUBSCRIBERS, connections);
      await session.open(count);
      await session.client.ask({
        ask: "latency",
        rate: RATE,
        seconds: WARM_UP * effort,
      });
      const { p50, p99 } = await session.client.ask<
        { p50: number; p99: number }
      >({
        ask: "latency",
        rate: RATE,
        seconds: MEASURED * effort,
      });
      note(`${RATE}/s × ${count}`, "p50 ms", p50);
      note(`${RATE}/s × ${count}`, "p99 ms", p99);
    });
  },
};
