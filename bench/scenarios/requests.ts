import { Session } from "../session.ts";
import type { Scenario } from "./scenario.ts";

const CONNECTIONS = 100;
const DEPTH = 8;

/** How many requests are answered: the protocol's `ping`, and one that the application declares. */
export const requests: Scenario = {
  name: "requests",
  title: `Requests of ${CONNECTIONS} connections, ${DEPTH} under way on each`,
  targets: [
    "raw net on Node",
    "heddle on Node",
    "ws loop on Node",
    "crossws on Node",
    "Socket.IO on Node",
    "Bun loop",
    "heddle on Bun",
    "Deno.serve loop",
    "heddle on Deno.serve",
    "heddle on Deno, Node adapter",
  ],
  async measure(name, { effort }, note) {
    await Session.with(name, async (session) => {
      await session.open(CONNECTIONS, { channel: null, features: null });
      for (const [type, cell] of [["ping", "echo"], ["add", "RPC"]] as const) {
        const asked = { ask: "requests", type, depth: DEPTH };
        await session.client.ask({ ...asked, seconds: 0.4 * effort });
        const before = await session.cpu();
        const { rate, replies } = await session.client.ask<
          { rate: number; replies: number }
        >({
          ...asked,
          seconds: 0.6 * effort,
        });
        note(cell, "requests/s", rate);
        note(cell, "CPU µs", (await session.cpu() - before) / replies * 1e6);
      }
    });
  },
};
